"""The timed recurrent layers: 40 steps, as many features as units.

Their loss is the mean square of the state after every step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy

from tinynet.layers import GRU, LSTM, SimpleRNN

from .in_torch import Twin
from .work import Loss, Work, start

STEPS = 40


def simple_rnn(batch: int, units: int = 64) -> Work:
    return _recurrent(SimpleRNN(units, return_sequences=True), batch, "rnn_tanh")


def gru(batch: int, units: int = 64) -> Work:
    """PyTorch has the reset gate before the update gate."""
    return _recurrent(GRU(units, return_sequences=True), batch, "gru", order=[1, 0, 2])


def lstm(batch: int, units: int = 64) -> Work:
    return _recurrent(LSTM(units, return_sequences=True), batch, "lstm")


def _recurrent(layer: Any, batch: int, function: str, order: list[int] | None = None) -> Work:
    """order: of our gates, in PyTorch's layer."""
    U, rng = layer.units, start()
    x = rng.standard_normal((batch, STEPS, U), numpy.float32)
    layer.build((STEPS, U), rng)

    def turned(w: numpy.ndarray) -> numpy.ndarray:
        """(..., gates * U) -> (gates * U, ...)"""
        gates = w.reshape(*w.shape[:-1], -1, U)
        return numpy.moveaxis(
            gates if order is None else gates[..., order, :], (-2, -1), (0, 1)
        ).reshape(-1, *w.shape[:-1])

    def theirs(twin: Twin) -> Loss:
        run: Callable[..., Any] = getattr(twin.torch, function)
        weights = [
            twin.parameter(layer.kernel, "kernel", turned),
            twin.parameter(layer.recurrent_kernel, "recurrent_kernel", turned),
        ]
        bias = twin.parameter(layer.bias, "bias", turned)
        both = (
            (lambda b: (b[:, 0], b[:, 1]))
            if bias.ndim == 2
            else (lambda b: (b, twin.torch.zeros_like(b)))
        )

        def loss(x: Any) -> Any:
            h = x.new_zeros(1, len(x), U)
            state = (h, h) if layer.states == 2 else h
            flat = [*weights, *both(bias)]
            y = run(x, state, flat, True, 1, 0.0, True, False, True)[0]
            return (y**2).mean()

        return loss

    return Work(layer, (x,), lambda x: (layer(x) ** 2).mean(), theirs)
