"""Recurrent layers: they read a sequence step by step, and carry a state from step to step."""

from __future__ import annotations

from typing import Any

from ..devices import xp
from ..engine.tensor import Tensor
from ..messages.arguments import (
    PADDED,
    boolean,
    choice,
    shape_of_example,
    whole,
    with_its_mask,
    written,
)
from ..models.symbols import is_symbolic, symbols_of
from ..ops import recurrent
from ..ops.shape import flip
from . import init
from .base import Layer


class Recurrent(Layer):
    """The base of recurrent layers.

    use_bias: whether the gates add numbers of their own.
    kernel_initializer, recurrent_initializer, bias_initializer: a name or a function (shape, rng)
        -> array.
    return_sequences: whether it gives the state after every step, (N, T, units), and not only after
        the last one, (N, units).
    return_state: whether it gives a list, its output and the last state (of an LSTM, h and c).
    go_backwards: whether it reads from the last step to the first; its steps come in that order.

    A call takes, besides x:
    initial_state: the state before the first step, (N, units); of an LSTM, a list of h and c.  By
        default zeros.  For long sequences, give the last state's detach(): then backward stops
        there (truncated backward through time), and memory does not grow with the sequence.
    mask: booleans (N, T).  At a step where it is False, the state stays as it was.
    ValueError for sizes that do not fit, no step, or an example without a step that counts.
    """

    takes_steps = True
    gates = 1
    states = 1  # how many it carries

    def __init__(
        self,
        units: int,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        **common: Any,
    ) -> None:
        super().__init__(**common)
        self.units = whole(self.label, "units", units)
        self.use_bias = boolean(self.label, "use_bias", use_bias)
        where = f"{self.label}: kernel_initializer"
        self.kernel_initializer = init.initializer(kernel_initializer, where)
        where = f"{self.label}: recurrent_initializer"
        self.recurrent_initializer = init.initializer(recurrent_initializer, where)
        where = f"{self.label}: bias_initializer"
        self.bias_initializer = init.initializer(bias_initializer, where)
        self.return_sequences = boolean(self.label, "return_sequences", return_sequences)
        self.return_state = boolean(self.label, "return_state", return_state)
        self.go_backwards = boolean(self.label, "go_backwards", go_backwards)
        self.kernel: Any = None
        self.recurrent_kernel: Any = None
        self.bias: Any = None

    # -- shapes and weights -----------------------------------------------------------------------

    def _as_shape(self, shape: Any) -> Any:
        """Of the sequences; those of initial states stand behind it in a list."""
        if isinstance(shape, list) and shape and isinstance(shape[0], tuple | list):
            shape = shape[0]
        return shape_of_example(self.label, shape)

    def shape_after(self, shape: Any) -> Any:
        if len(shape) != 2:
            cure = {
                0: "One sequence of numbers is x[None, :, None].",
                1: self._cure_of_rows(shape),
                3: "Pictures go through TimeDistributed first, or Reshape((H, W * C)).",
                4: "Films of pictures go through TimeDistributed(Flatten()) first.",
            }.get(len(shape), "Reshape it.")
            raise ValueError(
                f"input {written(shape)} is no sequence of rows, and it takes (N, T, D): T steps "
                f"of D features. {cure}"
            )
        y = (shape[0], self.units) if self.return_sequences else (self.units,)
        return [y, *[(self.units,)] * self.states] if self.return_state else y

    def _cure_of_rows(self, shape: Any) -> str:
        """What to do with an input (N, D): what it was built for tells more."""
        D = self.kernel.shape[0] if self.built else None
        if shape[0] == D:
            return "One sequence alone needs a batch axis: x[None]."
        if D == 1:
            return "Numbers one by one are x[..., None]."
        return (
            "Behind a recurrent layer, give that layer return_sequences=True. One sequence alone "
            "is x[None]; numbers one by one are x[..., None]; word numbers go through an Embedding."
        )

    @property
    def gives_last_state(self) -> bool:  # type: ignore[override]
        return not self.return_sequences

    def create(self, shape: Any) -> None:
        U, columns = self.units, self.gates * self.units
        self.kernel = self.draw("kernel", self.kernel_initializer, (shape[1], columns))
        how = self.recurrent_initializer
        self.recurrent_kernel = self.draw("recurrent_kernel", how, (U, columns))
        if self.use_bias:
            self.bias = self.draw("bias", self.bias_initializer, self.bias_shape())

    def bias_shape(self) -> tuple[int, ...]:
        return (self.gates * self.units,)

    def fits(self, shape: Any) -> None:
        D = self.kernel.shape[0]
        if len(shape) == 2 and shape[1] != D:
            raise ValueError(
                f"input {written(shape)} has {shape[1]} features, and its kernel takes {D}. Give "
                f"it (N, T, {D})."
            )

    # -- the call ---------------------------------------------------------------------------------

    def __call__(self, x: Any, *more: Any, initial_state: Any = None, **given: Any) -> Any:
        if isinstance(x, list | tuple) and x and all(hasattr(part, "shape") for part in x):
            if with_its_mask(x):
                raise self._not_padded("its input is x and its mask in one list")
            if not is_symbolic(x) and len(x[0].shape) == 2:  # sequences, one array each
                raise self._not_padded()
            x, *initial_state = x
            initial_state = initial_state or None
        if initial_state is not None:
            several = isinstance(initial_state, list | tuple)
            state = list(initial_state) if several else [initial_state]
            if len(state) != self.states:
                what = "a list of h and c" if self.states == 2 else "one tensor"
                raise ValueError(
                    f"{self.label}: initial_state must be {what}, received {len(state)}."
                )
            if is_symbolic([x, *state]):
                self.refuse_in_graph(given)
                for name, s in zip("hc", state, strict=False):
                    if s.shape != (self.units,):
                        raise ValueError(
                            f"{self.label}: state {name} has shape {written(s.shape)}, and must "
                            f"be {written((self.units,))} for {self.units} units."
                        )
                return symbols_of(self, [x, *state])
            given["initial_state"] = [s if isinstance(s, Tensor) else Tensor(s) for s in state]
        return super().__call__(x, *more, **given)

    def _arranged(self, x: Any) -> Any:
        try:
            return super()._arranged(x)
        except ValueError as error:
            if "different lengths" not in str(error):
                raise
            raise self._not_padded() from None

    def _not_padded(self, problem: str = "the sequences are not one array") -> ValueError:
        return ValueError(
            f"{self.label}: {problem}. {PADDED}, and call the layer with mask=mask; in a "
            "Sequential, put Masking() before it."
        )

    def with_mask(self, x: Any, mask: Any) -> tuple[Any, Any]:
        if mask is None:
            return self(x), None
        y = self(x, mask=mask)
        after = mask[:, ::-1] if self.go_backwards else mask
        return y, after if self.return_sequences else None

    def forward(self, x: Tensor, initial_state: Any = None, mask: Any = None) -> Any:
        if initial_state is None:
            zeros = xp(x.data).zeros((len(x), self.units), x.dtype)
            initial_state = [zeros] * self.states
        else:  # as x, it takes the dtype of the weights
            initial_state = [
                s if s.requires_grad or s.dtype == x.dtype else Tensor(s.data.astype(x.dtype))
                for s in initial_state
            ]
        if mask is not None:
            mask = xp(x.data).asarray(mask.data if isinstance(mask, Tensor) else mask)
        if self.go_backwards:
            x, mask = flip(x, axis=1), mask if mask is None else mask[:, ::-1]
        bias = self.bias if self.use_bias else xp(x.data).zeros(self.bias_shape(), x.dtype)
        inputs = (x, *initial_state, self.kernel, self.recurrent_kernel, bias)
        return self._given(self.run(inputs, mask))

    def run(self, inputs: Any, mask: Any) -> Tensor:
        """The state after every step, (N, T, units), or all of them side by side.

        inputs: x, the initial states, the kernel, the recurrent kernel and the bias.
        """
        raise NotImplementedError

    def _given(self, every: Tensor) -> Any:
        """What it returns, of the states after every step."""
        U = self.units
        last = [every[:, -1, i * U : (i + 1) * U] for i in range(every.shape[2] // U)]
        y = last[0]
        if self.return_sequences:
            y = every if every.shape[2] == U else every[..., :U]
        return [y, *last] if self.return_state else y


class SimpleRNN(Recurrent):
    """The plain recurrent layer.  (N, T, D) -> (N, units)

    h' = activation(x @ kernel + h @ recurrent_kernel + bias), for each step.

    kernel (D, units), recurrent_kernel (units, units), bias (units,).

    units: the numbers in its state.
    activation: "tanh" or "relu".
    """

    def __init__(self, units: int, activation: str = "tanh", **others: Any) -> None:
        super().__init__(units, **others)
        self.activation = choice(self.label, "activation", activation, ("tanh", "relu"))

    def run(self, inputs: Any, mask: Any) -> Tensor:
        relu = self.activation == "relu"
        return recurrent.simple_rnn(*inputs, mask=mask, relu=relu)


class GRU(Recurrent):
    """Gated recurrent unit.  (N, T, D) -> (N, units)

    An update gate keeps a part of the state, a reset gate forgets a part in the candidate; see
    tn.gru for the formulas.  It is Keras' default form, reset_after=True.

    kernel (D, 3 units), recurrent_kernel (units, 3 units), bias (2, 3 units): of the update gate,
    the reset gate and the candidate, in this order.

    units: the numbers in its state.
    """

    gates = 3

    def bias_shape(self) -> tuple[int, ...]:
        return (2, 3 * self.units)

    def run(self, inputs: Any, mask: Any) -> Tensor:
        return recurrent.gru(*inputs, mask=mask)


class LSTM(Recurrent):
    """Long short-term memory.  (N, T, D) -> (N, units)

    Beside its state h it carries a cell c, which gates write to, keep and read; see tn.lstm for the
    formulas.

    kernel (D, 4 units), recurrent_kernel (units, 4 units), bias (4 units,): of the input gate, the
    forget gate, the candidate and the output gate, in this order.

    units: the numbers in h, and in c.
    unit_forget_bias: whether the forget gate's bias starts at 1, so that the cell is kept at first.
    """

    gates = 4
    states = 2

    def __init__(self, units: int, unit_forget_bias: bool = True, **others: Any) -> None:
        super().__init__(units, **others)
        self.unit_forget_bias = boolean(self.label, "unit_forget_bias", unit_forget_bias)

    def create(self, shape: Any) -> None:
        super().create(shape)
        if self.use_bias and self.unit_forget_bias:
            self.bias.data[self.units : 2 * self.units] = 1

    def run(self, inputs: Any, mask: Any) -> Tensor:
        return recurrent.lstm(*inputs, mask=mask, cell=self.return_state)
