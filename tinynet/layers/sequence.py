"""Layers around other layers, for sequences: at every step, in both directions, without padding."""

from __future__ import annotations

import copy
from typing import Any

from ..devices import check
from ..engine.tensor import Tensor
from ..messages.arguments import choice, number, written
from ..messages.mistakes import warn
from ..models.module import Module
from ..models.parts import trial
from ..models.symbols import is_symbolic
from ..ops.shape import concatenate, flip
from .base import Layer
from .recurrent import Recurrent


class TimeDistributed(Layer):
    """A layer or model, applied to every step by itself.  (N, T, ...) -> (N, T, ...)

    layer: what is applied; the T steps of all examples are its batch.
    """

    keeps_mask = True
    takes_steps = True

    def __init__(self, layer: Any, **common: Any) -> None:
        super().__init__(**common)
        if not isinstance(layer, Module):
            raise TypeError(
                f"{self.label}: layer is {type(layer).__name__}. Give a layer, for example "
                "Dense(10)."
            )
        self.layer = layer

    def shape_after(self, shape: Any) -> Any:
        if len(shape) < 2:
            raise ValueError(
                f"input {written(shape)} has no steps with numbers in them, and it takes (N, T, "
                "...). Behind a recurrent layer, give that layer return_sequences=True; numbers "
                "one by one are x[..., None]."
            )
        made = self.layer.output_shape(shape[1:])
        if isinstance(made, list):
            raise ValueError("its layer has several outputs. Leave return_state out.")
        return (shape[0], *made)

    def create(self, shape: Any) -> None:
        self.layer.build(shape[1:])

    def with_mask(self, x: Any, mask: Any) -> tuple[Any, Any]:
        """A mask of steps holds after it too, unless the layer inside mixes the steps."""
        if mask is None:
            return super().with_mask(x, mask)
        if mask.ndim > 2:
            raise ValueError(
                f"{self.label}: its input has a mask of shape {mask.shape}, and it hands on one of "
                "steps, (N, T). Mask the inner steps in a model of their own."
            )
        if any(getattr(part, "mixes_examples", False) for part in self.layer.modules()):
            raise ValueError(
                f"{self.label}: its input has a mask, and the normalization inside would count "
                "padding as data. Use LayerNormalization, which looks at one step alone."
            )
        return super().with_mask(x, mask)

    def forward(self, x: Tensor) -> Tensor:
        N, T = x.shape[:2]
        y = self.layer(x.reshape(N * T, *x.shape[2:]))
        return y.reshape(N, T, *y.shape[1:])


