"""Layer: a module that makes its weights when it learns the shape of its input.

A layer gives the output shape for an input shape (`shape_after`), makes its weights for it
(`create`), and computes (`forward`).  The rest is here, once for all layers: checks of shapes,
names in errors, activation, regularizers, and the place in the functional graph.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import numpy

from ..devices import out_of_memory
from ..engine.record import current_observer, paused
from ..engine.tensor import Tensor
from ..messages.arguments import (
    Shape,
    boolean,
    function,
    generator,
    join_first,
    layer_name,
    several,
    shape_of_example,
    shown,
)
from ..messages.mistakes import warn
from ..messages.names import Exact
from ..models.module import Module, give_generator, in_mode
from ..models.names import give_name
from ..models.parts import asked_mode
from ..models.symbols import Symbol, is_symbolic, symbols_of
from ..ops.activation import relu
from . import init
from .activations import Activation, activation_of

Regularizer = Callable[[Tensor], Tensor]
BASE = "The base of "  # so begins the docstring of a class that only others derive from


class Layer(Exact, Module):
    """The base of all layers.

    name: for errors, summaries and files; by default its model gives it one.
    rng: numpy.random.default_rng(seed), for its weights or its noise; by default its model's.
    activity_regularizer: a penalty on its output in training, divided by the number of examples.
    """

    merges = False  # whether it takes a list of inputs
    mixes_examples = False  # whether an example's output depends on the others of the batch
    keeps_mask = False  # whether a mask of time steps holds for its output too
    built = False
    activity_regularizer: Regularizer | None = None
    # shape and dtype of the last input: another call with them needs no check
    _checked: Any = None
    _dtype: Any = None

    def __init_subclass__(cls, **settings: Any) -> None:
        """help(Dense) describes the arguments of its bases too."""
        super().__init_subclass__(**settings)
        own = inspect.cleandoc(cls.__doc__ or "")
        if not own or own.startswith(BASE) or not cls.__module__.startswith("tinynet."):
            return
        for base in cls.__mro__[1:]:
            more = inspect.cleandoc(base.__doc__ or "")
            if more.startswith(BASE):
                own += ("\n" if "\n" in own else "\n\n") + more.partition("\n\n")[2]
        cls.__doc__ = own

    def __init__(
        self,
        name: str | None = None,
        rng: numpy.random.Generator | None = None,
        activity_regularizer: Regularizer | None = None,
    ) -> None:
        self.name = layer_name(type(self).__name__, name)
        self.rng = None if rng is None else generator(self.label, rng)
        self.activity_regularizer = function(
            self.label,
            "activity_regularizer",
            activity_regularizer,
            "Give tn.regularizers.L1(1e-5), or a function of a tensor.",
        )

    # -- written by each layer ------------------------------------------------------------------

    def shape_after(self, shape: Any) -> Any:
        """The output shape for an input shape.  ValueError, without a name, for a wrong one."""
        return shape

    def create(self, shape: Any) -> None:
        """Make the weights for inputs of that shape."""

    def fits(self, shape: Any) -> None:
        """ValueError, without a name, if the weights were made for inputs of another shape."""

    def _check_attribute(self, name: str, value: Any) -> None:
        weights = ("kernel", "recurrent_kernel", "bias", "gamma", "beta", "embeddings")
        if name in weights and self.__module__.startswith("tinynet."):
            if value is None:
                raise ValueError(
                    f"{self.label}: {name} is set to None. To tie weights, build both layers "
                    f"first: layer.build(shape, rng); then one.{name} = other.{name}."
                )
            if not isinstance(value, Tensor):
                raise TypeError(
                    f"{self.label}: {name} must stay a Tensor. Write layer.{name}.data[...] = "
                    "array."
                )
        super()._check_attribute(name, value)

    def look_at_input(self, shape: Any) -> None:
        """Warn of a shape of the data that is hardly meant."""

    # -- the same for all layers ----------------------------------------------------------------

    def __call__(self, x: Any, *more: Any, training: bool | None = None, **given: Any) -> Any:
        if more:
            raise self.several_inputs()
        if given:
            self._check_given(given)
        if training is not None:
            return in_mode(self, x, training, **given)
        if type(x) is not Tensor or self.merges:
            x = self._arranged(x)
            if is_symbolic(x):
                self.refuse_in_graph(given)
                return symbols_of(self, x)
        shape = [t.shape[1:] for t in x] if self.merges else x.data.shape[1:]
        if shape != self._checked or (not self.merges and x.data.dtype is not self._dtype):
            x = self._checked_input(x, shape)
        observer = current_observer.get()
        if observer:
            observer.before_module(self, x)
        try:
            y = self.forward(x, **given)
        except (ValueError, TypeError) as error:
            raise self._named(error) from None
        except MemoryError as error:
            examples = len(x[0] if self.merges else x)
            raise out_of_memory(self.label, error, examples) from None
        if y is None:
            raise self.nothing_returned()
        if self.activity_regularizer is not None and self.training and not paused.get():
            out = y[0] if isinstance(y, list) else y  # without the states beside it
            self._keep_penalty(self.activity_regularizer(out) * (1 / max(len(out), 1)))
        if observer:
            observer.after_module(self, y)
        return y

    def _check_given(self, given: dict[str, Any]) -> None:
        """TypeError for a keyword that its forward does not have."""
        known = _parameters(type(self).forward)
        for name in given:
            if name not in known:
                has = f"It takes x and {', '.join(known)}." if known else "It takes x alone."
                raise TypeError(f"{self.label}: a call takes no {name}. {has}")

    def refuse_in_graph(self, given: dict[str, Any]) -> None:
        """TypeError for a keyword that a value of the functional graph cannot have."""
        for name in given:
            raise TypeError(
                f"{self.label}: a graph takes no {name}. Put Masking() before it, or "
                "Embedding(..., mask_zero=True)."
            )

    def with_mask(self, x: Any, mask: Any) -> tuple[Any, Any]:
        if mask is None or not self.keeps_mask:
            return super().with_mask(x, mask)
        return self(x), mask

    def _checked_input(self, x: Any, shape: Any) -> Any:
        """The input, once its shape was checked, in the dtype of the weights.

        The first input builds the layer, on its device.  A result that needs a gradient keeps its
        dtype: the layer's operation says what is wrong with it.
        """
        if not self.merges and not x.ndim:
            raise ValueError(f"{self.label}: the input is one number. Give a batch, (N, ...).")
        new = not self.built
        if new and not self.merges and not x.operation:  # data, and no result of another layer
            self.look_at_input(shape)
        self.build(shape)
        device = x[0].device if self.merges else x.device
        if new and device != "cpu":
            self.to(device)
        self._checked = shape or None  # (N,) has the shape (), and so has one number
        if self.merges:
            return x
        dtype = next((w.dtype for _, w in self._tensors() if w.dtype.kind == "f"), x.dtype)
        if x.dtype.kind == "f" and x.dtype != dtype and not x.requires_grad:
            x = Tensor(x.data.astype(dtype), name=x.name)
        self._dtype = x.data.dtype
        return x

    def _keep_penalty(self, term: Tensor) -> None:
        """Keep a term for the next penalty().  RuntimeError if too many wait: they hold memory."""
        terms = vars(self).setdefault("_activity", [])
        if len(terms) >= 32:
            raise RuntimeError(
                f"{self.label}: the penalties of its last 32 calls were not taken. Add "
                "model.penalty() to the loss, or call the model under tn.no_grad()."
            )
        terms.append(term)

    def build(self, input_shape: Any, rng: numpy.random.Generator | None = None) -> Any:
        give_generator(self, rng)
        shape = self._as_shape(input_shape)
        made = self.output_shape(shape)
        if not self.built:
            self.create(shape)
            self.built = True
            self.input_shape, self.made_shape = shape, made
            for name, part in self.children():  # a layer as activation
                if part.name is None:
                    give_name(part, name)
                if part.input_shape is None:  # not built by create
                    part.build(made)
        return self

    def output_shape(self, input_shape: Any) -> Any:
        shape = self._as_shape(input_shape)
        with self.errors_named():
            if self.built:
                self.fits(shape)
            return self.shape_after(shape)

    def trains(self) -> bool:
        """The mode, for a layer that computes otherwise in training.  A likely mistake is told."""
        if self._training and asked_mode.get() is None and paused.get():
            warn(
                f"{self.label}: it predicts in training mode. Call model.eval() before, use "
                "tn.predict, or write model(x, training=True) where you mean it."
            )
        return self.training

    def __repr__(self) -> str:
        """Its arguments where they are not the defaults, and what is known once it is built."""
        given = []
        for name, p in (self._arguments or {}).items():
            value = getattr(self, name, p.default)
            value = getattr(value, "__name__", value)  # of a function
            plain = isinstance(value, bool | int | float | str | tuple)
            if plain and value != p.default and name != "name":
                given.append(f"{name}={value!r}")
        return f"{self.label}({', '.join(given)}){self._facts()}"

    def must_be_built(self) -> None:
        if not self.built:
            raise ValueError(
                f"{self.label}: it has no weights yet, as it has seen no input. Give the model "
                "input_shape= and rng=, call build(input_shape, rng), or call it once."
            )

    def penalties(self) -> list[Tensor]:
        return vars(self).pop("_activity", [])

    def draw(self, name: str, how: Any, shape: Shape) -> Tensor:
        """A trained weight, drawn on the host, so that every device starts from the same bits.

        ValueError without a generator, or if `how` gives another shape or dtype.
        """
        if self.rng is None and how not in (init.zeros, init.ones):
            raise ValueError(
                f"{self.label}: there is no generator to draw its {name} with. Give the model, or "
                "the layer, rng=numpy.random.default_rng(0); a Module of your own takes it in "
                "build(input_shape, rng)."
            )
        values = how(shape, self.rng)
        array = isinstance(values, numpy.ndarray)
        if not array or values.shape != shape or values.dtype != numpy.float32:
            drawn = f"{values.shape} {values.dtype}" if array else shown(values)
            raise ValueError(
                f"{self.label}: {name}_initializer gave {drawn}, and the {name} is {shape} "
                "float32. Return an array of that shape, .astype('float32')."
            )
        return self.new_weight(name, values)

    def new_weight(self, name: str, values: numpy.ndarray, trained: bool = True) -> Tensor:
        """A weight that starts from those values."""
        full = f"{self.name}.{name}" if self.name else name
        return Tensor(values, requires_grad=trained, name=full)

    @contextlib.contextmanager
    def errors_named(self) -> Iterator[None]:
        """Inside the block, errors have this layer's name in front, in place of an operation's."""
        try:
            yield
        except (ValueError, TypeError) as error:
            raise self._named(error) from None

    def _named(self, error: Exception) -> Exception:
        if getattr(error, "located", False):
            return error  # it has the name of a layer inside this one
        message = str(error).removeprefix(f"{getattr(error, 'operation', None)}: ")
        kind = type(error) if type(error) in (ValueError, TypeError) else ValueError
        named = kind(f"{self.label}: {message}")
        named.located = True  # type: ignore[attr-defined]
        return named.with_traceback(error.__traceback__)

    def _arranged(self, x: Any) -> Any:
        """The input as a tensor; for a layer that merges, a list of at least two.

        Values of the functional graph stay what they are.
        """
        if self.merges:
            if not isinstance(x, list | tuple) or len(x) < 2:
                kind = type(x).__name__ + (f" of {len(x)}" if isinstance(x, list | tuple) else "")
                raise TypeError(
                    f"{self.label}: it joins several inputs, received {kind}. Give a list of at "
                    "least two, [a, b]."
                )
            return x if is_symbolic(x) else [t if isinstance(t, Tensor) else Tensor(t) for t in x]
        if isinstance(x, list | tuple) and any(hasattr(item, "shape") for item in x):
            raise TypeError(f"{self.label}: {several(x)}")
        return x if isinstance(x, Tensor | Symbol) else Tensor(x)

    def _as_shape(self, shape: Any) -> Any:
        if not self.merges:
            if isinstance(shape, list) and any(isinstance(s, tuple | list) for s in shape):
                raise TypeError(f"{self.label}: {join_first(len(shape))}")
            return shape_of_example(self.label, shape)
        if not isinstance(shape, list) or len(shape) < 2:
            raise TypeError(
                f"{self.label}: it joins several inputs, received the shape {shape!r}. Give it a "
                "list of inputs, in a graph of tn.Input and tn.Model."
            )
        return [shape_of_example(self.label, s) for s in shape]


@functools.cache
def _parameters(forward: Any) -> list[str]:
    """The names of what forward takes beside self and x."""
    return list(inspect.signature(forward).parameters)[2:]


class WithKernel(Layer):
    """The base of layers with a kernel, a bias and an activation.

    activation: a name ("relu", "sigmoid", "softmax", ...), a function of a tensor, or None.
    use_bias: whether each output adds a number of its own.
    kernel_initializer, bias_initializer: a name ("glorot_uniform", "he_normal", "zeros", ...) or a
        function (shape, rng) -> array.
    kernel_regularizer: tn.regularizers.L1, L2 or a function of the kernel; see Module.penalty.
    """

    def __init__(
        self,
        activation: str | Activation | None = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Regularizer | None = None,
        **common: Any,
    ) -> None:
        super().__init__(**common)
        self.activation = activation_of(self.label, activation)
        self.use_bias = boolean(self.label, "use_bias", use_bias)
        where = f"{self.label}: kernel_initializer"
        self.kernel_initializer = init.initializer(kernel_initializer, where)
        where = f"{self.label}: bias_initializer"
        self.bias_initializer = init.initializer(bias_initializer, where)
        self.kernel_regularizer = function(
            self.label,
            "kernel_regularizer",
            kernel_regularizer,
            "Give tn.regularizers.L2(1e-4), or a function of a tensor.",
        )
        self.kernel: Tensor | None = None
        self.bias: Tensor | None = None

    def make_weights(self, kernel: Shape, outputs: int) -> None:
        self.kernel = self.draw("kernel", self.kernel_initializer, kernel)
        if self.use_bias:
            self.bias = self.draw("bias", self.bias_initializer, (outputs,))

    def activated(self, operation: Any, x: Tensor, **settings: Any) -> Tensor:
        """The operation with this layer's weights, then the activation; a relu in the same pass."""
        if self.activation is relu:
            return operation(x, self.kernel, self.bias, relu=True, **settings)
        y = operation(x, self.kernel, self.bias, **settings)
        return y if self.activation is None else self.activation(y)

    def penalties(self) -> list[Tensor]:
        terms = super().penalties()
        if self.kernel_regularizer is not None and self.kernel is not None:
            terms.append(self.kernel_regularizer(self.kernel))
        return terms
