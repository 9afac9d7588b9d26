"""Module: what has weights, and may be made of other modules.

A module finds its weights by walking its own attributes in the order in which they were set:
tensors are its weights, modules its parts, in lists and dictionaries too.  Nothing is registered,
and a subclass needs no `super().__init__()`.  What begins with an underscore is not looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy

from .autograd import no_grad, state
from .devices import is_array, move
from .graph import is_symbolic, symbols_of
from .names import give_name, snake_case
from .shapes import as_shape
from .state import State, match
from .summary import Row, count, table
from .tensor import Tensor


class Module:
    """What has weights.  Write `forward`, and set weights and parts as attributes.

    class Autoencoder(tn.Module):
        def __init__(self):
            self.encoder = tn.layers.Dense(32, activation="relu")
            self.decoder = tn.layers.Dense(784)

        def forward(self, x):
            return self.decoder(self.encoder(x))

    model = Autoencoder().build((784,), rng=numpy.random.default_rng(0))

    A new model is in training mode, as PyTorch's are: dropout drops.  fit, evaluate and predict
    choose the mode; where you call the model yourself, eval() comes first.
    """

    name: str | None = None
    given_name: str | None = None  # the name, if a model gave it
    training: bool = True  # as train() and eval() set it
    input_shape: Any = None  # of what it was built for or given first, without the batch
    made_shape: Any = None  # of what it gave then, without the batch
    rng: Any = None  # a numpy.random.Generator: draws the weights, and what dropout drops
    _frozen: tuple[Tensor, ...] = ()

    def forward(self, x: Any) -> Any:
        """What the module computes, on tensors.  Write it in the subclass."""
        raise NotImplementedError(f"{self.label}: it has no forward(x). Write one.")

    def __call__(self, x: Any) -> Any:
        """forward(x), or, for values of the functional graph, its place in the graph."""
        if is_symbolic(x):
            inputs = tuple(x) if isinstance(x, list | tuple) else (x,)
            shapes = [s.shape for s in inputs]
            shape = self.output_shape(shapes if isinstance(x, list | tuple) else shapes[0])
            return symbols_of(self, inputs, shape)
        if state.observer:
            state.observer.before_module(self, x)
        if self.input_shape is not None:
            y = self.forward(x)
        else:
            give_generator(self, self.rng)
            y = self.forward(x)
            several = list(y) if isinstance(y, list | tuple) else [y]
            if hasattr(x, "shape") and several and all(isinstance(t, Tensor) for t in several):
                shapes = [t.shape[1:] for t in several]
                self.input_shape = tuple(x.shape[1:])
                self.made_shape = shapes if isinstance(y, list | tuple) else shapes[0]
        if state.observer:
            state.observer.after_module(self, y)
        return y

    @property
    def label(self) -> str:
        """How errors call it: Conv2D 'conv_3'."""
        return type(self).__name__ + (f" {self.name!r}" if self.name else "")

    # -- its parts and weights ------------------------------------------------------------------

    def children(self) -> Iterator[tuple[str, Module]]:
        """The modules among its attributes, with their names; those in lists as name.0, name.1."""
        return ((name, part) for name, part in self._held() if isinstance(part, Module))

    def _held(self) -> Iterator[tuple[str, Any]]:
        for name, value in vars(self).items():
            if not name.startswith("_"):
                yield from _within(name, value)

    def modules(self) -> list[Module]:
        """This module and all below it, each once, from the top down."""
        return [module for _, module in self.named_modules()]

    def named_modules(
        self, path: str = "", seen: set[int] | None = None
    ) -> Iterator[tuple[str, Module]]:
        """This module and all below it, each once, with their paths: encoder.dense."""
        seen = set() if seen is None else seen
        if id(self) in seen:
            return
        seen.add(id(self))
        yield path, self
        for name, child in self.children():
            yield from child.named_modules(f"{path}.{name}" if path else name, seen)

    def weights(self) -> dict[str, Tensor]:
        """All tensors by name, `encoder.kernel`, those that are not trained too; shared ones once.

        What forward computed and kept as an attribute is no weight.  ValueError if there are none
        yet.
        """
        found: dict[str, Tensor] = {}
        seen = set()
        for path, module in self.named_modules():
            module.must_be_built()
            for name, value in module._tensors():
                if id(value) not in seen:
                    seen.add(id(value))
                    found[f"{path}.{name}" if path else name] = value
        return found

    def _tensors(self) -> Iterator[tuple[str, Tensor]]:
        """Its own weights, without those of its parts."""
        for name, value in self._held():
            if not isinstance(value, Tensor) or not value.is_leaf:
                continue
            # what forward computed under no_grad is a leaf too, and needs no gradient
            trained = value.requires_grad or any(value is frozen for frozen in self._frozen)
            if trained or not value.operation:
                yield name, value

    def must_be_built(self) -> None:
        """ValueError if the module waits for the shape of its input to make its weights."""

    def parameters(self) -> list[Tensor]:
        """The tensors that are trained, for an optimizer."""
        return [p for p in self.weights().values() if p.requires_grad]

    @property
    def trainable(self) -> bool:
        """Whether its weights are trained; set it to False to freeze them, to True to go on.

        Frozen weights get no gradient.  Batch-norm goes on moving its statistics: use eval() on it.
        """
        return not any(module._frozen for module in self.modules())

    @trainable.setter
    def trainable(self, trainable: bool) -> None:
        self.weights()  # they must be there
        for module in self.modules():
            if trainable:
                for p in module._frozen:
                    p.requires_grad = True
                module._frozen = ()
            else:
                trained = tuple(p for _, p in module._tensors() if p.requires_grad)
                for p in trained:
                    p.requires_grad, p.grad = False, None
                module._frozen += trained

    def build(self, input_shape: Any, rng: numpy.random.Generator | None = None) -> Any:
        """Make all weights, for inputs of that shape (without the batch).  Returns the module.

        rng: draws the weights of every part that has no generator of its own.
        """
        give_generator(self, self.rng if rng is None else rng)
        for name, child in self.children():
            if child.name is None:
                give_name(child, name)
        shape = self._shape(input_shape)
        self.made_shape = self.output_shape(shape)
        self.input_shape = shape
        return self

    def _shape(self, shape: Any) -> Any:
        """A shape as a tuple, or a list of them for several inputs."""
        if isinstance(shape, list) and any(isinstance(s, tuple | list) for s in shape):
            return [as_shape(self.label, s) for s in shape]
        return as_shape(self.label, shape)

    def output_shape(self, input_shape: Any) -> Any:
        """The shape that comes out for a shape that goes in, both without the batch."""
        shape = self._shape(input_shape)
        if self.made_shape is not None and shape == self.input_shape:
            return self.made_shape
        before = [(module, module.training) for module in self.modules()]
        self.eval()
        try:
            with no_grad():
                shapes = shape if isinstance(shape, list) else [shape]
                zeros = [
                    Tensor(move(numpy.zeros((1, *s), numpy.float32), self._place())) for s in shapes
                ]
                y = self.forward(zeros if isinstance(shape, list) else zeros[0])
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
        weights = self.weights().values()
        moved = [move(tensor.data, device) for tensor in weights]  # all of them, or an error
        for tensor, array in zip(weights, moved, strict=True):
            tensor.data, tensor.grad = array, None
        return self

    @property
    def device(self) -> str:
        """Where its weights are; "cpu" if it has none."""
        self.weights()
        return self._place()

    def _place(self) -> str:
        """Where the weights are that are there already."""
        tensors = (t for module in self.modules() for _, t in module._tensors())
        return next((t.device for t in tensors), "cpu")

    # -- what is kept ---------------------------------------------------------------------------

    def state_dict(self) -> State:
        """Copies of all weights on the host, by name."""
        return {name: tensor.numpy().copy() for name, tensor in self.weights().items()}

    def load_state_dict(self, state: State) -> None:
        """Take weights over, in place: all of them or, with a ValueError, none."""
        if not isinstance(state, Mapping):
            raise TypeError(
                f"{self.label}: the state is {type(state).__name__}. Give what state_dict() or "
                "tn.load(path) returned."
            )
        own = self.weights()
        arrays = {name: _on_host(value) for name, value in state.items()}
        match(self.label, {name: tensor.data for name, tensor in own.items()}, arrays)
        moved = [move(arrays[name], tensor.device) for name, tensor in own.items()]
        for tensor, array in zip(own.values(), moved, strict=True):
            tensor.data[...] = array

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


def _within(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """The modules and tensors in a value: itself, or what lists and dictionaries hold."""
    if isinstance(value, Module | Tensor):
        yield name, value
    elif isinstance(value, list | tuple):
        for i, item in enumerate(value):
            yield from _within(f"{name}.{i}", item)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _within(f"{name}.{key}", item)


def _on_host(value: Any) -> Any:
    """An array, or a tensor's, on the host; anything else as it is."""
    if isinstance(value, Tensor):
        return value.numpy()
    return move(value, "cpu") if is_array(value) else value


def give_generator(module: Module, rng: Any) -> None:
    """Make rng the generator of every part that has none.  TypeError if it is not a Generator.

    What has its own shares it with its parts.
    """
    check_generator(module.label, rng)
    _give(module, rng, set())


def _give(module: Module, rng: Any, seen: set[int]) -> None:
    if id(module) in seen:
        return
    seen.add(id(module))
    if module.rng is None and rng is not None:
        module.rng = rng
    for _, child in module.children():
        _give(child, module.rng, seen)


def check_generator(where: str, rng: Any) -> None:
    if rng is not None and not isinstance(rng, numpy.random.Generator):
        raise TypeError(
            f"{where}: rng is {type(rng).__name__}. Give a generator, numpy.random.default_rng(0)."
        )
