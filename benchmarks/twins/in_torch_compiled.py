"""The PyTorch twin of a model, with its loss compiled by torch.compile, forward and backward.

Adam stays as it is: fused, in one call.  torch.compile needs a compiler of C++.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from .in_torch import LAYOUTS, Twin
from .layer_walk import NoTwin
from .steps import twin_step
from .work import Work


def training_step(work: Work, as_ours: bool = False, device: str = "cpu") -> Callable[[], Any]:
    """Forward, loss, backward and Adam.  as_ours: with our noise, which is not compiled in."""
    import torch

    if work.turns:
        raise NoTwin("torch.compile: no twin of networks that learn in turns.")
    twin = Twin(torch, LAYOUTS[1], device)
    if as_ours:
        twin.draw_like(work.rng)
        return twin_step(work, twin)
    compiled = work._replace(theirs=lambda twin: torch.compile(work.theirs(twin)))
    try:
        with warnings.catch_warnings():  # about parts of PyTorch that it takes itself
            warnings.simplefilter("ignore", DeprecationWarning)
            step = twin_step(compiled, twin)
            step()  # it is compiled now
    except Exception as error:  # whatever: no compiler, no Python.h
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise NoTwin(f"torch.compile does not work here: {reason}") from error
    return step
