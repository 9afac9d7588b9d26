"""JAX, MyGrad and torch.compile beside the two that are compared, where they know the model.

Neither is needed, and none is judged: their times are columns of the table.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from ..measure.pytorch import Disagreement
from ..measure.turns import Effort, ratio, take_turns
from ..twins.agreement import NEAR_LOSS
from ..twins.layer_walk import NoTwin
from ..twins.steps import OURS, compiled, our_step
from ..twins.work import Row

ALLOWED = (NEAR_LOSS, 1e-2, 1e-2)  # difference of the losses of the first steps, relative


class Library(NamedTuple):
    """package: that must be installed.  twins: the module that makes its training step.

    steps: how many losses are compared.
    """

    package: str
    twins: str
    steps: int = len(ALLOWED)


LIBRARIES = {
    "JAX": Library("jax", "in_jax"),
    "MyGrad": Library("mygrad", "in_mygrad"),
    # PyTorch's Adam has its epsilon elsewhere: later losses of a network that learns fast differ.
    "torch.compile": Library("torch", "in_torch_compiled", steps=1),
}
SOON_READY = ("JAX", "MyGrad")  # torch.compile takes 10 to 50 seconds for a model


def installed(names: Iterable[str]) -> list[str]:
    return [name for name in names if importlib.util.find_spec(LIBRARIES[name].package)]


def time_others(
    name: str, row: Row, effort: Effort, libraries: Iterable[str]
) -> dict[str, dict[str, Any] | None]:
    """Of each library: its times, and those of our forms, in turns; None: it has no twin."""
    found: dict[str, dict[str, Any] | None] = {}
    for library in libraries:
        _, twins, count = LIBRARIES[library]
        make = importlib.import_module(f"benchmarks.twins.{twins}").training_step
        try:
            difference = check(name, library, row, make, ALLOWED[:count])
            steps = {library: make(row.make(row.batch))}
        except NoTwin:
            found[library] = None
            continue
        steps["tinynet"] = our_step(row.make(row.batch))
        if loops := compiled():
            steps["compiled"] = our_step(row.make(row.batch), loops)
        times = take_turns(steps, effort.rounds, effort.seconds)
        found[library] = {
            "seconds a step, by round": times,
            **{
                f"{form}'s part of it": ratio(times[form], times[library])._asdict()
                for form in OURS
                if form in times
            },
            "difference of losses": difference,
        }
    return found


def check(name: str, library: str, row: Row, make: Any, most: Sequence[float] = ALLOWED) -> float:
    """The largest difference of the losses of some steps of training, relative, from one noise.

    After the first step more is allowed: where a gradient is nothing but rounding, Adam's first
    steps are as long as elsewhere.
    """
    pair = our_step(row.make(row.batch)), make(row.make(row.batch), as_ours=True)
    largest = 0.0
    for allowed in most:
        ours, theirs = (float(step().item()) for step in pair)
        difference = abs(ours - theirs) / abs(theirs)
        if not difference <= allowed:  # NaN too
            raise Disagreement(
                f"{name}: the losses of tinynet and {library} differ by {difference:.1e}, and "
                f"{allowed:g} is allowed. They do not compute the same, so their times are not "
                "compared."
            )
        largest = max(largest, difference)
    return largest
