"""The training step that is timed, in tinynet and in PyTorch: forward, loss, backward, Adam.

tinynet's is timed in both forms of its kernels: "tinynet" is NumPy alone, and "compiled" the loops
that Numba compiles, where it is installed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import tinynet as tn
from tinynet.devices import cpu, form

from .in_torch import LAYOUTS, Twin
from .work import Loss, Work, one_by_one

Step = Callable[[], Any]  # one training step; it returns the loss, which has .item()
OURS = ("tinynet", "compiled")  # the other contestants are PyTorch's layouts


@contextmanager
def running(kernels: Any) -> Iterator[None]:
    before, form.chosen = form.chosen, kernels
    try:
        yield
    finally:
        form.chosen = before


def numpy_alone() -> Any:
    """The kernels where nothing is compiled."""
    return cpu if tn.compiled() else form.chosen  # TINYNET_PLAIN=1: the plain ones


def compiled() -> Any:
    """The compiled loops; or None, and tn.compiled() says why."""
    loops = form.load()
    return loops if tn.compiled() else None


def forms() -> dict[str, Any]:
    """The kernels of "tinynet" and, where Numba compiles them, of "compiled"."""
    loops = compiled()
    return {"tinynet": numpy_alone()} | ({"compiled": loops} if loops else {})


def on_kernels(kernels: Any, step: Step) -> Step:
    def run() -> Any:
        with running(kernels):
            return step()

    return run


def contestants(work: Work, torch: Any, again: Work | None = None) -> dict[str, Step]:
    """The training step of tinynet and, with PyTorch, of the twin in each layout that matters.

    again: the same work, made anew, for the compiled loops.
    """
    steps = {"tinynet": our_step(work)}
    if again:
        steps["compiled"] = our_step(again, compiled())
    for layout in LAYOUTS if torch else ():
        twin = Twin(torch, layout)
        steps[layout] = twin_step(work, twin)
        if not any(pair.theirs.ndim == 4 for pair in twin.pairs):
            break  # without convolutions there is nothing to lay out
    return steps


def our_step(work: Work, kernels: Any = None) -> Step:
    """On those kernels; None: NumPy alone."""
    batch = [tn.Tensor(array) for array in work.batch]
    return on_kernels(kernels or numpy_alone(), steps_of(work, batch))


def steps_of(work: Work, batch: list[tn.Tensor]) -> Step:
    """On the kernels of the device on which the model and the batch are."""
    turns = work.turns or (work.network,)
    optimizers = [tn.optim.Adam(network.parameters(), 0.001) for network in turns]
    work.network.train()
    return _step(optimizers, work.ours, batch)


def twin_step(work: Work, twin: Twin, capturable: bool = False) -> Step:
    """capturable: for a CUDA graph."""
    loss_of = work.theirs(twin)
    batch = [twin.batch(array) for array in work.batch]
    theirs = {id(pair.ours): pair.theirs for pair in twin.pairs}
    turns = [[theirs[id(w)] for w in n.parameters()] for n in work.turns or (work.network,)]
    optimizers = [torch_adam(twin.torch, weights, capturable) for weights in turns]
    return _step(optimizers, loss_of, batch)


def _step(optimizers: list[Any], losses: Loss, batch: list[Any]) -> Step:
    """It returns the last loss."""

    def step() -> Any:
        made = one_by_one(losses(*batch))
        for optimizer, loss in zip(optimizers, made, strict=True):
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return loss

    return step


def torch_adam(torch: Any, weights: list[Any], capturable: bool = False) -> Any:
    """PyTorch's fastest: the fused one takes a third of the time of the default one."""
    settings = {"lr": 0.001, "eps": 1e-7, "capturable": capturable}
    try:
        return torch.optim.Adam(weights, **settings, fused=True)
    except (RuntimeError, TypeError):  # an older PyTorch
        return torch.optim.Adam(weights, **settings)