class Bidirectional(Layer):
    """A recurrent layer, and a copy of it that reads backwards.  (N, T, D) -> (N, 2 units)

    With return_sequences the outputs of both stand at the step that they belong to.  With
    return_state the states of the first layer come first.

    layer: SimpleRNN, GRU or LSTM, not yet built.  The copy draws weights of its own.
    merge_mode: how both outputs become one: "concat", "sum", "mul" or "ave".
    """

    takes_steps = True

    def __init__(self, layer: Any, merge_mode: str = "concat", **common: Any) -> None:
        super().__init__(**common)
        if getattr(layer, "go_backwards", False):
            raise ValueError(
                f"{self.label}: its layer reads backwards already. Leave go_backwards out: the "
                "copy reads backwards."
            )
        if not isinstance(layer, Recurrent) or layer.built:
            built = getattr(layer, "built", False)
            what = f"{layer.label}, which has its weights" if built else type(layer).__name__
            raise TypeError(
                f"{self.label}: layer is {what}. Give a new recurrent layer, for example GRU(32)."
            )
        self.merge_mode = choice(
            self.label, "merge_mode", merge_mode, ("concat", "sum", "mul", "ave")
        )
        self.forward_layer = layer
        self.backward_layer = copy.copy(layer)
        self.backward_layer.go_backwards = True
        self.backward_layer.name = None

    @property
    def gives_last_state(self) -> bool:  # type: ignore[override]
        return self.forward_layer.gives_last_state

    def __call__(self, x: Any, *more: Any, initial_state: Any = None, **given: Any) -> Any:
        if initial_state is not None or (isinstance(x, list | tuple) and _has_states(x)):
            kind = type(self.forward_layer).__name__
            raise TypeError(
                f"{self.label}: it takes no initial state. Give one to each of two layers, "
                f"{kind}(...) and {kind}(..., go_backwards=True), and join them: "
                "Concatenate()([a, b])."
            )
        return super().__call__(x, *more, **given)

    def shape_after(self, shape: Any) -> Any:
        one = self.forward_layer.output_shape(shape)
        y, *states = one if isinstance(one, list) else [one]
        y = (*y[:-1], 2 * y[-1]) if self.merge_mode == "concat" else y
        return [y, *states, *states] if states else y

    def create(self, shape: Any) -> None:
        self.forward_layer.build(shape)
        self.backward_layer.build(shape)

    def with_mask(self, x: Any, mask: Any) -> tuple[Any, Any]:
        y = self(x) if mask is None else self(x, mask=mask)
        return y, mask if self.forward_layer.return_sequences else None

    def forward(self, x: Tensor, mask: Any = None) -> Any:
        given = {} if mask is None else {"mask": mask}
        there, back = self.forward_layer(x, **given), self.backward_layer(x, **given)
        (a, *states), (b, *more) = (y if isinstance(y, list) else [y] for y in (there, back))
        if self.forward_layer.return_sequences:
            b = flip(b, axis=1)  # its first step is the last of x
        if self.merge_mode == "concat":
            y = concatenate([a, b], axis=-1)
        elif self.merge_mode == "mul":
            y = a * b
        else:
            y = (a + b) * (0.5 if self.merge_mode == "ave" else 1.0)
        return [y, *states, *more] if states else y


def _has_states(x: Any) -> bool:
    """Whether it is a sequence and states: the states have an axis less."""
    axes = [len(part.shape) for part in x if hasattr(part, "shape")]
    return len(axes) > 1 and len(axes) == len(x) and set(axes[1:]) == {axes[0] - 1}


class Masking(Layer):
    """Steps that are padding do not count: those in which every number is mask_value.

    (N, T, D) -> (N, T, D)

    It stands in a Sequential or a Model, which hand its mask to the layers after it: recurrent
    layers leave the state as it was; Dense, TimeDistributed and the like pass the mask on; a layer
    that would take padding for data is an error.  The loss counts every step, unless it gets a mask
    of its own, as tn.cross_entropy does.

    mask_value: what padding was filled with.
    """

    makes_mask = True

    def __init__(self, mask_value: float = 0.0, **common: Any) -> None:
        super().__init__(**common)
        self.mask_value = number(self.label, "mask_value", mask_value)

    def shape_after(self, shape: Any) -> Any:
        if len(shape) < 2:
            raise ValueError(f"input {written(shape)} has no steps, and it takes (N, T, D).")
        return shape

    def __call__(self, x: Any, *more: Any, **given: Any) -> Any:
        if not (self._in_model or is_symbolic(x) or trial.get()):
            x = self._arranged(x)
            text = (
                f"{self.label}: it does nothing where it is called by itself: only a Sequential or "
                "a Model hands the mask on. Leave it out, and give the layers after it mask=, for "
                "example that of tn.data.padded."
            )
            if x.ndim > 1:
                check(self.label, self._counts(x).all(), lambda facts: warn(text), warning=True)
        return super().__call__(x, *more, **given)

    def _counts(self, x: Tensor) -> Any:
        return (x.data != self.mask_value).any(axis=tuple(range(2, x.ndim)))

    def with_mask(self, x: Any, mask: Any) -> tuple[Any, Any]:
        x = super().__call__(x)
        if trial.get():
            return x, mask
        found = self._counts(x)
        return x, found if mask is None else found & mask

    def forward(self, x: Tensor) -> Tensor:
        return x
