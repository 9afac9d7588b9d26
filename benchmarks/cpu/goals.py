"""What `python -m benchmarks cpu` is to reach, and whether it did."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from ..measure.process import MIB, mib
from ..measure.turns import reached
from . import memory
from .timed_operations import CASES

ON_AVERAGE, OF_ANY, OF_SMALL = 1.0, 1.3, 0.8  # of PyTorch's time
COMPILED_ON_AVERAGE, COMPILED_OF_ANY = 0.85, 1.1  # of the compiled loops
COMPILED_OF_CONVOLUTIONAL, COMPILED_OF_SMALL = 0.8, 0.95
CONVOLUTIONAL = {
    *("mnist_low_level", "mnist_low_level_1000", "mnist", "fashion", "cifar"),
    *("fashion_vae", "faces_vae", "faces_vae_256", "dogs_vae"),
}
SMALL = ("autoencoder", "deep_autoencoder", "vae")  # the small dense ones
LARGE_BATCH, IN_ALL = "mnist_low_level_1000", 1024 * MIB
OF_A_PICTURE = 1.1  # of the time that one takes in the smaller batch
OF_NUMPY = 1.3  # of its import
OF_GEMM = 0.7  # of the machine's speed

Models = Sequence[Mapping[str, Any]]


def judged(kept: Mapping[str, Any]) -> list[str]:
    """A line for each goal; kept: what a run found, as it is written down."""
    models = kept["models"]
    return [
        average_goal(models),
        any_goal(models),
        small_goal(models),
        memory_goal(models),
        large_batch_goal(models),
        picture_goal(kept.get("a picture")),
        import_goal(kept.get("import")),
        convolution_goal(kept.get("operations")),
        *compiled_goals(models),
    ]


def _ratios(models: Models, key: str = "tinynet's part of it") -> dict[str, float]:
    return {found["model"]: found[key]["median"] for found in models if found.get(key)}


def average_goal(models: Models) -> str:
    goal = f"geometric mean of the models' time at most {ON_AVERAGE} of PyTorch's"
    return _average(goal, _ratios(models), ON_AVERAGE)


def _average(goal: str, parts: Mapping[str, float], most: float) -> str:
    if not parts:
        return f"{goal}: not measured"
    mean = statistics.geometric_mean(parts.values())
    return f"{goal}: {reached(mean <= most)} ({mean:.2f} of {len(parts)} models)"


def any_goal(models: Models) -> str:
    return _worst(f"no model above {OF_ANY} of PyTorch's time", _ratios(models), OF_ANY)


def small_goal(models: Models) -> str:
    small = {name: part for name, part in _ratios(models).items() if name in SMALL}
    return _worst(f"the small dense models at most {OF_SMALL} of it", small, OF_SMALL)


def compiled_goals(models: Models) -> list[str]:
    """Of the compiled loops, where they were measured; else none."""
    parts = _ratios(models, "compiled's part of it")
    if not parts:
        return []
    average = f"compiled: geometric mean at most {COMPILED_ON_AVERAGE} of PyTorch's time"
    return [_average(average, parts, COMPILED_ON_AVERAGE)] + [
        _worst(f"compiled: {which} {most} of it", {n: parts[n] for n in parts if n in names}, most)
        for which, names, most in (
            ("no model above", parts, COMPILED_OF_ANY),
            ("convolutional models at most", CONVOLUTIONAL, COMPILED_OF_CONVOLUTIONAL),
            ("small dense models at most", SMALL, COMPILED_OF_SMALL),
        )
    ]


def _worst(goal: str, parts: Mapping[str, float], most: float) -> str:
    if not parts:
        return f"{goal}: not measured"
    worst = max(parts, key=lambda name: parts[name])
    return f"{goal}: {reached(parts[worst] <= most)} ({parts[worst]:.2f}, {worst})"


def memory_goal(models: Models) -> str:
    """Judged by the whole process; what the training adds to it is said too."""
    goal = "peak memory at most PyTorch's on every model"
    found = {m["model"]: memory.parts(m["memory"]) for m in models if memory.better(m["memory"])}
    if not found:
        return f"{goal}: not measured"
    worst, above = (max(found, key=lambda name: found[name][i]) for i in range(2))
    most = found[worst][0]
    return (
        f"{goal}: {reached(most <= 1)} ({most:.2f}, {worst}; above the import alone "
        f"{found[above][1]:.2f}, {above})"
    )


def large_batch_goal(models: Models) -> str:
    goal = f"{LARGE_BATCH} within {mib(IN_ALL)} in all"
    for found in models:
        if found["model"] == LARGE_BATCH:
            most = found["memory"]["tinynet"]["in all"]
            if most is not None:
                return f"{goal}: {reached(most <= IN_ALL)} ({mib(most)})"
    return f"{goal}: not measured"


def picture_goal(found: Mapping[str, Any] | None) -> str:
    if found is None:
        return f"a picture of a large batch at most {OF_A_PICTURE} of one of a small: not measured"
    small, large = found["batches"]
    goal = f"a picture at batch {large} at most {OF_A_PICTURE} of its time at {small}"
    return _median(goal, found["part"], OF_A_PICTURE)


def import_goal(found: Mapping[str, Any] | None) -> str:
    goal = f"import tinynet at most {OF_NUMPY} of import numpy"
    return _median(goal, found and found["tinynet's part of NumPy's"], OF_NUMPY)


def _median(goal: str, part: Mapping[str, float] | None, most: float) -> str:
    if part is None:
        return f"{goal}: not measured"
    return f"{goal}: {reached(part['median'] <= most)} ({part['median']:.2f})"


def convolution_goal(found: Models | None) -> str:
    name = CASES[0].name
    goal = f"{name} forward at {OF_GEMM:.0%} of this machine's GEMM or better"
    for row in found or ():
        if (row["operation"], row["part"]) == (name, "forward"):
            part = row["tinynet's part of the limit"]["median"]
            return f"{goal}: {reached(part >= OF_GEMM)} ({part:.0%})"
    return f"{goal}: not measured"
