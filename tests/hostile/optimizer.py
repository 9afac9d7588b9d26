"""Optimizers driven at random beside the same rules in plain NumPy, and stopped by Ctrl-C.

Several optimizers may move the same parameters in turn: each continues another one's state.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pytest

import tinynet as tn

from .trials import interrupted

OPTIM = Path(tn.optim.__file__).parent
LINES = 600  # of the files there that one action runs, at most
SHAPES = [(), (1,), (3,), (2, 3), (4, 1, 2), (0, 2), (17,)]


class Reference:
    """What an optimizer must have: its slots, its number of steps, its rate; and its rule."""

    def __init__(self, kind: type, lr: Any, settings: dict, values: list[numpy.ndarray]) -> None:
        self.kind, self.lr, self.settings, self.steps = kind, lr, settings, 0
        self.names = (
            ["m", "v"] if kind is tn.optim.Adam else ["velocity"] * ("momentum" in settings)
        )
        self.slots = {
            f"{i}.{name}": numpy.zeros_like(w) for i, w in enumerate(values) for name in self.names
        }

    def moved(self, values: list[numpy.ndarray], gradients: list) -> list[numpy.ndarray]:
        """The parameters after one step; slots and steps change too."""
        lr = self.lr(self.steps) if callable(self.lr) else self.lr
        self.steps += 1
        norm = sum(float((dw * dw).sum()) for dw in gradients if dw is not None) ** 0.5
        scale = min(1, self.settings.get("clip_norm", numpy.inf) / norm) if norm else 1
        found = list(values)
        for i, (w, dw) in enumerate(zip(values, gradients, strict=True)):
            if dw is not None:
                dw = dw * w.dtype.type(scale) + self.settings.get("weight_decay", 0) * w
                found[i] = w - lr * self._change(str(i), dw)
        return found

    def _change(self, i: str, dw: numpy.ndarray) -> numpy.ndarray:
        slots, t = self.slots, self.steps
        if self.kind is tn.optim.Adam:
            slots[i + ".m"] = m = 0.9 * slots[i + ".m"] + 0.1 * dw
            slots[i + ".v"] = v = 0.999 * slots[i + ".v"] + 0.001 * dw**2
            return (1 - 0.999**t) ** 0.5 / (1 - 0.9**t) * m / (v**0.5 + 1e-7)
        if self.names:
            dw = slots[i + ".velocity"] = 0.9 * slots[i + ".velocity"] + dw
        return dw


class Machine:
    """Parameters, the optimizers that move them, and what all of them should be."""

    def __init__(self, rng: numpy.random.Generator, folder: Path) -> None:
        self.rng, self.folder = rng, folder
        shapes = [(2,), *(SHAPES[i] for i in rng.integers(len(SHAPES), size=rng.integers(1, 6)))]
        self.values = [rng.normal(size=s).astype(rng.choice(["f4", "f8"])) for s in shapes]
        self.parameters = [tn.Tensor(w, requires_grad=True) for w in self.values]
        kind = (tn.optim.SGD, tn.optim.Adam)[rng.integers(2)]
        settings: dict = {"momentum": 0.9} if kind is tn.optim.SGD and rng.random() < 0.7 else {}
        settings |= {"weight_decay": 0.1} if rng.random() < 0.3 else {}
        settings |= {"clip_norm": 0.5} if rng.random() < 0.3 else {}
        # one norm scales all: that of float32 gradients is rough
        self.rough = "clip_norm" in settings and any(w.dtype == "f4" for w in self.values)
        reference = Reference(kind, self.rate(), settings, self.values)
        self.pairs = [(kind(self.parameters, reference.lr, **settings), reference)]

    def act(self) -> None:
        """One action at random, with one of the optimizers and one of the parameters."""
        rng, i = self.rng, int(self.rng.integers(len(self.parameters)))
        self.optimizer, self.reference = self.pairs[rng.integers(len(self.pairs))]
        p = self.parameters[i]
        action = rng.integers(13)
        if action < 4:
            self.step()
        elif action < 8:
            for p in self.parameters:
                p.grad = self.like(p) if rng.random() < 0.8 else None
        elif action == 8:
            p.data = self.like(p)
            self.values[i] = p.data.copy()
        elif action == 9:
            p.data *= 0.5
            self.values[i] = p.data.copy()
        elif action == 10:
            p.grad = numpy.ones((*p.shape, 2), p.dtype)
            with pytest.raises(ValueError):
                self.optimizer.step()
            p.grad = None
            if not self.stopped(self.optimizer.zero_grad):
                assert all(p.grad is None for p in self.parameters)
        elif action == 11:
            lr = self.rate()
            self.stopped(lambda: setattr(self.optimizer, "lr", lr))
            self.optimizer.lr = self.reference.lr = lr
        else:
            self.proceed()
        self.check(exact=action >= 4)

    def step(self) -> None:
        gradients = [p.grad for p in self.parameters]
        if all(dw is None for dw in gradients):
            with pytest.raises(RuntimeError):
                self.optimizer.step()
            return
        reference, same = copy.deepcopy((self.reference, gradients))
        values = reference.moved(self.values, gradients)
        if self.stopped(self.optimizer.step, moves=True):
            return self.revive()
        self.values = values
        self.reference.__dict__ |= reference.__dict__
        for p, dw, old in zip(self.parameters, gradients, same, strict=True):
            assert p.grad is dw and numpy.array_equal(dw, old)

    def proceed(self) -> None:
        """Another optimizer continues, or the same one from a file."""
        reference = copy.deepcopy(self.reference)
        made = [self.optimizer]

        def make() -> None:
            if len(self.pairs) == 3:
                path = tn.save(self.folder / "state.npz", self.optimizer)
                return tn.load(path, self.optimizer)
            other = reference.kind(self.parameters, reference.lr, **reference.settings)
            other.load_state_dict(self.optimizer.state_dict())
            made.append(other)

        if self.stopped(make):
            self.revive()
        elif len(made) == 2:
            self.pairs.append((made[1], reference))

    def stopped(self, work: Callable[[], Any], moves: bool = False) -> bool:
        """Do the work, or a part of it up to Ctrl-C; whether that came."""
        if self.rng.random() < 0.75:
            work()
            return False
        came = interrupted(work, int(LINES ** self.rng.random()), OPTIM)
        for p, w in zip(self.parameters, self.values, strict=True):
            assert moves or numpy.array_equal(p.data, w), "Ctrl-C has changed a parameter"
        return came

    def revive(self) -> None:
        """After Ctrl-C the next step moves everything; then the reference follows."""
        before = [p.data.copy() for p in self.parameters]
        for p in self.parameters:
            p.grad = self.like(p)
        self.optimizer.step()
        self.values = [p.data.copy() for p in self.parameters]
        for i, (new, old) in enumerate(zip(self.values, before, strict=True)):
            assert not new.size or (new != old).any(), f"parameter {i} is dead"
        state = self.optimizer.state_dict()
        for name, slot in state["slots"].items():
            assert slot.shape == self.reference.slots[name].shape and numpy.isfinite(slot).all()
        self.reference.__dict__ |= {name: state[name] for name in ("slots", "steps")}

    def check(self, exact: bool) -> None:
        """Parameters and slots are those of the references, which then take their rounding."""
        pairs = list(zip([p.data for p in self.parameters], self.values, strict=True))
        for optimizer, reference in self.pairs:
            state = optimizer.state_dict()
            assert state["steps"] == reference.steps and len(state["slots"]) == len(reference.slots)
            pairs += [(a, reference.slots[name]) for name, a in state["slots"].items()]
            reference.slots = state["slots"]
        for a, b in pairs:
            tolerance = 0 if exact else 1e-5 if self.rough or a.dtype == "f4" else 1e-11
            assert (a.shape, a.dtype) == (b.shape, b.dtype)
            assert (abs(a - b) <= tolerance * (1 + abs(b))).all(), f"{a} and not {b}"
        self.values = [p.data.copy() for p in self.parameters]

    def like(self, p: tn.Tensor) -> numpy.ndarray:
        """Random numbers for a parameter, in one of several memory layouts."""
        x = self.rng.normal(size=p.shape).astype(p.dtype)
        return (x, x.T.copy().T, x[..., ::-1] if x.ndim else x)[self.rng.integers(3)]

    def rate(self) -> Any:
        lr = float(self.rng.uniform(0.01, 0.2))
        return tn.schedules.Cosine(lr, 30, lr / 4) if self.rng.random() < 0.3 else lr


def trial(rng: numpy.random.Generator, folder: Path) -> None:
    machine = Machine(rng, folder)
    for _ in range(40):
        machine.act()
