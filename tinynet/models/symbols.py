"""The functional graph: values that have a shape, and no numbers until a model is called."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

from ..messages.arguments import layer_name, shape_of_example, written

_numbers = itertools.count()


class Symbol:
    """A value of the graph: the output of a module, once the model is called.

    shape: without the batch.  inputs: the values that the module takes.  For an Input, None and ().
    """

    def __init__(self, shape: Any, module: Any = None, inputs: tuple[Symbol, ...] = ()) -> None:
        self.shape = shape
        self.module = module
        self.inputs = inputs
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


class OneOutput(Symbol):
    """One of several outputs of a module."""

    def __init__(self, outputs: Symbol, index: int) -> None:
        super().__init__(outputs.shape[index], None, (outputs,))
        self.index = index


def Input(shape: Any, name: str | None = None) -> Symbol:
    """Where examples enter a functional graph.  shape: of one example, without the batch.

    x = tn.Input((784,))
    model = tn.Model(x, Dense(10)(Dense(64, activation="relu")(x)), rng=rng)
    """
    symbol = Symbol(shape_of_example("Input", shape))
    symbol.name = layer_name("Input", name)
    return symbol


def is_symbolic(x: Any) -> bool:
    """Whether x is a value of the functional graph, or a list of such values."""
    if isinstance(x, list | tuple):
        return bool(x) and all(isinstance(item, Symbol) for item in x)
    return isinstance(x, Symbol)


def as_tuple(x: Any) -> tuple[Symbol, ...]:
    """A value of the graph, or a list of them, as a tuple."""
    return tuple(x) if isinstance(x, list | tuple) else (x,)


def check_steps(module: Any, before: Iterable[Any]) -> None:
    """ValueError where it takes all steps, and a recurrent layer before it gives the last state.

    before: the modules that its input comes from, the nearest first.
    """
    for other in before if module.takes_steps else ():
        if other.gives_last_state:
            kind = type(getattr(other, "forward_layer", other)).__name__  # of Bidirectional
            raise ValueError(
                f"{module.label}: it takes all steps, and {other.label} before it gives the last "
                f"one alone. Write {kind}(..., return_sequences=True)."
            )
        if not getattr(other, "keeps_mask", False):  # it may make steps of its own
            return


def _modules_before(symbol: Symbol) -> Iterator[Any]:
    while symbol.module is not None:
        yield symbol.module
        symbol = symbol.inputs[0]


def symbols_of(module: Any, x: Any) -> Any:
    """The output of a module for a value of the graph, or for a list of them.

    A symbol, or a list of symbols for several outputs.
    """
    several = isinstance(x, list | tuple)
    check_steps(module, _modules_before(x[0] if several else x))
    shape = module.output_shape([symbol.shape for symbol in x] if several else x.shape)
    symbol = Symbol(shape, module, as_tuple(x))
    return [OneOutput(symbol, i) for i in range(len(shape))] if isinstance(shape, list) else symbol
