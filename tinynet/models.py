"""Models: layers one after another (Sequential), or as a graph with branches (Input, Model).

The third way is a subclass of Module with a forward of its own.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

import numpy

from .graph import Part, Symbol, is_symbolic
from .inputs import shown
from .module import Module, check_generator, give_generator, row
from .names import check_name, names_of
from .shapes import as_shape, written
from .summary import Row, table


class _OfLayers(Module):
    """A module whose parts are its layers, by names that are its own."""

    layers: list[Module]

    def _start(self, name: str | None, rng: numpy.random.Generator | None) -> None:
        check_name(type(self).__name__, name)
        self.name = name
        check_generator(self.label, rng)
        self.rng = rng

    def children(self) -> Iterator[tuple[str, Module]]:
        yield from zip(names_of(self.layers, self.label), self.layers, strict=True)
        for name, part in super().children():  # what a subclass adds
            if name.split(".")[0] != "layers":
                yield name, part


class Sequential(_OfLayers):
    """Layers one after another.

        model = tn.Sequential(
            [Conv2D(32, 3, activation="relu"), MaxPooling2D(), Flatten(), Dense(10)],
            input_shape=(28, 28, 1),
            rng=numpy.random.default_rng(0),
        )

    layers: layers, or modules of any kind; more can be added.
    input_shape: of one example, without the batch.  Left out, it is that of the first call.
    rng: draws the weights, and what dropout drops.
    """

    def __init__(
        self,
        layers: Any = (),
        input_shape: Any = None,
        rng: numpy.random.Generator | None = None,
        name: str | None = None,
    ) -> None:
        self._start(name, rng)
        self.layers: list[Module] = []
        if isinstance(layers, Module) or not isinstance(layers, Iterable):
            raise TypeError(
                f"{self.label}: layers is {type(layers).__name__}. Give a list, [Dense(10)]."
            )
        for layer in layers:
            self.add(layer)
        if input_shape is not None:
            self.build(input_shape)

    def add(self, layer: Any) -> None:
        """Put a layer at the end.  ValueError if its name is taken or it does not fit."""
        if not isinstance(layer, Module):
            if isinstance(layer, Symbol):
                raise TypeError(
                    f"{self.label}: an Input belongs to a graph, tn.Model. Here, leave it out and "
                    f"give the model input_shape={layer.shape}."
                )
            if isinstance(layer, type):
                raise TypeError(
                    f"{self.label}: {layer.__name__} is a class. Write {layer.__name__}(...)."
                )
            raise TypeError(
                f"{self.label}: {shown(layer)} is not a layer. Give a layer, Dense(10) say."
            )
        if any(other is layer for other in self.layers):
            raise ValueError(
                f"{self.label}: the layer {layer.label} stands in it twice. Make two, or share one "
                "in a graph of Input and Model."
            )
        name, without = (
            (layer.name, layer.given_name),
            [m for m in layer.modules() if m.rng is None],
        )
        try:
            names_of([*self.layers, layer], self.label)
            if self.input_shape is not None:
                shape = self.output_shape(self.input_shape)
                give_generator(layer, self.rng)
                layer.build(shape)
                if self._place() != "cpu":
                    layer.to(self._place())
        except BaseException:
            layer.name, layer.given_name = name
            for part in without:
                if not getattr(part, "built", False):
                    part.rng = None  # another model may give it its own
            raise
        give_generator(layer, self.rng)
        self.layers.append(layer)

    def pop(self) -> Module:
        """Take the last layer off, and return it."""
        if not self.layers:
            raise ValueError(f"{self.label}: there is no layer to take off.")
        return self.layers.pop()

    def build(self, input_shape: Any, rng: numpy.random.Generator | None = None) -> Sequential:
        give_generator(self, self.rng if rng is None else rng)
        shape = as_shape(self.label, input_shape)
        self.output_shape(shape)  # whether all of them fit, before the first is built
        after: Any = shape
        for layer in self.layers:
            after = layer.build(after).output_shape(after)
        self.input_shape, self.made_shape = shape, after
        return self

    def output_shape(self, input_shape: Any) -> Any:
        shape = as_shape(self.label, input_shape)
        for layer in self.layers:
            shape = layer.output_shape(shape)
        return shape

    def forward(self, x: Any) -> Any:
        for layer in self.layers:
            x = layer(x)
        return x

    def rows(self) -> list[Row]:
        shape, found = self.input_shape, []
        for name, layer in zip(names_of(self.layers, self.label), self.layers, strict=True):
            shape = None if shape is None else layer.output_shape(shape)
            found.append(row(name, layer, shape))
        return found


class Model(_OfLayers):
    """A graph of layers, from Input values to outputs; layers may be shared.

    inputs, outputs: a value of the graph, or a list of them; what is called with a list gives a
        list.
    rng: draws the weights, and what dropout drops.

    ValueError where an output depends on an Input that is not among the inputs, or an input leads
    to no output.
    """

    def __init__(
        self,
        inputs: Any,
        outputs: Any,
        rng: numpy.random.Generator | None = None,
        name: str | None = None,
    ) -> None:
        self._start(name, rng)
        for what, value in (("inputs", inputs), ("outputs", outputs)):
            if not is_symbolic(value):
                raise TypeError(
                    f"{self.label}: {what} is {type(value).__name__}. Give a value that began with "
                    "tn.Input(shape), or a list of such values."
                )
        self.inputs: tuple[Symbol, ...] = _several(inputs)
        self.outputs: tuple[Symbol, ...] = _several(outputs)
        self.takes_list = isinstance(inputs, list | tuple)
        self.gives_list = isinstance(outputs, list | tuple)
        self.steps = self._in_order()
        self.layers: list[Module] = []
        for step in self.steps:
            module = None if step in self.inputs else step.module
            if module is not None and module not in self.layers:
                self.layers.append(module)
        names_of(self.layers, self.label)
        give_generator(self, rng)
        for step in self.steps:
            if step.module is not None and step not in self.inputs:
                step.module.build(_shape_into(step))

    def _in_order(self) -> list[Symbol]:
        """Every value that the outputs need, inputs first, each after what it comes from."""
        found: dict[int, Symbol] = {}
        waiting = list(self.outputs)
        known = {id(symbol) for symbol in self.inputs}
        while waiting:
            symbol = waiting.pop()
            if id(symbol) in found:
                continue
            found[id(symbol)] = symbol
            if id(symbol) not in known:
                if not symbol.inputs:
                    raise ValueError(
                        f"{self.label}: an output depends on an Input {written(symbol.shape)} that "
                        "is not among the inputs. Add it to them."
                    )
                waiting.extend(symbol.inputs)
        for i, symbol in enumerate(self.inputs):
            if id(symbol) not in found:
                raise ValueError(
                    f"{self.label}: no output depends on input {i}, {written(symbol.shape)}. Leave "
                    "it out, or use it."
                )
        return sorted(found.values(), key=lambda symbol: symbol.order)

    def build(self, input_shape: Any = None, rng: numpy.random.Generator | None = None) -> Model:
        """A graph is built when it is made; this checks that it takes such inputs."""
        if input_shape is not None:
            self.output_shape(input_shape)
        return self

    def output_shape(self, input_shape: Any) -> Any:
        shapes = input_shape if isinstance(input_shape, list) else [input_shape]
        shapes = [as_shape(self.label, shape) for shape in shapes]
        self._check([(None, *shape) for shape in shapes])
        made = [symbol.shape for symbol in self.outputs]
        return made if self.gives_list else made[0]

    def forward(self, x: Any) -> Any:
        given = list(x) if self.takes_list and isinstance(x, list | tuple) else [x]
        self._check([getattr(x, "shape", None) for x in given])
        values = {id(s): v for s, v in zip(self.inputs, given, strict=True)}
        for step in self.steps:
            if id(step) not in values:
                values[id(step)] = self._step(step, values)
        made = [values[id(symbol)] for symbol in self.outputs]
        return made if self.gives_list else made[0]

    def rows(self) -> list[Row]:
        names: dict[int, str] = {}
        called = {id(layer): name for name, layer in self.children()}
        seen: list[Module] = []
        found: list[Row] = []
        for i, symbol in enumerate(self.inputs):
            names[id(symbol)] = symbol.name or f"input_{i}".removesuffix("_0")
        for step in self.steps:
            if step in self.inputs:  # where it comes from is no part of this graph
                found.append(Row(names[id(step)], "InputLayer", step.shape, 0))
                continue
            sources = ", ".join(names[id(symbol)] for symbol in step.inputs)
            module = step.module
            if isinstance(step, Part):
                names[id(step)] = f"{sources}[{step.index}]"
            elif module is not None:
                names[id(step)] = called[id(module)]
                line = row(names[id(step)], module, step.shape)
                if module in seen:  # shared: its weights count once
                    line = line._replace(parameters=0)
                seen.append(module)
                found.append(line._replace(sources=sources))
        return found

    def summary(self) -> None:
        rows = self.rows()
        chain = all(r.sources == before.name for before, r in itertools.pairwise(rows))
        print(table(self.name or "model", rows, self._all(), graph=not chain))

    def _check(self, shapes: list) -> None:
        """ValueError where something else comes in than its inputs are made for.

        shapes: with the batch, whose size does not matter; None for what has no shape.
        """
        if len(shapes) != len(self.inputs):
            several = len(self.inputs) > 1
            raise ValueError(
                f"{self.label}: received {len(shapes)} input(s), and it has {len(self.inputs)}: "
                f"{', '.join(written(symbol.shape) for symbol in self.inputs)}. "
                + ("Give a list of them, in this order." if several else "Give it alone.")
            )
        for shape, symbol in zip(shapes, self.inputs, strict=True):
            if shape is None or shape[1:] == symbol.shape:
                continue
            if shape == symbol.shape:
                raise ValueError(
                    f"{self.label}: input {shape} has no batch axis, and its Input was made for "
                    f"{written(symbol.shape)}. Add the batch: x[None]."
                )
            raise ValueError(
                f"{self.label}: input {written(shape[1:])} is not what its Input was made for, "
                f"{written(symbol.shape)}. Reshape, pad or scale it, or build another model."
            )

    @staticmethod
    def _step(step: Symbol, values: dict[int, Any]) -> Any:
        into = [values[id(symbol)] for symbol in step.inputs]
        if isinstance(step, Part):
            return into[0][step.index]
        module: Any = step.module
        what = into if _takes_list(step) else into[0]
        return module(what)


def _takes_list(step: Symbol) -> bool:
    return len(step.inputs) > 1 or getattr(step.module, "takes_list", False)


def _shape_into(step: Symbol) -> Any:
    shapes = [symbol.shape for symbol in step.inputs]
    return shapes if _takes_list(step) else shapes[0]


def _several(value: Any) -> tuple[Symbol, ...]:
    return tuple(value) if isinstance(value, list | tuple) else (value,)
