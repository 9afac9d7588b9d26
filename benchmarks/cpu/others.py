"""JAX and MyGrad beside the two that are compared, where they are installed and know the model.

Neither is needed, and none is judged: their times are columns of the table.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Sequence
from typing import Any

from ..measure.pytorch import Disagreement
from ..measure.turns import Effort, ratio, take_turns
from ..twins.agreement import NEAR_LOSS
from ..twins.layer_walk import NoTwin
from ..twins.steps import our_step
from ..twins.work import Row

LIBRARIES = {"JAX": "jax", "MyGrad": "mygrad"}  # their names, and those of their packages
ALLOWED = (NEAR_LOSS, 1e-2, 1e-2)  # difference of the losses of the first steps, relative


def installed() -> list[str]:
    return [name for name, package in LIBRARIES.items() if importlib.util.find_spec(package)]


def time_others(name: str, row: Row, effort: Effort) -> dict[str, Any]:
    """Of each library that is installed and has a twin: its times, and ours, in turns."""
    found = {}
    for library in installed():
        make = importlib.import_module(f"benchmarks.twins.in_{LIBRARIES[library]}").training_step
        try:
            difference = check(name, library, row, make)
        except NoTwin:
            continue
        steps = {"tinynet": our_step(row.make(row.batch)), library: make(row.make(row.batch))}
        times = take_turns(steps, effort.rounds, effort.seconds)
        found[library] = {
            "seconds a step, by round": times,
            "tinynet's part of it": ratio(times["tinynet"], times[library])._asdict(),
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
