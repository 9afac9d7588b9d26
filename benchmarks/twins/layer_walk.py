"""The walk through a tinynet model, layer by layer, that makes its twin in another library."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy

import tinynet as tn


class NoTwin(TypeError):
    """A layer, or a model, that the twin's class does not know."""


class Value(NamedTuple):
    """What the twin knows of a value between layers.

    number: its place.  shape: ours, without the batch.  order: of the numbers of a row that was a
    picture, in the twin: theirs = ours[:, order]; None where it is the same.  maker: the two
    weights of the Dense layer that made it, whose outputs can still be put in another order.
    """

    number: int
    shape: tuple[int, ...]
    order: numpy.ndarray | None = None
    maker: tuple[Any, ...] = ()


class Walk:
    """What makes twins of models: for each class of layers a method `_Dense(layer, x)`.

    It returns a function of what goes in, and the Value that comes out.  An activation is not its
    matter: it follows every layer that has one.
    """

    @property
    def name(self) -> str:
        return type(self).__name__

    def activations(self) -> dict[str, Callable[..., Any]]:
        """Those that the library has, by tinynet's names."""
        raise NotImplementedError

    def module(self, model: tn.Module) -> Callable[..., Any]:
        """The twin of a Sequential or a Model that is built.  NoTwin for a layer without one."""
        steps: list[tuple[Callable[..., Any], int, int]] = []
        inputs = [Value(0, model.input_shape if isinstance(model, tn.Sequential) else s.shape)
                  for s in getattr(model, "inputs", [None])]  # fmt: skip
        if len(inputs) != 1:
            raise NoTwin(
                f"{self.name}: {model.label} has {len(inputs)} inputs, and a twin takes one."
            )
        outputs = self._walk(model, inputs[0], steps)
        wanted = [value.number for value in outputs]
        several = getattr(model, "gives_list", False)

        def forward(x: Any) -> Any:
            values = {0: x}
            for function, source, number in steps:
                values[number] = function(values[source])
            made = [values[number] for number in wanted]
            return made if several else made[0]

        return forward

    def _walk(self, model: Any, x: Value, steps: list) -> list[Value]:
        """Append the twin's steps of a model, or of one layer; -> what comes out."""
        if isinstance(model, tn.Sequential):
            for layer in model.layers:
                (x,) = self._walk(layer, x, steps)
            return [x]
        if isinstance(model, tn.Model):
            values = {id(model.inputs[0]): x}
            for symbol in model.symbols:
                if id(symbol) not in values:
                    if len(symbol.inputs) != 1 or symbol.module is None:
                        raise NoTwin(f"{self.name}: {model.label} merges values. Write it by hand.")
                    source = values[id(symbol.inputs[0])]
                    (values[id(symbol)],) = self._walk(symbol.module, source, steps)
            return [values[id(symbol)] for symbol in model.outputs]
        make = getattr(self, f"_{type(model).__name__}", None)
        if make is None:
            kind = type(model).__name__
            raise NoTwin(
                f"{self.name}: there is no twin of {kind}. Write {self.name}._{kind}(layer, x), "
                "which returns a function and a Value."
            )
        function, value = make(model, x)
        activation = getattr(model, "activation", None)
        if activation is not None:
            function = _chain(function, self._activation(activation))
        number = len(steps) + 1
        steps.append((function, x.number, number))
        return [value._replace(number=number)]

    def _activation(self, activation: Callable[..., Any]) -> Callable[..., Any]:
        name = getattr(activation, "__name__", "")
        known = self.activations()
        if getattr(tn, name, None) is not activation or name not in known:
            raise NoTwin(
                f"{self.name}: there is no twin of the activation {name or activation!r}. Add it "
                f"to {self.name}.activations."
            )
        return known[name]

    def _Activation(self, layer: Any, x: Value) -> tuple[Any, Value]:
        return lambda h: h, x


def _chain(first: Callable[..., Any], second: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x: second(first(x))
