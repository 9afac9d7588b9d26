"""The training step that is timed, in tinynet and in PyTorch: forward, loss, backward, Adam."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tinynet as tn

from .in_torch import LAYOUTS, Twin
from .work import Work

Step = Callable[[], Any]  # one training step; it returns the loss, which has .item()


def contestants(work: Work, torch: Any) -> dict[str, Step]:
    """The training step of tinynet and, with PyTorch, of the twin in each layout that matters."""
    steps = {"tinynet": our_step(work)}
    for layout in LAYOUTS if torch else ():
        twin = Twin(torch, layout)
        steps[layout] = twin_step(work, twin)
        if not any(pair.theirs.ndim == 4 for pair in twin.pairs):
            break  # without convolutions there is nothing to lay out
    return steps


def our_step(work: Work) -> Step:
    batch = [tn.Tensor(array) for array in work.batch]
    optimizer = tn.optim.Adam(work.network.parameters(), 0.001)
    work.network.train()

    def step() -> tn.Tensor:
        optimizer.zero_grad()
        loss = work.ours(*batch)
        loss.backward()
        optimizer.step()
        return loss

    return step


def twin_step(work: Work, twin: Twin) -> Step:
    loss_of = work.theirs(twin)
    batch = [twin.batch(array) for array in work.batch]
    optimizer = torch_adam(twin.torch, [pair.theirs for pair in twin.pairs])

    def step() -> Any:
        optimizer.zero_grad()
        loss = loss_of(*batch)
        loss.backward()
        optimizer.step()
        return loss

    return step


def torch_adam(torch: Any, weights: list[Any]) -> Any:
    """PyTorch's fastest: the fused one takes a third of the time of the default one."""
    try:
        return torch.optim.Adam(weights, lr=0.001, eps=1e-7, fused=True)
    except (RuntimeError, TypeError):  # an older PyTorch
        return torch.optim.Adam(weights, lr=0.001, eps=1e-7)
