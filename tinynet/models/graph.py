"""Model: a graph of layers with branches, several inputs and outputs, and shared layers."""

from __future__ import annotations

import itertools
from typing import Any

import numpy

from ..messages.arguments import shape_of_example, written
from .module import Module, give_generator
from .names import names_of
from .sequential import LayeredModel
from .summary import Row, row, table
from .symbols import OneOutput, Symbol, as_tuple, is_symbolic


class Model(LayeredModel):
    """A graph of layers, from Input values to outputs; layers may be shared.

    inputs, outputs: a value of the graph, or a list of them.  For a list of inputs the model takes
        a list, for a list of outputs it returns one.
    rng: draws the weights, and what dropout drops.

    ValueError where an output depends on an Input that is not among the inputs, or no output
    depends on an input.
    """

    def __init__(
        self,
        inputs: Any,
        outputs: Any,
        rng: numpy.random.Generator | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(name, rng)
        for what, value in (("inputs", inputs), ("outputs", outputs)):
            if not is_symbolic(value):
                raise TypeError(
                    f"{self.label}: {what} is {type(value).__name__}. Give a value that began with "
                    "tn.Input(shape), or a list of such values."
                )
        self.inputs = as_tuple(inputs)
        self.outputs = as_tuple(outputs)
        self.takes_list = isinstance(inputs, list | tuple)
        self.gives_list = isinstance(outputs, list | tuple)
        self.symbols = self._in_order()
        self._next = self._only_uses()  # one for each symbol
        called = [s for s in self.symbols if s.module is not None and s not in self.inputs]
        self.layers += {id(s.module): s.module for s in called}.values()  # a shared one once
        names_of(self.layers, self.label)
        give_generator(self, rng)
        for symbol in called:
            symbol.module._in_model = True
            shapes = [source.shape for source in symbol.inputs]
            symbol.module.build(shapes if _takes_list(symbol) else shapes[0])

    def _in_order(self) -> list[Symbol]:
        """Every value that the outputs need, each after those that it is computed from."""
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

    def _only_uses(self) -> list[Symbol | None]:
        """For each value that is no output, the only one that is computed from it; else None."""
        uses: dict[int, list[Symbol]] = {}
        for symbol in self.symbols:
            for source in symbol.inputs:
                uses.setdefault(id(source), []).append(symbol)
        for symbol in self.outputs:
            uses[id(symbol)] = []
        of_each = (uses[id(symbol)] for symbol in self.symbols)  # what none uses is an output
        return [found[0] if len(found) == 1 else None for found in of_each]

    def build(self, input_shape: Any = None, rng: numpy.random.Generator | None = None) -> Model:
        """Check that the graph takes inputs of that shape: its weights exist since it was made."""
        if input_shape is not None:
            self.output_shape(input_shape)
        return self

    def output_shape(self, input_shape: Any) -> Any:
        shapes = input_shape if isinstance(input_shape, list) else [input_shape]
        shapes = [shape_of_example(self.label, shape) for shape in shapes]
        self._check([(None, *shape) for shape in shapes])
        made = [symbol.shape for symbol in self.outputs]
        return made if self.gives_list else made[0]

    @property
    def makes_mask(self) -> bool:  # type: ignore[override]
        return any(symbol.module.makes_mask for symbol in self.symbols if symbol.module)

    def forward(self, x: Any) -> Any:
        return self.with_mask(x, None)[0]

    def with_mask(self, x: Any, mask: Any) -> tuple[Any, Any]:
        given = list(x) if self.takes_list and isinstance(x, list | tuple) else [x]
        self._check([getattr(x, "shape", None) for x in given])
        values = {id(s): v for s, v in zip(self.inputs, given, strict=True)}
        # of time steps, where there is one; that of x belongs to the first input
        masks: dict[int, Any] = {} if mask is None else {id(self.inputs[0]): mask}
        for symbol, following in zip(self.symbols, self._next, strict=True):
            if id(symbol) not in values:
                sources = [values[id(source)] for source in symbol.inputs]
                mask = None
                if masks:
                    mask = next((masks[id(s)] for s in symbol.inputs if id(s) in masks), None)
                if isinstance(symbol, OneOutput):
                    y = sources[0][symbol.index]
                    mask = mask if symbol.index == 0 else None  # the others are states
                else:
                    x = sources if _takes_list(symbol) else sources[0]
                    if mask is None and not symbol.module.makes_mask:
                        y = None
                        if following is not None:
                            y = symbol.module.with_next(x, following.module)
                        if y is not None:
                            values[id(following)] = y
                        else:
                            y = symbol.module(x)
                    else:
                        y, mask = symbol.module.with_mask(x, mask)
                values[id(symbol)] = y
                if mask is not None:
                    masks[id(symbol)] = mask
        made = [values[id(symbol)] for symbol in self.outputs]
        return made if self.gives_list else made[0], masks.get(id(self.outputs[0]))

    def rows(self) -> list[Row]:
        names: dict[int, str] = {}
        called = {id(layer): name for name, layer in self.children()}
        seen: list[Module] = []
        found: list[Row] = []
        for i, symbol in enumerate(self.inputs):
            names[id(symbol)] = symbol.name or f"input_{i}".removesuffix("_0")
        for symbol in self.symbols:
            if symbol in self.inputs:  # its own sources belong to another graph
                found.append(Row(names[id(symbol)], "InputLayer", symbol.shape, 0))
                continue
            sources = ", ".join(names[id(source)] for source in symbol.inputs)
            module = symbol.module
            if isinstance(symbol, OneOutput):
                names[id(symbol)] = f"{sources}[{symbol.index}]"
            else:
                names[id(symbol)] = called[id(module)]
                line = row(names[id(symbol)], module, symbol.shape)
                if module in seen:  # shared: its weights count once
                    line = line._replace(parameters=0)
                seen.append(module)
                found.append(line._replace(sources=sources))
        return found

    def _table(self) -> str:
        rows = self.rows()
        chain = all(r.sources == before.name for before, r in itertools.pairwise(rows))
        return table(self.name or "model", rows, self.weights().values(), graph=not chain)

    def _check(self, shapes: list) -> None:
        """ValueError where the shapes are not those that its inputs were made for.

        shapes: with the batch, whose size does not matter; None for a value without a shape.
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


def _takes_list(symbol: Symbol) -> bool:
    """Whether the module that computes it is called with a list."""
    return len(symbol.inputs) > 1 or symbol.module.takes_list
