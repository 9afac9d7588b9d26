"""The steps of an LSTM as loops: a part is some examples, which go through all steps alone."""

from __future__ import annotations

import numpy

from .formulas import exp, quotient
from .gemm import multiply, sgemm
from .loop import ONE, ZERO, Rows, Stack, loop, part_of_loop, ready
from .parts import parts_of, takes

Array = numpy.ndarray
f = numpy.float32
TWO, QUARTER = f(2), f(1 / 4)
T3, T5, T7, T9 = f(-1 / 3), f(2 / 15), f(-17 / 315), f(62 / 2835)  # the series of tanh


@part_of_loop
def tanh(x):
    size = -x if x < 0 else x
    e = exp(-TWO * size)
    large = quotient(ONE - e, ONE + e)  # of a small x, ONE - e has few digits
    q = x * x
    series = x + x * q * (T3 + q * (T5 + q * (T7 + q * T9)))
    return series if size < QUARTER else -large if x < 0 else large


@part_of_loop
def sigmoid_of_twice(x):
    e = exp(TWO * x)
    return quotient(e, ONE + e)


@loop
def lstm_loop(
    part: int, size: int, z: Stack, recurrent: Rows, h0: Rows, c0: Rows, sgemm: int, wide: bool,
    h: Stack, c: Stack, squashed: Stack,
) -> None:  # fmt: skip
    """z (T, N, 4U) = x @ kernel + bias, and then the gates i, f, g and o.

    z and the recurrent kernel are halved for all gates but g.
    """
    (T, N, U), start = h.shape, part * size
    stop = min(start + size, N)
    for t in range(T):
        gates = z[t, start:stop]
        old_h, old_c = (h[t - 1, start:stop], c[t - 1, start:stop]) if t > 0 else (
            h0[start:stop], c0[start:stop]
        )  # fmt: skip
        multiply(sgemm, wide, old_h, False, recurrent, False, ONE, gates)
        new_h, new_c, s = h[t, start:stop], c[t, start:stop], squashed[t, start:stop]
        for n in range(stop - start):
            i, f, g, o = (
                gates[n, :U],
                gates[n, U : 2 * U],
                gates[n, 2 * U : 3 * U],
                gates[n, 3 * U :],
            )
            for u in range(U):
                i[u], f[u] = sigmoid_of_twice(i[u]), sigmoid_of_twice(f[u])
                g[u], o[u] = tanh(g[u]), sigmoid_of_twice(o[u])
                new_c[n, u] = f[u] * old_c[n, u] + i[u] * g[u]
                s[n, u] = tanh(new_c[n, u])
                new_h[n, u] = o[u] * s[n, u]


@loop
def lstm_back_loop(
    part: int, size: int, gates: Stack, recurrent: Rows, c0: Rows, h: Stack, c: Stack,
    squashed: Stack, dh: Stack, dc: Stack, sgemm: int, wide: bool, dz: Stack, dh0: Rows,
    dc0: Rows,
) -> None:  # fmt: skip
    """dh, dc: of the states after each step, or no steps.  dh0, dc0: what comes back so far."""
    (T, N, U), start = h.shape, part * size
    stop = min(start + size, N)
    back_h, back_c = dh0[start:stop], dc0[start:stop]
    back_h[:] = ZERO
    back_c[:] = ZERO
    for t in range(T - 1, -1, -1):
        old_c = c[t - 1, start:stop] if t > 0 else c0[start:stop]
        for n in range(stop - start):
            row, d = gates[t, start + n], dz[t, start + n]
            i, f, g, o = row[:U], row[U : 2 * U], row[2 * U : 3 * U], row[3 * U :]
            di, df, dg, do = d[:U], d[U : 2 * U], d[2 * U : 3 * U], d[3 * U :]
            s, h_now, now_h, now_c = squashed[t, start + n], h[t, start + n], back_h[n], back_c[n]
            if dh.shape[0]:
                for u in range(U):
                    now_h[u] += dh[t, start + n, u]
            if dc.shape[0]:
                for u in range(U):
                    now_c[u] += dc[t, start + n, u]
            for u in range(U):
                d_cell = now_c[u] + now_h[u] * (o[u] - h_now[u] * s[u])  # 1 - s s, times o
                di[u] = d_cell * g[u] * i[u] * (ONE - i[u])
                df[u] = d_cell * old_c[n, u] * f[u] * (ONE - f[u])
                dg[u] = d_cell * i[u] * (ONE - g[u] * g[u])
                do[u] = now_h[u] * s[u] * o[u] * (ONE - o[u])
                now_c[u] = d_cell * f[u]
        multiply(sgemm, wide, dz[t, start:stop], False, recurrent, True, ZERO, back_h)


def lstm_forward(
    z: Array, recurrent: Array, start: tuple[Array, ...], states: list[Array], squashed: Array
) -> bool:
    if sgemm is None or not takes(z, recurrent, *start):
        return False
    h0, c0 = map(ready, start)
    parts, size = _cut(z.shape[1])
    lstm_loop(parts, size, z, ready(recurrent), h0, c0, *sgemm, *states, squashed)
    return True


def lstm_backward(
    gates: Array, recurrent: Array, start: tuple[Array, ...], states: list[Array], squashed: Array,
    dstates: list[Array | None],
) -> tuple[Array, list[Array]] | None:  # fmt: skip
    given = [numpy.empty((0, 1, 1), gates.dtype) if d is None else d for d in dstates]
    if sgemm is None or not takes(gates, recurrent, *start, *given):
        return None
    parts, size = _cut(gates.shape[1])
    dz, first = numpy.empty_like(gates), [numpy.empty_like(states[0][0]) for _ in range(2)]
    lstm_back_loop(
        parts, size, gates, ready(recurrent), ready(start[1]), *states, squashed,
        *map(ready, given), *sgemm, dz, *first,
    )  # fmt: skip
    return dz, first


def _cut(N: int) -> tuple[int, int]:
    """The number of parts, and how many examples are a part: 32, or an eighth of many."""
    size = max(32, -(-N // 8))
    return parts_of(N, size), size
