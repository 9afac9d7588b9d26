"""capture: a training step that a GPU does again at one word, instead of a hundred launches.

devices/gpu/graphs.py says how.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import numpy

from ..devices import check, gpu_available, move, on_gpu
from ..devices.gpu.graphs import Recording, rehearsal
from ..engine.tensor import Tensor

ORDINARY = 2  # steps, before one of the same shapes is captured: kernels are compiled in them

Step = Callable[..., Any]


def capture(step: Step) -> Step:
    """A training step on a GPU as CUDA graphs.  Where there is no GPU: the function itself.

    Experimental: no real GPU has run it yet.

        def step(x, labels):
            loss = tn.cross_entropy(model(x), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return loss

        step = tn.capture(step)
        for x, labels in tn.data.batches(x, labels, rng=rng, device="gpu"):
            loss = step(x, labels)

    step: a function of tensors and arrays.  It returns a tensor on the GPU, several in a tuple, a
        list or a dictionary, or None.  Arrays of NumPy become tensors on the GPU.

    Python launches each kernel of a step one by one, and in a small network that takes longer than
    the arithmetic.  The first two calls with arguments of the same shapes and dtypes are ordinary
    ones.  The third is captured: the GPU is told the whole step, which it does at once in this call
    and in each later one.  Optimizers go on outside the graphs, so rates may change.  Noise is new
    in each call.

    Else a replay does what the third call did.  What Python decides in the step is decided there:
    training mode, an `if`, the numbers that it takes from variables.  Arrays stay where they were:
    after model.load or model.to, capture anew.  Products of stacks of matrices and of float64, and
    whatever waits or copies (.item(), .numpy(), print), cannot be captured.

    A call whose tensors are all on the CPU is an ordinary one.

    TypeError for what is no function, for arguments that are no tensors or arrays, and for other
    results.  RuntimeError for a step that cannot be captured, or has no optimizer.  A wrong label
    is told late, and without its number.
    """
    if not callable(step):
        raise TypeError(f"capture: step is {type(step).__name__}. Give the function of a step.")
    return functools.wraps(step)(_Captured(step)) if gpu_available() else step


class _Captured:
    """The step; each set of shapes has its own graphs."""

    def __init__(self, step: Step) -> None:
        self._step = step
        self._calls: dict[Any, int] = {}
        self._replays: dict[Any, Callable[..., Any]] = {}

    def __call__(self, *arguments: Any) -> Any:
        if arguments and not any(on_gpu(getattr(a, "data", a)) for a in arguments):
            return self._step(*arguments)
        given = [_there(i, a) for i, a in enumerate(arguments)]
        shapes = tuple((t.shape, t.dtype) for t in given)
        self._calls[shapes] = self._calls.get(shapes, 0) + 1
        if self._calls[shapes] <= ORDINARY:
            with rehearsal() if self._calls[shapes] == ORDINARY else nullcontext():
                return self._step(*given)
        if shapes not in self._replays:
            self._replays[shapes] = _captured(self._step, given)
        return self._replays[shapes](*given)


def _captured(step: Step, given: list[Tensor]) -> Callable[..., Any]:
    """The step in graphs, which read their arguments where these are now copied to."""
    places = [Tensor(t.data.copy()) for t in given]
    recording = Recording()
    try:
        with recording.recorded():
            result = step(*places)
    except Exception as error:
        raise RuntimeError(
            f"capture: the step cannot be captured: {str(error).rstrip('.')}. In a captured step "
            "nothing waits, and nothing is copied from the CPU or to it: leave out .item(), "
            ".numpy(), print and arrays of NumPy. Or call the step without tn.capture."
        ) from error
    if not recording.optimizers:
        raise RuntimeError(
            "capture: the step has no optimizer.step(), and gradients of several calls cannot be "
            "added up in graphs. Give a whole training step."
        )
    _copies(result)  # refused now, not in each replay

    def replay(*given: Tensor) -> Any:
        for place, t in zip(places, given, strict=True):
            place.data[...] = t.data
        recording.replay()
        check("capture", recording.fine, _found)
        return _copies(result)

    return replay


def _there(i: int, argument: Any) -> Tensor:
    if isinstance(argument, numpy.ndarray) or on_gpu(argument):
        return Tensor(move(argument, "gpu"))
    if not isinstance(argument, Tensor):
        raise TypeError(
            f"capture: argument {i} is {type(argument).__name__}. Give tensors and arrays: "
            "anything else would stay as it was in the first captured call."
        )
    if argument.device != "gpu" or argument.requires_grad:
        fault = "requires a gradient" if argument.requires_grad else "is on the CPU"
        raise ValueError(
            f"capture: argument {i}, {argument.label}, {fault}. Give a batch on the GPU."
        )
    return argument


def _copies(result: Any) -> Any:
    """What the step returned, in arrays of its own: the next replay writes into the same ones."""
    if result is None:
        return None
    if isinstance(result, Tensor) and on_gpu(result.data):
        return Tensor(result.data.copy())
    if isinstance(result, dict):
        return {name: _copies(value) for name, value in result.items()}
    if isinstance(result, tuple | list):
        return type(result)(map(_copies, result))
    what = "a tensor on the CPU" if isinstance(result, Tensor) else type(result).__name__
    raise TypeError(
        f"capture: the step returned {what}. Return tensors on the GPU, or nothing: anything else "
        "would stay as it was in the first captured call."
    )


def _found(facts: Any) -> Exception:
    return RuntimeError(
        "a check in a captured step found wrong numbers, for example a label that is out of range. "
        "Call the step without tn.capture to see which."
    )
