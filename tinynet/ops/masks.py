"""Masks: which time steps, labels or places count."""

from __future__ import annotations

from typing import Any

import numpy

from ..devices import Array, gpu, is_array, xp
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


def only_counted(x: Array, mask: Array) -> Array:
    """x, whose rows where the mask is False are its first row where it is True.

    So it holds what counts and nothing else.  On a GPU it waits for nothing; x[mask] waits for how
    many there are.
    """
    if not mask.size:
        return x
    rows = x.reshape(mask.size, -1)
    first = rows.take(mask.argmax(), axis=0)
    return xp(x).where(mask.reshape(-1, 1), rows, first).reshape(x.shape)
