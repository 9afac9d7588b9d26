"""Masks: which time steps, labels or places count."""

from __future__ import annotations

from typing import Any

import numpy

from ..devices import Array, gpu, is_array
from ..engine.inputs import same_device
from ..engine.tensor import Tensor


def as_mask(
    mask: Any, x: Array, *shapes: tuple[int, ...], name: str = "x", what: str = ""
) -> Array:
    """The mask as booleans where x is.  TypeError or ValueError for another dtype or shape.

    shapes: those that it may have.  name: of x.  what: the end of that sentence.
    """
    mask = mask.data if isinstance(mask, Tensor) else mask
    mask = gpu.beside([x], mask if is_array(mask) else numpy.asarray(mask))
    same_device((name, "mask"), (x, mask))
    if mask.dtype != bool:
        cure = "Write mask == 1."
        if mask.ndim == 1 and any(len(s) == 2 and s[0] == len(mask) for s in shapes):
            T = next(s for s in shapes if len(s) == 2)[1]
            cure = f"From lengths, write numpy.arange({T}) < lengths[:, None]."
        raise TypeError(f"mask holds {mask.dtype}, and must be booleans. {cure}")
    if mask.shape not in shapes:
        allowed = " or ".join(map(str, shapes))
        raise ValueError(f"mask must be {allowed}{what}, received {mask.shape}.")
    return mask
