"""Module: what has weights, and may be made of other modules.

A module finds its weights by walking its own attributes in the order in which they were set:
tensors are its weights, modules and lists of modules its parts.  Nothing is registered, and a
subclass needs no `super().__init__()`.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Any

import numpy

from .autograd import no_grad
from .devices import move
from .state import State, match
from .summary import Row, count, table
from .tensor import Tensor

Shape = tuple[int, ...]  # of one example: the batch is left out

_numbers = itertools.count()


class Symbol:
    """A value of the functional graph: what a module will give, known by its shape alone.

    shape: without the batch.  module, inputs: what it comes from; None and () for an Input.
    """

    def __init__(self, shape: Any, module: Module | None = None, inputs: tuple = ()) -> None:
        self.shape = shape
        self.module = module
        self.inputs: tuple[Symbol, ...] = inputs
        self.name: str | None = None  # an Input's
        self.order = next(_numbers)

    def __repr__(self) -> str:
        made = f"of {self.module.label}" if self.module else "Input"
        return f"Symbol({written(self.shape)}, {made})"

    def _no_operator(self, *_: Any) -> Any:
        raise TypeError(
            "Symbol: a value of the functional graph has no numbers yet, so operators do not work "
            "on it. Use layers: Add()([a, b]), Concatenate()([a, b]), Activation(function)(a)."
        )

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _no_operator
    __truediv__ = __rtruediv__ = __matmul__ = __rmatmul__ = __pow__ = __rpow__ = _no_operator
    __neg__ = __getitem__ = _no_operator


class Module:
    """What has weights.  Write `forward`, and set weights and parts as attributes.

    class Autoencoder(tn.Module):
        def __init__(self):
            self.encoder = tn.layers.Dense(32, activation="relu")
            self.decoder = tn.layers.Dense(784)

        def forward(self, x):
            return self.decoder(self.encoder(x))

    model = Autoencoder().build((784,), rng=numpy.random.default_rng(0))
    """

    name: str | None = None
    training: bool = True  # as train() and eval() set it
    input_shape: Any = None  # of what it was built for or given last, without the batch
    made_shape: Any = None  # of what it gave last, without the batch
    rng: Any = None  # a numpy.random.Generator: draws the weights, and what dropout drops

    def forward(self, x: Any) -> Any:
        """What the module computes, on tensors.  Write it in the subclass."""
        raise NotImplementedError(f"{self.label}: it has no forward(x). Write one.")

    def __call__(self, x: Any) -> Any:
        """forward(x), or, for values of the functional graph, its place in the graph."""
        if is_symbolic(x):
            inputs = tuple(x) if isinstance(x, list | tuple) else (x,)
            shapes = [s.shape for s in inputs]
            shape = self.output_shape(shapes if isinstance(x, list | tuple) else shapes[0])
            return outputs_of(self, inputs, shape)
        y = self.forward(x)
        if hasattr(x, "shape"):
            self.input_shape = tuple(x.shape[1:])
        if isinstance(y, Tensor):
            self.made_shape = y.shape[1:]
        return y

    @property
    def label(self) -> str:
        """How errors call it: Conv2D 'conv_3'."""
        return type(self).__name__ + (f" {self.name!r}" if self.name else "")

    # -- its parts and weights ------------------------------------------------------------------

    def children(self) -> Iterator[tuple[str, Module]]:
        """The modules among its attributes, with their names; those in lists as name.0, name.1."""
        for name, value in vars(self).items():
            if isinstance(value, Module):
                yield name, value
            elif isinstance(value, list | tuple):
                for i, item in enumerate(value):
                    if isinstance(item, Module):
                        yield f"{name}.{i}", item

    def modules(self) -> list[Module]:
        """This module and all below it, each once, from the top down."""
        return [module for _, module in self._walk("", set())]

    def _walk(self, path: str, seen: set[int]) -> Iterator[tuple[str, Module]]:
        if id(self) in seen:
            return
        seen.add(id(self))
        yield path, self
        for name, child in self.children():
            yield from child._walk(f"{path}.{name}" if path else name, seen)

    def weights(self) -> dict[str, Tensor]:
        """All tensors by name, `encoder.kernel`, those that are not trained too; shared ones once.

        What forward computed and kept as an attribute is no weight.  ValueError if there are none
        yet.
        """
        found: dict[str, Tensor] = {}
        seen = set()
        for path, module in self._walk("", set()):
            for name, value in vars(module).items():
                if not isinstance(value, Tensor) or id(value) in seen:
                    continue
                # a result is no leaf or, made under no_grad, needs no gradient
                if value.is_leaf and (value.requires_grad or not value.operation):
                    seen.add(id(value))
                    found[f"{path}.{name}" if path else name] = value
        for module in self.modules():
            module.must_be_built()
        return found

    def must_be_built(self) -> None:
        """ValueError if the module waits for the shape of its input to make its weights."""

    def parameters(self) -> list[Tensor]:
        """The tensors that are trained, for an optimizer."""
        return [p for p in self.weights().values() if p.requires_grad]

    def build(self, input_shape: Any, rng: numpy.random.Generator | None = None) -> Any:
        """Make all weights, for inputs of that shape (without the batch).  Returns the module.

        rng: draws the weights of every part that has no generator of its own.
        """
        give_generator(self, rng)
        for name, child in self.children():
            child.name = child.name or name
        self.made_shape = self.output_shape(input_shape)
        several = isinstance(input_shape, list)
        self.input_shape = input_shape if several else as_shape(self.label, input_shape)
        return self

    def output_shape(self, input_shape: Any) -> Any:
        """The shape that comes out for a shape that goes in, both without the batch."""
        before = [(module, module.training) for module in self.modules()]
        self.eval()
        try:
            with no_grad():
                several = isinstance(input_shape, list)
                shapes = [
                    as_shape(self.label, s) for s in (input_shape if several else [input_shape])
                ]
                zeros = [Tensor(numpy.zeros((1, *s), numpy.float32)) for s in shapes]
                y = self.forward(zeros if several else zeros[0])
        finally:
            for module, training in before:
                module.training = training
        return [t.shape[1:] for t in y] if isinstance(y, list | tuple) else y.shape[1:]

    # -- its mode and place ---------------------------------------------------------------------

    def train(self) -> Any:
        """Training mode, for this module and all below: dropout drops.  Returns the module."""
        for module in self.modules():
            module.training = True
        return self

    def eval(self) -> Any:
        """Inference mode: nothing is dropped, batch-norm takes its moving statistics."""
        for module in self.modules():
            module.training = False
        return self

    def to(self, device: str) -> Any:
        """Move the weights, in place, to "cpu" or "gpu".  Make the optimizer afterwards."""
        for tensor in self.weights().values():
            tensor.data = move(tensor.data, device)
            tensor.grad = None
        return self

    @property
    def device(self) -> str:
        """Where its weights are; "cpu" if it has none."""
        return next((t.device for t in self.weights().values()), "cpu")

    # -- what is kept ---------------------------------------------------------------------------

    def state_dict(self) -> State:
        """Copies of all weights on the host, by name."""
        return {name: tensor.numpy().copy() for name, tensor in self.weights().items()}

    def load_state_dict(self, state: State) -> None:
        """Take weights over, in place: all of them or, with a ValueError, none."""
        own = self.weights()
        match(self.label, {name: tensor.data for name, tensor in own.items()}, state)
        for name, tensor in own.items():
            tensor.data[...] = move(numpy.asarray(state[name]), tensor.device)

    # -- what it adds to the loss ------------------------------------------------------------------

    def penalty(self) -> Any:
        """The sum of all regularizers, of kernels and of what was computed since the last call.

        A tensor, to add to the loss; the number 0.0 where there are no regularizers.
        """
        total: Any = 0.0
        for module in self.modules():
            for term in module.penalties():
                total = term + total
        return total

    def penalties(self) -> list[Tensor]:
        """This module's own part of penalty(), without that of its parts."""
        return []

    def summary(self) -> None:
        """Print the table of layers, output shapes and parameters, as Keras does."""
        print(table(self.name or snake_case(type(self).__name__), self.rows(), self._all()))

    def _all(self) -> list[Tensor]:
        return list(self.weights().values())

    def rows(self) -> list[Row]:
        """The lines of the summary: one for each part, with the shape that it gave last."""
        parts: list[Module] = []
        found: list[Row] = []
        for name, part in self.children():
            line = row(name, part, part.made_shape)
            found.append(line._replace(parameters=0) if part in parts else line)  # shared: once
            parts.append(part)
        return found or [row(self.name or snake_case(type(self).__name__), self, self.made_shape)]


