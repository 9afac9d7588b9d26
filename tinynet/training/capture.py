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
from ..devices.capture import state
from ..devices.gpu.graphs import Recording, rehearsal
from ..engine.record import current_observer
from ..engine.tensor import Tensor

ORDINARY = 2  # steps, before one of the same shapes is captured: kernels are compiled in them

Step = Callable[..., Any]
Given = dict[Any, Tensor]  # the arguments of a step, by place or name


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

    step: a function of tensors on the GPU.  Arrays of NumPy beside them, for example labels, become
        such tensors.  It returns a tensor, several in a tuple, a list or a dictionary, or None.

    Python launches each kernel of a step one by one, and in a small network that takes longer than
    the arithmetic.  The first two calls are ordinary ones, in which the kernels are compiled and
    loaded.  In the third, the GPU is told all that the step launches, up to the optimizer's step:
    a graph.  This call and each later one launch the graph and then the optimizer.  So the rate and
    all that the optimizer counts may change.  Noise is new in each call.  Arguments of other shapes
    or dtypes have a graph of their own.

    All other things that Python decides in the step stay as they were in the third call: training
    mode, an `if`, a number or a tensor from a variable.  So whatever changes from call to call must
    be an argument.  After model.eval() or model.to(...), call tn.capture again.  The gradients
    that a call leaves are overwritten by the next one.

    Where there is no GPU, or the tensors are on the CPU, none of this happens, and nothing is
    checked.  On the GPU: TypeError for arguments that are no tensors or arrays, and for results
    that are no tensors.  RuntimeError for a step without an optimizer, and for one that cannot be
    captured: it waits or copies (.item(), .numpy(), print), multiplies stacks of matrices or
    float64, or trains an Embedding, whose gradient is sorted.  A wrong label is told late.
    """
    if not callable(step):
        raise TypeError(f"capture: step is {type(step).__name__}. Give the function of a step.")
    if not gpu_available():
        return step
    calls: dict[Any, int] = {}  # by the shapes of the arguments
    replays: dict[Any, Callable[[Given], Any]] = {}

    @functools.wraps(step)
    def run(*arguments: Any, **named: Any) -> Any:
        every = dict(enumerate(arguments)) | named
        elsewhere = every and not any(on_gpu(getattr(a, "data", a)) for a in every.values())
        if elsewhere or state.recording or current_observer.get():  # it is looked at
            return step(*arguments, **named)
        given = {name: _there(name, a) for name, a in every.items()}
        shapes = tuple((name, t.shape, t.dtype) for name, t in given.items())
        calls[shapes] = calls.get(shapes, 0) + 1
        if calls[shapes] <= ORDINARY:
            with rehearsal() if calls[shapes] == ORDINARY else nullcontext():
                return _called(step, given)
        if shapes not in replays:
            replays[shapes] = _captured(step, given)
        return replays[shapes](given)

    return run


def _called(step: Step, given: Given) -> Any:
    """By their places, and by their names."""
    placed = [t for name, t in given.items() if isinstance(name, int)]
    return step(*placed, **{name: t for name, t in given.items() if isinstance(name, str)})


def _captured(step: Step, given: Given) -> Callable[[Given], Any]:
    """The step in graphs, which read their arguments where these are now copied to."""
    places = {name: Tensor(t.data.copy()) for name, t in given.items()}
    recording = Recording()
    try:
        with recording.recorded():
            result = _called(step, places)
    except Exception as error:
        reason = str(error).rstrip(".")
        if "captur" in reason.lower():  # in CUDA's words
            reason = (
                "it waits for the GPU, or copies from or to it. In the step, leave out .item(), "
                f".numpy(), print and arrays of NumPy ({reason})"
            )
        raise RuntimeError(
            f"capture: the step cannot be captured: {reason}. Or call it without tn.capture."
        ) from error
    if not recording.optimizers:
        raise RuntimeError(
            "capture: the step has no optimizer.step(). Give a whole training step, or call it "
            "without tn.capture."
        )
    _copies(result)  # refused now, not in each replay
    checked = ", ".join(dict.fromkeys(recording.checked))

    def found(facts: Any) -> Exception:
        recording.fine.fill(True)  # the next calls may be right
        return RuntimeError(
            f"a check of {checked} in a captured step found wrong numbers, for example a label "
            "that is out of range. Call the step without tn.capture to see which."
        )

    def replay(given: Given) -> Any:
        for name, place in places.items():
            place.data[...] = given[name].data
        recording.replay()
        if checked:
            check("capture", recording.fine, found)
        return _copies(result)

    return replay


def _there(name: int | str, argument: Any) -> Tensor:
    if isinstance(argument, numpy.ndarray) or on_gpu(argument):
        return Tensor(move(argument, "gpu"))
    if not isinstance(argument, Tensor):
        raise TypeError(
            f"capture: argument {name} is {type(argument).__name__}. Give tensors and arrays: "
            "anything else would stay as it was in the first captured call."
        )
    if argument.device != "gpu" or argument.requires_grad:
        fault = "requires a gradient" if argument.requires_grad else "is on the CPU"
        raise ValueError(
            f"capture: argument {name}, {argument.label}, {fault}. Give a batch on the GPU."
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
        copies = map(_copies, result)
        return type(result)(*copies) if hasattr(result, "_fields") else type(result)(copies)
    what = "a tensor on the CPU" if isinstance(result, Tensor) else type(result).__name__
    raise TypeError(
        f"capture: the step returned {what}. Return tensors on the GPU, or nothing: anything else "
        "would stay as it was in the first captured call."
    )
