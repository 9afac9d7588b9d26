"""The engine: a training step against PyTorch eager, the longest chain, memory over many steps.

What each figure means and how it is measured: README.md beside this file.  Chains and memory are
measured in a process of their own, so that a crash is a result and PyTorch's memory is not counted.
"""

from __future__ import annotations

import gc
import json
import math
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, NamedTuple

import numpy

import tinynet as tn

from .measure.process import MIB, in_its_own_process, mib, peak_memory, resident_memory
from .measure.pytorch import Disagreement, introduce
from .measure.turns import ratio, reached, spread, take_turns, unsteady

RESULTS = Path(__file__).parent / "results" / "engine.json"

# To reach.
MOST_OF_PYTORCH = 0.5  # of PyTorch's time, on the 4-4-4 network
CHAIN = 100_000  # operations
MOST_GROWTH = 1 * MIB  # after the warm-up: 131 bytes a step; a leak of one tensor a step is more

Step = Callable[[], Any]  # one training step; it returns the loss, which has .item()


class Network(NamedTuple):
    """An autoencoder: D inputs, a hidden layer of tanh, D outputs of sigmoid, mean square error."""

    D: int
    hidden: int
    batch: int
    lr: float  # large enough for the loss to fall within the steps that are compared

    @property
    def name(self) -> str:
        return f"{self.D}-{self.hidden}-{self.D}"


class Effort(NamedTuple):
    """How much is measured."""

    rounds: int
    seconds: float  # of a timed block
    chains: tuple[int, ...]
    steps: int  # of the training whose memory is watched


SMALL = Network(4, 4, batch=4, lr=0.1)
LARGE = Network(784, 32, batch=256, lr=10.0)
FULL = Effort(40, 0.2, (1_000, 10_000, 100_000, 1_000_000), 10_000)
QUICK = Effort(5, 0.05, (1_000, 10_000, 100_000), 1_000)


def main(threads: int, quick: bool = False, record: bool = False) -> int:
    results = RESULTS if record and not quick else None
    return report(QUICK if quick else FULL, threads, results)


def report(effort: Effort, threads: int, results: Path | None) -> int:
    """Measure, print, write.  0, or 1 if PyTorch and tinynet do not compute the same."""
    torch, facts = introduce(threads)
    print("\nA training step: forward, loss, backward, SGD; float32; median (10% to 90%)")
    try:
        times = [time_network(network, effort, torch) for network in (SMALL, LARGE)]
    except Disagreement as error:
        print(f"benchmarks engine: {error}", file=sys.stderr)
        return 1
    print("\nA chain y = y + 1, forward and backward; peak is what that adds to the process")
    chains = [time_chain(n) for n in effort.chains]
    dropped = time_drop(effort.chains[-1])
    print(f"\nResident memory of training {LARGE.name}, garbage collector off")
    readings, cycles = watch_memory(effort.steps)

    goals = [speed_goal(times[0]), chain_goal(chains), memory_goal(readings, cycles)]
    print("\nGoals")
    for goal in goals:
        print(f"  {goal}")
    if results:
        results.parent.mkdir(exist_ok=True)
        kept = {
            "machine": facts,
            "steps": times,
            "chains": chains,
            "dropped": dropped,
            "memory": {"bytes by step": readings, "cycles": cycles},
            "goals": goals,
        }
        results.write_text(json.dumps(kept, indent=1) + "\n")
        print(f"\nwritten: {results}")
    return 0


# -- time of a training step ----------------------------------------------------------------------


def contestants(network: Network, torch: Any) -> dict[str, Step]:
    """The same training step of each framework, from the same weights, on the same batch.

    PyTorch twice: as people write it, with modules, and as lean as it gets, on bare tensors like
    tinynet.  A ratio to the slower one alone would flatter.
    """
    rng = numpy.random.default_rng(0)
    D, H, N, lr = network
    shapes = (D, H), (H,), (H, D), (D,)
    weights = [rng.normal(0, 1 / math.sqrt(D), shape).astype(numpy.float32) for shape in shapes]
    # One pattern, brighter and darker: something that a narrow layer can learn.
    x = rng.random((N, 1), dtype=numpy.float32) * rng.random(D, dtype=numpy.float32)
    steps = {"tinynet": tinynet_step(weights, x, lr)}
    if torch:
        steps["PyTorch, nn.Linear"] = module_step(torch, weights, x, lr)
        steps["PyTorch, bare tensors"] = bare_step(torch, weights, x, lr)
    return steps


