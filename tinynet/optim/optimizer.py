"""The base of all optimizers: parameters, learning rate, clipping, weight decay and state.

An optimizer reads the gradients and changes the parameters, and never changes a gradient.  A rule
(rules.py) sees both in pieces that fit in the cache, and makes a few passes over each piece.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy

from ..devices import Array, capture, check, device_of, move, on_gpu, xp
from ..engine.record import numbers
from ..engine.tensor import Tensor
from ..io.state import State, match, own_hash
from ..messages.arguments import AT_LEAST_0, BELOW_1, POSITIVE, Range, is_number, number, whole
from ..messages.mistakes import warn
from ..messages.names import Exact, missing
from ..messages.words import OF_OPTIMIZERS
from .flat import Flat, flat_groups
from .parameters import global_norm, norm_on_gpu, refuse_shared_memory, trainable

Schedule = Callable[[int], float]  # the number of the step, from 0 -> its rate

_RANGES: dict[str, Range] = {
    "lr": POSITIVE,
    "momentum": BELOW_1,
    "rho": BELOW_1,
    "beta_1": BELOW_1,
    "beta_2": BELOW_1,
    "epsilon": POSITIVE,
    "weight_decay": AT_LEAST_0,
    "clip_norm": POSITIVE,
}


def setting(name: str) -> Any:
    """A setting, to read only.  (lr can be set: no slot depends on it.)"""
    return property(lambda self: self._settings[name])


def _text(schedule: Schedule) -> str:
    """A schedule as a state has it."""
    return re.sub(r" at 0x\w+", "", repr(schedule)) + own_hash(schedule)


class _Layout(NamedTuple):
    """Where the numbers of all parameters and slots are."""

    flats: list[Flat]
    places: list[tuple[Tensor, Array]]  # each parameter with its part of a flat array
    slots: list[list[Array]]  # of each parameter, in their order


class Optimizer(Exact):
    """The base of all optimizers: a rule derives from it and writes `_update`.

    parameters: tensors that require a gradient; each once.
    lr: the rate, a positive number, or a schedule: step number, from 0 -> rate, at least 0.
    weight_decay: at least 0.  weight_decay * parameter is added to the gradient (not in AdamW).
    clip_norm: the largest global norm that the gradients may have; above it, all are scaled down
        by one factor (Pascanu et al. 2013), before weight decay.  None: no limit.
    """

    _one_kernel = False  # whether the rule's arithmetic is one of the kernels
    _slot_names: tuple[str, ...] = ()  # the arrays that a rule keeps for each parameter
    _decoupled = False  # whether weight decay shrinks the parameter itself

    weight_decay = setting("weight_decay")
    clip_norm = setting("clip_norm")

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: float | Schedule,
        *,
        weight_decay: float = 0.0,
        clip_norm: float | None = None,
        **settings: Any,
    ) -> None:
        found = trainable(type(self).__name__, parameters)
        refuse_shared_memory(type(self).__name__, found)
        self._parameters = tuple(found)
        self.steps = 0
        self.lr = lr
        settings |= {"weight_decay": weight_decay, "clip_norm": clip_norm}
        self._settings = {name: self._checked(name, value) for name, value in settings.items()}
        self._lay_out(
            [
                [xp(p.data).zeros(p.shape, p.dtype) for _ in self._slot_names]
                for p in self.parameters
            ]
        )

    def __repr__(self) -> str:
        settings = {"lr": self._lr} | {k: v for k, v in self._settings.items() if v is not None}
        text = ", ".join(f"{name}={value!r}" for name, value in settings.items())
        return f"{type(self).__name__}({len(self.parameters)} parameters, {text})"

    if not TYPE_CHECKING:  # type checkers know the names

        def __getattr__(self, name: str) -> Any:
            """What to write in the place of optimizer.param_groups, and of a misspelt name."""
            if hasattr(type(self), name):  # a property, in which something else is missing
                return object.__getattribute__(self, name)
            raise missing(type(self).__name__, name, dir(type(self)), OF_OPTIMIZERS)

    @property
    def parameters(self) -> tuple[Tensor, ...]:
        """The parameters that it moves.  For others, make another optimizer."""
        return self._parameters

    @property
    def lr(self) -> float:
        """The learning rate of the next step.  Set it to a number or to a schedule."""
        return self._rate(self._lr)

    @lr.setter
    def lr(self, lr: float | Schedule) -> None:
        lr = lr if callable(lr) else self._checked("lr", lr)
        self._rate(lr)  # so a schedule with a wrong rate is an error at once
        self._lr: Any = lr

    def _rate(self, lr: Any) -> float:
        if not callable(lr):
            return lr
        rate = lr(self.steps)
        if not is_number(rate) or not AT_LEAST_0.allows(rate):
            raise ValueError(
                f"{type(self).__name__}: lr must be at least 0 and finite, and the schedule gives "
                f"{rate!r} for step {self.steps}. Correct the schedule."
            )
        return float(rate)

    def zero_grad(self) -> None:
        """Delete the gradients, before the next backward() adds its own."""
        for p in self.parameters:
            p.grad = None

    def step(self) -> None:
        """Update every parameter that has a gradient, in place.  The others keep their values.

        RuntimeError if no parameter has a gradient.  ValueError where a parameter or its gradient
        has changed its shape, dtype or device.  FloatingPointError where clip_norm finds NaN or
        infinity (without clip_norm they are not looked for).  After an error, no parameter has
        changed; on a GPU, where NaN is found later, the steps up to then have been made.
        """
        if capture.state.recording:
            return self._leave_to_replays()
        moving, intact, doubtful = False, True, None
        for p, view in self._layout.places:
            w, dw = p.data, p.grad
            if dw is None:
                continue
            moving = True
            if p._inferred_by or p._spent == "kept":
                doubtful = p
            if w is not view:  # somebody wrote p.data = ...
                intact = False
                if w.shape != view.shape or w.dtype != view.dtype:
                    raise self._misfit(p, view)
            if dw.shape != w.shape or dw.dtype != w.dtype:
                raise self._misfit(p, view)
            if type(dw) is not type(w) and device_of(dw) != device_of(w):
                raise self._misfit(p, view)
        if not moving:
            raise RuntimeError(
                f"{type(self).__name__}: no parameter has a gradient. Call loss.backward() before "
                "step(), with a loss that is computed from these parameters."
            )
        if not intact:
            self._lay_out(self._layout.slots)
        if doubtful is not None:
            self._tell(doubtful)
        rule = functools.partial(self._move_piece, self.lr, self._scale())
        for flat in self._layout.flats:
            flat.move(rule, self._one_kernel)
        for p, _ in self._layout.places:  # what was computed from it is out of date
            if p.grad is not None:
                p._order, p._spent = next(numbers), True
        object.__setattr__(self, "steps", self.steps + 1)  # not by way of Exact, which checks

    def _leave_to_replays(self) -> None:
        """Step in each replay of the step that is captured, outside the graph: rates change."""
        for p in self.parameters:
            if p.device != "gpu":
                raise RuntimeError(f"{type(self).__name__} moves {p.label}, which is on the CPU")
        gradients = [p.grad for p in self.parameters]

        def replayed() -> None:
            for p, dw in zip(self.parameters, gradients, strict=True):
                p.grad, p._spent = dw, False
            self.step()

        capture.state.recording.between(replayed)
        for p in self.parameters:
            p._spent = p.grad is not None  # as after a step

    def _tell(self, p: Tensor) -> None:
        """Warn of a gradient that is hardly meant."""
        if p._inferred_by:
            warn(
                f"{p._inferred_by}: it is trained in inference mode. Call model.train() before the "
                "loop, or write model(x, training=False) where you mean it."
            )
        if p._spent == "kept":
            warn(
                f"{type(self).__name__}: the gradients still hold those of the last step(). Call "
                "optimizer.zero_grad() before each backward()."
            )

    def _lay_out(self, slots: list[list[Array]]) -> None:
        """Copy parameters and slots into flat arrays, on the device of the parameters.

        After an error or Ctrl-C on the way, the next step() lays them out again.
        """
        layout = _Layout([], [], [[] for _ in self.parameters])
        for group in flat_groups(self.parameters):
            parameters = [self.parameters[i] for i in group]
            device = parameters[0].device
            flat = Flat(parameters, [[move(slot, device) for slot in slots[i]] for i in group])
            layout.flats.append(flat)
            layout.places.extend(zip(parameters, flat.views, strict=True))
            for i, views in zip(group, flat.slot_views, strict=True):
                layout.slots[i] = views
        self._layout = layout
        for p, view in layout.places:
            p.data = view

    def _move_piece(
        self, lr: float, scale: Any, w: Array, dw: Array, slots: list[Array], a: Array, b: Array
    ) -> None:
        """Clip, decay and apply the rule.  All arrays have one shape; a, b are scratch."""
        decay = self._settings["weight_decay"]
        if type(scale) is not float or scale != 1.0:
            dw = xp(w).multiply(dw, scale, out=a)
        if decay and self._decoupled:
            w *= 1 - lr * decay
        elif decay:
            xp(w).multiply(w, decay, out=b)
            b += dw
            dw, b = b, a
        self._update(w, dw, slots, b, lr)

    def _update(self, w: Array, dw: Array, slots: list[Array], scratch: Array, lr: float) -> None:
        """The rule: change w and the slots in place, and only read dw.  All have one shape."""
        raise NotImplementedError(f"{type(self).__name__}: the rule is missing. Write _update.")

    # -- its state ------------------------------------------------------------------------------

    def state_dict(self) -> State:
        """The kind, the settings, the number of steps and the slots: all that a resumed run needs.

        Slots are copies on the host, named by the index of the parameter: "0.velocity".  A schedule
        is saved as its repr, since its only state is the step; loading compares the two texts.
        """
        slots = {
            f"{i}.{name}": numpy.array(move(slot, "cpu"))
            for i, kept in enumerate(self._layout.slots)
            for name, slot in zip(self._slot_names, kept, strict=True)
        }
        return {
            "kind": type(self).__name__,
            "lr": _text(self._lr) if callable(self._lr) else self._lr,
            "steps": self.steps,
            "settings": dict(self._settings),
            "slots": slots,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue where another optimizer of the same kind and settings stopped, to the same bits.

        TypeError if it is no state, ValueError that names every difference; then nothing has
        changed.  If you changed lr by hand during the first run, set it again before loading.
        """
        where = f"{type(self).__name__}.load_state_dict"
        own = self.state_dict()
        if not isinstance(state, Mapping):
            raise TypeError(
                f"{where}: state is {type(state).__name__}. Give what state_dict() returned."
            )
        if state.keys() != own.keys():
            raise ValueError(
                f"{where}: state must hold {', '.join(own)}, and holds "
                f"{', '.join(map(str, state)) or 'nothing'}. Give what state_dict() returned."
            )
        slots, steps = state["slots"], state["steps"]
        if not isinstance(state["settings"], Mapping) or not isinstance(slots, Mapping):
            raise ValueError(
                f"{where}: settings and slots must be dictionaries. The state is broken."
            )
        if not all(isinstance(slot, numpy.ndarray) for slot in slots.values()):
            raise ValueError(f"{where}: slots must be NumPy arrays. The state is broken.")
        steps = whole(where, "steps", steps, least=0)
        here, there = ({"kind": s["kind"], "lr": s["lr"], **s["settings"]} for s in (own, state))
        lines = [
            f"{name} is {here.get(name)!r} here, and {there.get(name)!r} in what is loaded"
            for name in here | there
            if numpy.ndim(there.get(name, 0)) or here.get(name) != there.get(name)
        ]
        if lines:
            raise ValueError(
                f"{where}: the state is of another optimizer:\n  "
                + "\n  ".join(lines)
                + "\nNothing was loaded. Build it as it was when it was saved."
            )
        match(where, own["slots"], slots)
        self._lay_out(
            [
                [move(slots[f"{i}.{name}"], p.device) for name in self._slot_names]
                for i, p in enumerate(self.parameters)
            ]
        )
        self.steps = steps

    # -- checks ----------------------------------------------------------------------------------

    def _checked(self, name: str, value: Any) -> Any:
        if name == "clip_norm" and value is None:
            return None
        return number(type(self).__name__, name, value, _RANGES[name])

    def _misfit(self, p: Tensor, view: Array) -> ValueError:
        """The error for a parameter or gradient whose shape, dtype or device has changed."""
        i = next(i for i, other in enumerate(self.parameters) if other is p)
        where = f"{type(self).__name__}: parameter {i}, {p.label},"
        w: Array = p.data
        dw: Any = p.grad
        if w.shape != view.shape or w.dtype != view.dtype:
            return ValueError(
                f"{where} was {view.shape} {view.dtype} when the optimizer was made, and is now "
                f"{w.shape} {w.dtype}. Change it before, or make the optimizer again."
            )
        if numpy.shape(dw) != w.shape or dw.dtype != w.dtype:
            return ValueError(
                f"{where} is {w.shape} {w.dtype}, and its gradient {numpy.shape(dw)} {dw.dtype}. "
                "Leave .grad to backward()."
            )
        return ValueError(
            f"{where} is on {device_of(w)}, and its gradient on {device_of(dw)}. Call zero_grad() "
            "and backward() after a move."
        )

    def _scale(self) -> Any:
        """The factor that brings the gradients' global norm down to clip_norm; 1 if it is below."""
        limit = self._settings["clip_norm"]
        if limit is None:
            return 1.0
        moving = [p for p in self.parameters if p.grad is not None]
        if moving and all(on_gpu(p.grad) for p in moving):
            return self._scale_on_gpu(limit, moving)
        norm = global_norm(self.parameters)
        if not math.isfinite(norm):
            faulty = (
                f"parameter {i}, {p.label},"
                for i, p in enumerate(self.parameters)
                if p.grad is not None and not xp(p.grad).isfinite(p.grad).all()
            )
            raise FloatingPointError(
                f"{type(self).__name__}: the gradients have norm {norm}, and clip_norm cannot mend "
                f"that: the gradient of {next(faulty, 'all parameters')} is not finite. Find out "
                "where it comes from with tn.doctor()."
            )
        return limit / norm if norm > limit else 1.0

    def _scale_on_gpu(self, limit: float, moving: list[Tensor]) -> Array:
        """The same number, which stays there; what the check found is told later."""
        norm = norm_on_gpu([p.grad for p in moving])
        text = (
            "a gradient was not finite, and clip_norm cannot mend that. Find out where it comes "
            "from with tn.doctor()."
        )
        check(type(self).__name__, xp(norm).isfinite(norm), lambda facts: FloatingPointError(text))
        return xp(norm).minimum(limit / norm, 1).astype(moving[0].dtype)
