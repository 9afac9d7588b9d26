"""Random operations.  The generator is NumPy's, on the host, so that both devices draw the same."""

from __future__ import annotations

import numpy

from ..devices import device_of, move
from ..tensor import differentiable


@differentiable
def dropout(x, rate: float, rng: numpy.random.Generator):
    """Each element is 0 with probability rate; the others grow by 1 / (1 - rate).  (...) -> (...)

    The expected value stays x, so inference is simply not to call it.  Source: Srivastava et al.,
    "Dropout: A Simple Way to Prevent Neural Networks from Overfitting", 2014.

    rate: in [0, 1).  rng: numpy.random.default_rng(seed); each call advances it.
    """
    if not isinstance(rate, int | float) or not 0 <= rate < 1:
        raise ValueError(f"rate must be in [0, 1), the share to drop; received {rate!r}.")
    if not isinstance(rng, numpy.random.Generator):
        raise TypeError(
            f"rng is {type(rng).__name__}. Give a generator, numpy.random.default_rng(0)."
        )
    kept = rng.random(x.shape, dtype=numpy.float32) >= rate
    mask = move(kept, device_of(x))  # booleans: a quarter of the memory
    scale = 1 / (1 - rate)
    return x * mask * scale, lambda dy: dy * mask * scale