def tinynet_step(weights: Sequence[Any], x: Any, lr: float) -> Step:
    parameters = [tn.Tensor(w, requires_grad=True) for w in weights]
    w1, b1, w2, b2 = parameters
    x = tn.Tensor(x)
    optimizer = tn.optim.SGD(parameters, lr=lr)

    def step() -> tn.Tensor:
        optimizer.zero_grad()
        h = tn.tanh(tn.linear(x, w1, b1))
        loss = tn.mse(tn.sigmoid(tn.linear(h, w2, b2)), x)
        loss.backward()
        optimizer.step()
        return loss

    return step


def module_step(torch: Any, weights: Sequence[Any], x: Any, lr: float) -> Step:
    D, H = weights[0].shape
    model = torch.nn.Sequential(
        torch.nn.Linear(D, H), torch.nn.Tanh(), torch.nn.Linear(H, D), torch.nn.Sigmoid()
    )
    with torch.no_grad():
        for parameter, w in zip(model.parameters(), weights, strict=True):
            parameter.copy_(torch.from_numpy(w.T.copy()))  # Linear keeps (O, D)
    x = torch.from_numpy(x)
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    mse = torch.nn.MSELoss()

    def step() -> Any:
        optimizer.zero_grad()
        loss = mse(model(x), x)
        loss.backward()
        optimizer.step()
        return loss

    return step


def bare_step(torch: Any, weights: Sequence[Any], x: Any, lr: float) -> Step:
    parameters = [torch.from_numpy(w.copy()).requires_grad_() for w in weights]
    w1, b1, w2, b2 = parameters
    x = torch.from_numpy(x)
    optimizer = torch.optim.SGD(parameters, lr=lr)

    def step() -> Any:
        optimizer.zero_grad()
        h = torch.tanh(torch.addmm(b1, x, w1))
        loss = torch.nn.functional.mse_loss(torch.sigmoid(torch.addmm(b2, h, w2)), x)
        loss.backward()
        optimizer.step()
        return loss

    return step


def largest_difference(steps: dict[str, Step], count: int = 20, allowed: float = 1e-4) -> float:
    """Train each for count steps: the largest difference of their losses, relative.

    Disagreement if it is more than allowed, or if the loss does not fall.
    """
    losses = {
        name: numpy.array([step().item() for _ in range(count)]) for name, step in steps.items()
    }
    ours = losses.pop("tinynet")
    if not ours[-1] < 0.99 * ours[0]:
        raise Disagreement(f"tinynet does not learn: loss {ours[0]:g}, then {ours[-1]:g}.")
    largest = 0.0
    for name, theirs in losses.items():
        difference = float(numpy.max(abs(ours - theirs) / abs(theirs)))
        if not difference <= allowed:  # NaN too
            raise Disagreement(
                f"the losses of tinynet and {name} differ by {difference:.1e}, and {allowed:g} is "
                "allowed. They do not compute the same, so their times are not compared."
            )
        largest = max(largest, difference)
    return largest


def time_network(network: Network, effort: Effort, torch: Any) -> dict[str, Any]:
    steps = contestants(network, torch)
    difference = largest_difference(steps)
    times = take_turns(steps, effort.rounds, effort.seconds)
    print(f"  {network.name}, batch {network.batch}, {effort.rounds} rounds", end="")
    print(f"; losses agree within {difference:.0e}" if torch else "")
    ratios = {}
    for name, seconds in times.items():
        line = f"    {name:24}{spread(t * 1e6 for t in seconds).show('.1f')} us"
        if name != "tinynet":
            ratios[name] = ratio(times["tinynet"], seconds)
            line = f"{line:62}tinynet takes {ratios[name].show('.2f')} of it"
        print(line)
    if unsteady(times):
        print("    Unsteady: the machine was busy with something else. Run it again.")
    return {
        "network": network.name,
        "batch": network.batch,
        "seconds a step, by round": times,
        "tinynet's part of": {name: found._asdict() for name, found in ratios.items()},
        "largest difference of losses": difference,
    }


# -- chains ---------------------------------------------------------------------------------------