def row(name: str, module: Module, shape: Any) -> Row:
    return Row(name, type(module).__name__, shape, count(module._all()))


def snake_case(name: str) -> str:
    """A class's name as Keras writes a layer's: Conv2D -> conv2d, LeakyReLU -> leaky_re_lu."""
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def is_symbolic(x: Any) -> bool:
    """Whether x is a value of the functional graph, or a list of such values."""
    if isinstance(x, list | tuple):
        return bool(x) and all(isinstance(item, Symbol) for item in x)
    return isinstance(x, Symbol)


def outputs_of(module: Module, inputs: tuple[Symbol, ...], shape: Any) -> Any:
    """What a module gives in the graph: a symbol, or a list of them if it has several outputs."""
    if not isinstance(shape, list):
        return Symbol(shape, module, inputs)
    whole = Symbol(shape, module, inputs)
    return [Part(whole, i) for i in range(len(shape))]


class Part(Symbol):
    """One of several outputs of a module."""

    def __init__(self, whole: Symbol, index: int) -> None:
        super().__init__(whole.shape[index], None, (whole,))
        self.index = index


def give_generator(module: Module, rng: Any) -> None:
    """Make rng the generator of every part that has none.  TypeError if it is not a Generator."""
    if rng is None:
        return
    check_generator(module.label, rng)
    for part in module.modules():
        if part.rng is None:
            part.rng = rng


def check_generator(where: str, rng: Any) -> None:
    if rng is not None and not isinstance(rng, numpy.random.Generator):
        raise TypeError(
            f"{where}: rng is {type(rng).__name__}. Give a generator, numpy.random.default_rng(0)."
        )


def as_shape(where: str, shape: Any) -> Shape:
    """A shape without the batch as a tuple; one number, 784, is (784,)."""
    sizes = shape if isinstance(shape, tuple | list) else (shape,)
    if not all(isinstance(n, int | numpy.integer) and not isinstance(n, bool) for n in sizes) or (
        any(n < 1 for n in sizes)
    ):
        raise ValueError(
            f"{where}: input_shape must be whole numbers of at least 1 without the batch, "
            f"(28, 28, 1) say; received {shape!r}."
        )
    return tuple(int(n) for n in sizes)


def written(shape: Any) -> str:
    """A shape without the batch as errors show it: (N, 28, 28, 1)."""
    if isinstance(shape, list):
        return "[" + ", ".join(written(s) for s in shape) + "]"
    return f"({', '.join(['N', *map(str, shape)])})"
