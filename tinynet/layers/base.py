"""Layer: a module that makes its weights when it learns the shape of its input.

Each layer says what shape comes out for a shape that goes in (`shape_after`), makes its weights for
it (`create`), and computes (`forward`).  Everything else is done here, once: checking shapes,
names in errors, activation, regularizers, and its place in the functional graph.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy

from .. import init
from ..autograd import state
from ..graph import is_symbolic
from ..inputs import shown
from ..module import Module, check_generator, give_generator
from ..names import check_name, give_name
from ..shapes import Shape, as_shape
from ..tensor import Tensor
from .arguments import Activation, activation_of

Regularizer = Callable[[Tensor], Tensor]

OLD_WORDS = {"alpha": "negative_slope", "noise_shape": "SpatialDropout2D"}  # Keras' own


class Layer(Module):
    """The base of all layers.

    name: what errors, summaries and files call it; its model gives it one otherwise.
    rng: numpy.random.default_rng(seed), for its weights or its noise; its model's otherwise.
    activity_regularizer: a penalty on what it computes in training, over the number of examples.
    """

    merges = False  # whether it takes a list of inputs
    built = False
    activity_regularizer: Regularizer | None = None
    _last: Any = None  # the shape of the last call, which is known to fit

    def __init__(
        self,
        name: str | None = None,
        rng: numpy.random.Generator | None = None,
        activity_regularizer: Regularizer | None = None,
        **unknown: Any,
    ) -> None:
        if "input_shape" in unknown:
            raise TypeError(
                f"{type(self).__name__}: input_shape belongs to the model. Write "
                "tn.Sequential([...], input_shape=(28, 28, 1), rng=rng)."
            )
        if unknown:
            word = next(iter(unknown))
            kind = type(self).__name__
            hint = f"Here it is {OLD_WORDS[word]}: see" if word in OLD_WORDS else "See"
            raise TypeError(
                f"{kind}: there is no argument {word!r}. {hint} help(tn.layers.{kind})."
            )
        check_name(type(self).__name__, name)
        self.name = name
        check_generator(type(self).__name__, rng)
        self.rng = rng
        if activity_regularizer is not None and not callable(activity_regularizer):
            raise TypeError(
                f"{self.label}: activity_regularizer is {shown(activity_regularizer)}. Give "
                "tn.regularizers.L1(1e-5), or a function of a tensor."
            )
        self.activity_regularizer = activity_regularizer

    # -- what a layer says of itself ------------------------------------------------------------

    def shape_after(self, shape: Any) -> Any:
        """The shape that comes out for a shape that goes in, checked; ValueError without a name."""
        return shape

    def create(self, shape: Any) -> None:
        """Make the weights for inputs of that shape."""

    def fits(self, shape: Any) -> None:
        """ValueError if the weights were made for inputs of another shape."""

    # -- what follows from it -------------------------------------------------------------------

    def __call__(self, x: Any) -> Any:
        if is_symbolic(x):
            return super().__call__(self._arranged(x))
        x = self._arranged(x)
        if self.merges:
            x = [t if isinstance(t, Tensor) else Tensor(t) for t in x]
            shape = [t.shape[1:] for t in x]
        else:
            x = x if isinstance(x, Tensor) else Tensor(x)
            shape = x.shape[1:]
            if not x.ndim:
                raise ValueError(f"{self.label}: the input is one number. Give a batch, (N, ...).")
        if shape != self._last:
            new = not self.built
            self.build(shape)
            place = x[0].device if self.merges else x.device
            if new and place != "cpu":
                self.to(place)
            self._last = shape
        if state.observer:
            state.observer.before_module(self, x)
        try:
            y = self.forward(x)
        except (ValueError, TypeError) as error:
            raise self._named(error) from None
        if self.activity_regularizer is not None and self.training and state.recording:
            terms = vars(self).setdefault("_activity", [])  # since penalty() was last called
            if len(terms) >= 32:  # each holds what it was computed from
                raise RuntimeError(
                    f"{self.label}: the penalties of its last 32 calls were not taken. Add "
                    "model.penalty() to the loss, or call the model under tn.no_grad()."
                )
            terms.append(self.activity_regularizer(y) * (1 / max(len(y), 1)))
        if state.observer:
            state.observer.after_module(self, y)
        return y

    def build(self, input_shape: Any, rng: numpy.random.Generator | None = None) -> Any:
        give_generator(self, rng)
        shape = self._as_shape(input_shape)
        made = self.output_shape(shape)
        if not self.built:
            self.create(shape)
            self.built = True
            self.input_shape, self.made_shape = shape, made
            for name, part in self.children():  # an activation that is a layer
                if part.name is None:
                    give_name(part, name)
                part.build(made)
        return self

    def output_shape(self, input_shape: Any) -> Any:
        shape = self._as_shape(input_shape)
        try:
            if self.built:
                self.fits(shape)
            return self.shape_after(shape)
        except (ValueError, TypeError) as error:
            raise self._named(error) from None

    def must_be_built(self) -> None:
        if not self.built:
            raise ValueError(
                f"{self.label}: it has no weights yet, as it has seen no input. Give the model "
                "input_shape= and rng=, call build(input_shape, rng), or call it once."
            )

    def penalties(self) -> list[Tensor]:
        return vars(self).pop("_activity", [])

    def draw(self, name: str, how: Any, shape: Shape) -> Tensor:
        """A weight that is trained, drawn on the host so that every device starts from the same."""
        if self.rng is None and how not in (init.zeros, init.ones):
            raise ValueError(
                f"{self.label}: there is no generator to draw its {name} with. Give the model, or "
                "the layer, rng=numpy.random.default_rng(0)."
            )
        values = how(shape, self.rng)
        if getattr(values, "shape", None) != shape or values.dtype != numpy.float32:
            array = isinstance(values, numpy.ndarray)
            kind = f"{values.shape} {values.dtype}" if array else shown(values)
            raise ValueError(
                f"{self.label}: {name}_initializer gave {kind}, and the {name} is {shape} float32. "
                "Return an array of that shape, .astype('float32')."
            )
        return self.weight(name, values)

    def weight(self, name: str, values: numpy.ndarray, trained: bool = True) -> Tensor:
        full = f"{self.name}.{name}" if self.name else name
        return Tensor(values, requires_grad=trained, name=full)

    def noise_generator(self) -> None:
        """A generator of its own: noise takes no numbers away from weights or batches."""
        if self.rng is None:
            raise ValueError(
                f"{self.label}: there is no generator for its noise. Give the model, or the layer, "
                "rng=numpy.random.default_rng(0)."
            )
        self.rng = self.rng.spawn(1)[0]

    def _arranged(self, x: Any) -> Any:
        """One input, or, for a layer that merges, a list of at least two."""
        if self.merges:
            if not isinstance(x, list | tuple) or len(x) < 2:
                kind = type(x).__name__ + (f" of {len(x)}" if isinstance(x, list | tuple) else "")
                raise TypeError(
                    f"{self.label}: it joins several inputs, received {kind}. Give a list of at "
                    "least two, [a, b]."
                )
            return list(x)
        if isinstance(x, list | tuple) and any(hasattr(item, "shape") for item in x):
            raise TypeError(
                f"{self.label}: it takes one input, received a list of {len(x)}. Join them first, "
                "Concatenate()([a, b])."
            )
        return x

    def _as_shape(self, shape: Any) -> Any:
        if not self.merges:
            return as_shape(self.label, shape)
        if not isinstance(shape, list) or len(shape) < 2:
            raise TypeError(
                f"{self.label}: it joins several inputs, received the shape {shape!r}. Give it a "
                "list of inputs, in a graph of tn.Input and tn.Model."
            )
        return [as_shape(self.label, s) for s in shape]

    def _named(self, error: Exception) -> Exception:
        """The error with this layer's name in front, in the place of an operation's."""
        if getattr(error, "located", False):
            return error
        message = re.sub(r"^[a-z_0-9]+: ", "", str(error))
        kind = type(error) if type(error) in (ValueError, TypeError) else ValueError
        named = kind(f"{self.label}: {message}")
        named.located = True  # type: ignore[attr-defined]
        return named.with_traceback(error.__traceback__)


class WithKernel(Layer):
    """A layer with a kernel, a bias and an activation: what the arguments mean for all of them.

    activation: a name ("relu", "sigmoid", "softmax", ...), a function of a tensor, or None.
    use_bias: whether a number is added for each output.
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
        if not isinstance(use_bias, bool | numpy.bool_):
            raise TypeError(f"{self.label}: use_bias must be True or False, received {use_bias!r}.")
        self.use_bias = bool(use_bias)
        self.kernel_initializer = init.initializer(kernel_initializer)
        self.bias_initializer = init.initializer(bias_initializer)
        if kernel_regularizer is not None and not callable(kernel_regularizer):
            raise TypeError(
                f"{self.label}: kernel_regularizer is {shown(kernel_regularizer)}. Give "
                "tn.regularizers.L2(1e-4), or a function of a tensor."
            )
        self.kernel_regularizer = kernel_regularizer
        self.kernel: Tensor | None = None
        self.bias: Tensor | None = None

    def make(self, kernel: Shape, outputs: int) -> None:
        self.kernel = self.draw("kernel", self.kernel_initializer, kernel)
        if self.use_bias:
            self.bias = self.draw("bias", self.bias_initializer, (outputs,))

    def penalties(self) -> list[Tensor]:
        terms = super().penalties()
        if self.kernel_regularizer is not None and self.kernel is not None:
            terms.append(self.kernel_regularizer(self.kernel))
        return terms
