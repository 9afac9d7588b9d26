"""Recurrent cells: the state of a time step is computed from its input and the state before it.

All products of x and the kernel are one product.  Only what depends on the step before is computed
step by step.  Inside, time is the first axis: then the numbers of a step lie side by side.  Gates
stand in the order of Keras.
"""

from __future__ import annotations

from typing import Any

from ..devices import Array, gpu, kernels, loops_for, xp
from ..devices.gpu import cells as on_gpu


class Cell:
    """A pass over all time steps, and the way back through them.

    N examples, T steps, D features, U units, G gates; S is G * U.
    z (T, N, S): what the gates are computed from, x @ kernel + bias; then the gates themselves.
    states: one array (T, N, U) for each state, that after each step.
    hold (T, N, 1): where a step does not count, so that the states stay as they were.
    """

    operation: str  # whose cell it is
    gates = 1
    sigmoids: tuple[int, ...] = ()  # which gates are sigmoids; the others are tanh
    one_gradient = True  # whether x @ kernel and h @ R have the same gradient

    def __init__(
        self, x: Array, start: tuple[Array, ...], kernel: Array, recurrent: Array, bias: Array,
        mask: Array | None,
    ) -> None:  # fmt: skip
        N, T, D = x.shape
        U = len(recurrent)
        self.xp, self.product = xp(x), kernels(x).product
        self.fused = kernels(x) is gpu and x.dtype == "float32"  # a step is one kernel
        self.start, self.kernel, self.recurrent = start, kernel, recurrent
        if mask is not None:  # whatever padding is, even NaN
            x = self.xp.where(mask[..., None], x, 0)
        self.x = self.xp.ascontiguousarray(x.swapaxes(0, 1)).reshape(T * N, D)
        # sigmoid(z) = tanh(z / 2) / 2 + 1 / 2, so one tanh serves all gates
        half, sigmoid = self.xp.ones((2, self.gates * U), x.dtype)
        sigmoid[:] = 0
        for gate in self.sigmoids:
            half[gate * U : (gate + 1) * U] = 0.5
            sigmoid[gate * U : (gate + 1) * U] = 1
        self.half, self.bias, self.scaled = half, bias, recurrent * half
        # A row for each example: NumPy is slow where it repeats one
        self.halves, self.sigmoid = (self.xp.tile(row, (N, 1)) for row in (half, sigmoid))
        self.rest, self.tanh = 1 - self.halves, 1 - self.sigmoid
        self.z = self.product(self.x, kernel * half, self.input_bias() * half).reshape(
            T, N, self.gates * U
        )
        self.gate = self.split(self.z)
        self.states = [self.xp.empty((T, N, U), x.dtype) for _ in start]
        self.hold = None if mask is None else ~mask.T[..., None]

    def input_bias(self) -> Array:
        return self.bias

    def split(self, gates: Array) -> list[Array]:
        """Every gate: (..., S) -> (..., U) each."""
        U = len(self.recurrent)
        return [gates[..., i * U : (i + 1) * U] for i in range(self.gates)]

    def squash(self, z: Array) -> None:
        """The gates of one step, in place: (N, S), or the first columns of it."""
        columns = z.shape[1]
        self.xp.tanh(z, out=z)
        z *= self.halves[:, :columns]
        z += self.rest[:, :columns]

    def slopes(self, t: int, out: Array) -> list[Array]:
        """The derivative of every gate by its z: a (1 - a) of a sigmoid a, 1 - a a of a tanh."""
        self.xp.subtract(self.sigmoid, self.z[t], out=out)
        out *= self.z[t]
        out += self.tanh
        return self.split(out)

    # -- written by each cell ---------------------------------------------------------------------

    def step(self, t: int, before: Any, after: Any) -> None:
        """Compute the states after step t from those before, each (N, U)."""
        raise NotImplementedError

    def step_back(self, t: int, before: Any, d: list[Array], dz: Array, ds: Array) -> list[Array]:
        """The gradients of the states before step t, without those through h @ R; None for 0.

        d: the gradients of the states after it, which it may overwrite.  dz, ds: to be filled with
        the gradients of x @ kernel and of h @ R, (N, S) each.  They are one array where they are
        equal.
        """
        raise NotImplementedError

    # -- the same for all -------------------------------------------------------------------------

    def forward(self) -> None:
        before = list(self.start)
        for t in range(len(self.z)):
            after = [state[t] for state in self.states]
            self.step(t, before, after)
            if self.hold is not None:
                for new, old in zip(after, before, strict=True):
                    self.xp.copyto(new, old, where=self.hold[t])
            before = after

    def before(self, t: int) -> list[Array]:
        return [state[t - 1] for state in self.states] if t else list(self.start)

    def backward(self, dstates: list[Array | None]) -> tuple[Array, Array, list[Array]]:
        """Backward through time: the gradients of x @ kernel, of h @ R, and of the first states.

        dstates: of each state after each step, (T, N, U), or None where nothing depends on it.
        -> (T * N, S), (T * N, S), (N, U) each
        """
        T, N, S = self.z.shape
        back = self.xp.ascontiguousarray(self.recurrent.T)
        dz = self.xp.empty_like(self.z)
        ds = dz if self.one_gradient else self.xp.empty_like(self.z)
        d = [self.xp.zeros(state.shape, self.z.dtype) for state in self.start]
        for t in reversed(range(T)):
            for part, more in zip(d, dstates, strict=True):
                if more is not None:
                    part += more[t]
            held: Any = None
            if self.hold is not None:  # it goes past the step
                held = [part * self.hold[t] for part in d]
                d = [part - past for part, past in zip(d, held, strict=True)]
            d = self.step_back(t, self.before(t), d, dz[t], ds[t])
            through = self.product(ds[t], back)
            if d[0] is not None:
                through += d[0]
            d[0] = through
            if held is not None:
                d = [part + past for part, past in zip(d, held, strict=True)]
        return dz.reshape(T * N, S), ds.reshape(T * N, S), d

    def states_before(self) -> Array:
        """h before every step, (T * N, U)"""
        h = self.xp.concatenate([self.start[0][None], self.states[0][:-1]])
        return h.reshape(-1, h.shape[-1])


