"""Recurrent operations: a cell (cells.py) over all time steps, with pullbacks for all its inputs.

Sources: Elman, "Finding Structure in Time", 1990; Hochreiter and Schmidhuber, "Long Short-Term
Memory", 1997, with the forget gate of Gers et al., 2000; Cho et al., "Learning Phrase
Representations using RNN Encoder-Decoder", 2014.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy

from ..devices import Array, check, kernels
from ..engine.observer import ALL, Work
from ..engine.tensor import differentiable
from .cells import GRU, LSTM, Cell, ReluRNN, SimpleRNN
from .masks import as_mask


def _work(y, x, *others, **settings):
    """Each step has a product with the kernel and one with R; the last one depends on all x."""
    kernel, recurrent = others[-3:-1]
    return Work(x.shape[0] * x.shape[1] * (kernel.size + recurrent.size), ALL)


@differentiable(work=_work)
def simple_rnn(
    x, h, kernel, recurrent_kernel, bias, *, mask: Array | None = None, relu: bool = False
):
    """h' = tanh(x @ kernel + h @ recurrent_kernel + bias), step after step.

    (N, T, D), (N, U), (D, U), (U, U), (U,) -> (N, T, U): the state after each step

    h: the state before the first step.
    mask: booleans (N, T); where it is False, the state stays as it was.
    relu: whether relu takes the place of tanh.

    ValueError for sizes that do not fit, no step, or an example without a step that counts.
    """
    return _over_time(ReluRNN if relu else SimpleRNN, x, (h,), kernel, recurrent_kernel, bias, mask)


@differentiable(work=_work)
def gru(x, h, kernel, recurrent_kernel, bias, *, mask: Array | None = None):
    """Gated recurrent unit, in the form of Keras and cuDNN (reset_after=True), step after step.

    u = sigmoid(x @ kernel_u + h @ R_u + bias_u), r likewise, with R for recurrent_kernel;
    c = tanh(x @ kernel_c + bias[0]_c + r * (h @ R_c + bias[1]_c));  h' = u h + (1 - u) c.

    (N, T, D), (N, U), (D, 3U), (U, 3U), (2, 3U) -> (N, T, U): the state after each step

    kernel, recurrent_kernel, bias: those of u, r and c side by side.  bias: for x, and for h.
    h, mask, errors: as for simple_rnn.
    """
    return _over_time(GRU, x, (h,), kernel, recurrent_kernel, bias, mask)


@differentiable(work=_work)
def lstm(x, h, c, kernel, recurrent_kernel, bias, *, mask: Array | None = None, cell: bool = False):
    """Long short-term memory, step after step.

    i, f, o = sigmoid(x @ kernel + h @ recurrent_kernel + bias), g = tanh(the same), each with its
    own columns;  c' = f c + i g;  h' = o tanh(c').

    (N, T, D), (N, U), (N, U), (D, 4U), (U, 4U), (4U,) -> (N, T, U): h after each step

    kernel, recurrent_kernel, bias: those of i, f, g and o side by side.
    h, c: the states before the first step.
    cell: whether c stands beside h in the result, (N, T, 2U).
    mask, errors: as for simple_rnn.
    """
    return _over_time(LSTM, x, (h, c), kernel, recurrent_kernel, bias, mask, cell)


def _over_time(
    kind: type[Cell], x: Array, start: tuple[Array, ...], kernel: Array, recurrent: Array,
    bias: Array, mask: Array | None, all_states: bool = False,
) -> tuple[Array, tuple[Callable[[Array], Array], ...]]:  # fmt: skip
    """The value and the pullbacks of x, of each state, of both kernels and of the bias."""
    mask = _checked(kind, x, start, kernel, recurrent, bias, mask)
    cell = kind(x, start, kernel, recurrent, bias, mask)
    each = kernels(x).each  # with it, BLAS is told once to keep one thread, and not at each step
    each(lambda _: cell.forward(), 1)
    (N, T, D), U, product, sums = x.shape, len(recurrent), cell.product, kernels(x).column_sums
    states = cell.states if all_states else cell.states[:1]
    y = cell.states[0] if len(states) == 1 else cell.xp.concatenate(states, axis=2)
    found: list[Any] = []

    def back(dy: Array) -> Any:
        """Computed once, since all pullbacks need it: the walk back gives them the same dy."""
        if not found:
            dy = dy.swapaxes(0, 1)
            given = [dy[..., i * U : (i + 1) * U] for i in range(len(states))]
            given += [None] * (len(start) - len(given))
            each(lambda _: found.append(cell.backward(given)), 1)
        return found[0]

    def dbias(dy: Array) -> Array:
        dz, ds, _ = back(dy)
        return sums(dz) if cell.one_gradient else cell.xp.stack([sums(dz), sums(ds)])

    return y.swapaxes(0, 1), (
        lambda dy: product(back(dy)[0], kernel.T).reshape(T, N, D).swapaxes(0, 1),
        *(lambda dy, i=i: back(dy)[2][i] for i in range(len(start))),
        lambda dy: product(cell.x.T, back(dy)[0]),
        lambda dy: product(cell.states_before().T, back(dy)[1]),
        dbias,
    )


def _checked(
    kind: type[Cell], x: Array, start: tuple[Array, ...], kernel: Array, recurrent: Array,
    bias: Array, mask: Any,
) -> Array | None:  # fmt: skip
    """The mask as booleans.  ValueError for shapes that do not fit, or nothing to compute."""
    if getattr(x, "ndim", 0) != 3:
        raise ValueError(
            f"x {getattr(x, 'shape', ())} is no sequence of rows. It takes (N, T, D): N examples "
            "of T steps with D features."
        )
    (N, T, D), U = x.shape, len(recurrent)
    columns = kind.gates * U
    wanted = {
        "kernel": (kernel, (D, columns)),
        "recurrent_kernel": (recurrent, (U, columns)),
        "bias": (bias, (columns,) if kind.one_gradient else (2, columns)),
        **{f"state {name}": (s, (N, U)) for name, s in zip("hc", start, strict=False)},
    }
    for name, (value, shape) in wanted.items():
        if value.shape != shape:
            raise ValueError(
                f"{name} has shape {value.shape}, and must be {shape} for x {x.shape} and {U} "
                "units."
            )
    if T == 0:
        raise ValueError("the sequences are empty: x has no time steps. Give at least one.")
    if mask is None:
        return None
    mask = as_mask(mask, x, (N, T))
    counts = mask.any(axis=1)
    check(kind.operation, counts.all(), _no_step, counts)
    return mask


def _no_step(counts: Any) -> ValueError:
    return ValueError(
        f"example {numpy.argmin(counts)} has no step that counts: its mask is False everywhere. "
        "Leave such examples out."
    )
