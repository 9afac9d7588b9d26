"""The functional graph: values that are known by their shape alone, until a model is called."""

from __future__ import annotations

import itertools
from typing import Any

from .names import check_name
from .shapes import as_shape, written

_numbers = itertools.count()


class Symbol:
    """A value of the graph: what a module will give.

    shape: without the batch.  module, inputs: what it comes from; None and () for an Input.
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


class Part(Symbol):
    """One of several outputs of a module."""

    def __init__(self, whole: Symbol, index: int) -> None:
        super().__init__(whole.shape[index], None, (whole,))
        self.index = index


def Input(shape: Any, name: str | None = None) -> Symbol:
    """Where examples enter a functional graph.  shape: of one example, without the batch.

    x = tn.Input((784,))
    model = tn.Model(x, Dense(10)(Dense(64, activation="relu")(x)), rng=rng)
    """
    symbol = Symbol(as_shape("Input", shape))
    check_name("Input", name)
    symbol.name = name
    return symbol


def is_symbolic(x: Any) -> bool:
    """Whether x is a value of the functional graph, or a list of such values."""
    if isinstance(x, list | tuple):
        return bool(x) and all(isinstance(item, Symbol) for item in x)
    return isinstance(x, Symbol)


def symbols_of(module: Any, inputs: tuple[Symbol, ...], shape: Any) -> Any:
    """What a module gives in the graph: a symbol, or a list of them if it has several outputs."""
    whole = Symbol(shape, module, inputs)
    return [Part(whole, i) for i in range(len(shape))] if isinstance(shape, list) else whole