def time_chain(n: int) -> dict[str, Any]:
    try:
        found = in_its_own_process(chain, n)
    except (BrokenProcessPool, RecursionError, MemoryError) as error:
        print(f"  {n:9,} operations: {type(error).__name__}")
        return {"operations": n, "right": False}
    seconds = found["forward"] + found["backward"]
    print(
        f"  {n:9,} operations: {seconds:.3f} s, {seconds / n * 1e6:.1f} us an operation "
        f"({found['backward'] / n * 1e6:.1f} backward), peak {mib(found['peak'])}, gradient "
        f"{'right' if found['right'] else 'WRONG'}"
    )
    return found


def time_drop(n: int) -> dict[str, Any]:
    try:
        seconds = in_its_own_process(drop, n)
    except (BrokenProcessPool, RecursionError, MemoryError) as error:
        print(f"  {n:9,} operations dropped without backward: {type(error).__name__}")
        return {"operations": n, "seconds": None}
    print(f"  {n:9,} operations dropped without backward: {seconds:.3f} s")
    return {"operations": n, "seconds": seconds}


def chain(n: int) -> dict[str, Any]:
    before = peak_memory()
    x = tn.Tensor(numpy.zeros(1, numpy.float32), requires_grad=True)
    start = time.perf_counter()
    y = _chain(x, n)
    middle = time.perf_counter()
    y.backward()
    end = time.perf_counter()
    peak = peak_memory()
    return {
        "operations": n,
        "forward": middle - start,
        "backward": end - middle,
        "peak": None if peak is None or before is None else peak - before,
        "right": y.item() == n and x.grad is not None and x.grad.item() == 1,
    }


def drop(n: int) -> float:
    """Seconds to free a chain; freeing it by recursion would overflow the stack."""
    y = _chain(tn.Tensor(numpy.zeros(1, numpy.float32), requires_grad=True), n)
    start = time.perf_counter()
    del y
    return time.perf_counter() - start


def _chain(x: tn.Tensor, n: int) -> tn.Tensor:
    y = x
    for _ in range(n):
        y = y + 1
    return y


# -- memory ---------------------------------------------------------------------------------------


def watch_memory(steps: int) -> tuple[list[tuple[int, int | None]], int]:
    readings, cycles = in_its_own_process(train_and_read, LARGE, steps)
    for step, resident in readings:
        print(f"  step {step:6,}: {mib(resident)}")
    print(f"  left for the collector: {cycles} objects")
    return readings, cycles


def train_and_read(network: Network, steps: int) -> tuple[list[tuple[int, int | None]], int]:
    """(step, resident bytes) at the start and after each fifth; the objects in dead cycles."""
    step = contestants(network, None)["tinynet"]
    gc.collect()
    gc.disable()
    readings = [(0, resident_memory())]
    for i in range(1, steps + 1):
        step()
        if i % (steps // 5) == 0:
            readings.append((i, resident_memory()))
    return readings, gc.collect()


def growth(readings: Sequence[tuple[int, int | None]]) -> int | None:
    """How far memory rises above its first reading after the warm-up, which is the first fifth."""
    after = [resident for _, resident in readings[1:]]
    if any(resident is None for resident in after):
        return None
    return max(after) - after[0]


# -- verdicts -------------------------------------------------------------------------------------


def speed_goal(found: dict[str, Any]) -> str:
    goal = f"at most {MOST_OF_PYTORCH} of PyTorch's time on {found['network']}"
    ratios = found["tinynet's part of"]
    if not ratios:
        return f"{goal}: not measured, PyTorch is not installed"
    name, worst = max(ratios.items(), key=lambda item: item[1]["median"])
    verdict = reached(worst["median"] <= MOST_OF_PYTORCH)
    return f"{goal}: {verdict} ({worst['median']:.2f} of {name}, the faster PyTorch)"


def chain_goal(chains: Sequence[dict[str, Any]]) -> str:
    longest = max((c["operations"] for c in chains if c["right"]), default=0)
    verdict = reached(longest >= CHAIN)
    return (
        f"a chain of {CHAIN:,} operations: {verdict} ({longest:,} is the longest tried and right)"
    )


def memory_goal(readings: Sequence[tuple[int, int | None]], cycles: int) -> str:
    goal = f"memory flat, within {mib(MOST_GROWTH)} after the first fifth of the steps"
    more = growth(readings)
    if more is None:
        return f"{goal}: not measured on this system"
    return f"{goal}: {reached(more <= MOST_GROWTH)} ({mib(more)}, {cycles} objects in cycles)"