class SimpleRNN(Cell):
    """h' = tanh(x @ kernel + h @ R + bias), or relu in the place of tanh."""

    operation = "simple_rnn"
    relu = False

    def step(self, t, before, after):
        (h,), (new,) = before, after
        if self.fused:
            return on_gpu.rnn(self.z[t], self.product(h, self.scaled), self.relu, new)
        self.xp.add(self.z[t], self.product(h, self.scaled), out=new)
        if self.relu:
            self.xp.maximum(new, 0, out=new)
        else:
            self.xp.tanh(new, out=new)

    def step_back(self, t, before, d, dz, ds):
        h = self.states[0][t]
        if self.fused:
            on_gpu.rnn_back(d[0], h, self.relu, dz)
        else:
            self.xp.multiply(d[0], (h > 0) if self.relu else 1 - h * h, out=dz)
        return [None]


class ReluRNN(SimpleRNN):
    relu = True


class GRU(Cell):
    """Update gate u, reset gate r and candidate c; h' = u h + (1 - u) c.

    u, r = sigmoid(x @ kernel + h @ R + bias);  c = tanh(x @ kernel + r (h @ R + bias)).  This is
    the form of Keras and cuDNN (reset_after=True), where the candidate's h @ R has its own bias.
    """

    operation, gates, sigmoids = "gru", 3, (0, 1)
    one_gradient = False  # in the candidate, r stands between

    def input_bias(self) -> Array:
        return self.bias[0]

    def forward(self) -> None:
        self.recalled = self.xp.empty_like(self.states[0])  # the candidate's h @ R + bias
        self.second_bias = self.bias[1] * self.half
        super().forward()

    def step(self, t, before, after):
        (h,), (new,) = before, after
        if self.fused:
            s = self.product(h, self.scaled)
            return on_gpu.gru(self.z[t], s, self.second_bias, h, self.recalled[t], new)
        z, s = self.z[t], self.product(h, self.scaled, self.second_bias)
        U = h.shape[1]
        z[:, : 2 * U] += s[:, : 2 * U]
        self.recalled[t] = s[:, 2 * U :]
        self.squash(z[:, : 2 * U])
        u, r, c = (gate[t] for gate in self.gate)
        c += r * self.recalled[t]
        self.xp.tanh(c, out=c)
        self.xp.subtract(h, c, out=new)  # c + u (h - c)
        new *= u
        new += c

    def step_back(self, t, before, d, dz, ds):
        (h,), (dh,) = before, d
        if self.fused:
            return [on_gpu.gru_back(dh, self.z[t], h, self.recalled[t], dz, ds)]
        u, r, c = (gate[t] for gate in self.gate)
        du, dr, dc = self.slopes(t, out=dz)
        past = dh * u
        du *= dh
        du *= h - c
        dc *= dh - past
        dr *= dc
        dr *= self.recalled[t]
        ds[...] = dz
        self.split(ds)[2][...] *= r
        return [past]


class LSTM(Cell):
    """Input gate i, forget gate f, candidate g, output gate o; and a second state, the cell c.

    c' = f c + i g;  h' = o tanh(c').
    """

    operation, gates, sigmoids = "lstm", 4, (0, 1, 3)

    def forward(self) -> None:
        self.squashed = self.xp.empty_like(self.states[1])  # tanh(c')
        run = self.z, self.scaled, self.start, self.states, self.squashed
        loops = None if self.hold is not None else loops_for(self.z)
        if loops is None or not loops.lstm_forward(*run):
            super().forward()

    def backward(self, dstates):
        run = self.z, self.recurrent, self.start, self.states, self.squashed
        loops = None if self.hold is not None else loops_for(self.z)
        found = loops.lstm_backward(*run, dstates) if loops is not None else None
        if found is None:
            return super().backward(dstates)
        dz, first = found
        return (dz.reshape(-1, dz.shape[-1]),) * 2 + (first,)

    def step(self, t, before, after):
        (h, c), (new_h, new_c) = before, after
        z, squashed = self.z[t], self.squashed[t]
        if self.fused:
            return on_gpu.lstm(z, self.product(h, self.scaled), c, new_h, new_c, squashed)
        z += self.product(h, self.scaled)
        self.squash(z)
        i, f, g, o = (gate[t] for gate in self.gate)
        self.xp.multiply(f, c, out=new_c)
        new_c += i * g
        self.xp.tanh(new_c, out=squashed)
        self.xp.multiply(o, squashed, out=new_h)

    def step_back(self, t, before, d, dz, ds):
        c, (dh, dc) = before[1], d
        if self.fused:
            on_gpu.lstm_back(dh, dc, self.z[t], c, self.squashed[t], dz)
            return [None, dc]
        i, f, g, o = (gate[t] for gate in self.gate)
        h, tanh_c = self.states[0][t], self.squashed[t]
        through = h * tanh_c
        self.xp.subtract(o, through, out=through)  # o (1 - tanh_c tanh_c), since h = o tanh_c
        through *= dh
        dc += through
        self.slopes(t, out=dz)
        dgates = self.xp.empty_like(dz)
        factors = ((dc, g), (dc, c), (dc, i), (dh, tanh_c))
        for dgate, (a, b) in zip(self.split(dgates), factors, strict=True):
            self.xp.multiply(a, b, out=dgate)
        dz *= dgates
        dc *= f
        return [None, dc]
