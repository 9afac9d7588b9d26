"""gradcheck: compares gradients with finite differences, in float64."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy

from ..devices import Array
from ..engine.record import paused
from ..engine.tensor import Tensor
from ..messages.arguments import generator

_STEP = 1e-5  # the error is about step^2 by curvature, and 1e-16 / step by rounding
_TOLERANCE = 1e-5
_HIDDEN = 1e-6  # a slope below 1e-6 * 1e-5 changes f by less than 1e-16 in a step


class GradientError(ArithmeticError):
    """A gradient is wrong.  `report` is the comparison, which the message shows as a table."""

    def __init__(self, report: GradcheckReport) -> None:
        super().__init__(f"gradcheck: a gradient is wrong.\n{report}")
        self.report = report


class Comparison(NamedTuple):
    """The largest relative error of one input, and its place."""

    name: str
    shape: tuple[int, ...]
    error: float
    where: tuple[int, ...]
    gradient: float  # there, by backward()
    difference: float  # there, by finite differences
    moved: int  # elements that were moved off a kink before the comparison


class GradcheckReport(NamedTuple):
    """The result of gradcheck, a row for each input.  Prints as a table."""

    rows: list[Comparison]
    tolerance: float

    @property
    def passed(self) -> bool:
        return all(row.error <= self.tolerance for row in self.rows)

    def __str__(self) -> str:
        head = ("argument", "shape", "largest error", "where", "gradient", "difference", "verdict")
        table = [head]
        for row in self.rows:
            verdict = "right" if row.error <= self.tolerance else "WRONG"
            if row.moved:
                verdict += f" ({row.moved} moved off kinks)"
            numbers = (f"{row.gradient:.6g}", f"{row.difference:.6g}")
            place = str(list(row.where)) if row.where else "-"
            shape = str(row.shape)
            table.append((row.name, shape, f"{row.error:.1e}", place, *numbers, verdict))
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        return "\n".join(
            "  ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)).rstrip()
            for line in table
        )


def gradcheck(
    f: Callable[..., Tensor],
    *inputs: Any,
    tolerance: float = _TOLERANCE,
    rng: numpy.random.Generator | None = None,
) -> GradcheckReport:
    """Compare every gradient of f with finite differences; raise GradientError if one is wrong.

    f: a function of tensors that returns a tensor: float64 for float64 inputs, and the same values
        each time.  For random operations, make the generator inside f.
    inputs: arrays, tensors, numbers or lists.  Floating inputs are converted to float64 and
        checked; integer and boolean arrays are passed on unchanged.
    tolerance: the largest error allowed, relative to the size of the gradient.
    rng: draws the upstream gradient; numpy.random.default_rng(0) unless given.

    The upstream gradient is random: an upstream gradient of ones misses errors in softmax and
    batch_norm, whose outputs sum to a constant.  At a kink of f (relu at 0, the maximum of equals)
    there is no derivative.  Elements at kinks are moved a little, and the report counts them.

    ValueError or TypeError where f cannot be checked: no floating input, a result that is not
    float64 or differs from call to call, kinks everywhere.
    """
    rng = numpy.random.default_rng(0) if rng is None else generator("gradcheck", rng)
    names = _names(f, len(inputs))
    values = [_as_float64(x) for x in inputs]
    checked = [i for i, x in enumerate(values) if x.dtype.kind == "f"]
    if not checked:
        raise ValueError("gradcheck: no input is floating, so there is no gradient to check.")

    y = _value(f, values)
    if not numpy.array_equal(y, _value(f, values), equal_nan=True):
        raise ValueError(
            "gradcheck: f gave two different results for the same inputs. Make its random "
            "generator inside f, so that each call draws the same numbers."
        )
    if not numpy.isfinite(y).all():
        raise ValueError("gradcheck: f is infinite or NaN here. Check it at other inputs.")
    dy = numpy.asarray(rng.uniform(0.5, 1.5, y.shape) * rng.choice([-1.0, 1.0], y.shape))

    moved = dict.fromkeys(checked, 0)
    for _ in range(8):
        differences, noise, kinks = {}, {}, {}
        for i in checked:
            differences[i], noise[i], kinks[i] = _differences(f, values, i, dy)
        if not any(mask.any() for mask in kinks.values()):
            break
        for i, mask in kinks.items():
            # by far more than the step, so that no kink is near
            values[i] += mask * rng.uniform(100, 1000, mask.shape) * _STEP
            moved[i] = max(moved[i], int(mask.sum()))
    else:
        raise ValueError("gradcheck: f has kinks wherever it is tried. Check it at other inputs.")

    tensors = [Tensor(x, requires_grad=i in checked) for i, x in enumerate(values)]
    if paused.get():
        raise RuntimeError("gradcheck: called under no_grad, where there are no gradients.")
    result = f(*tensors)
    if result.requires_grad:
        result.backward(dy)
    rows = []
    for i in checked:
        gradient = tensors[i].grad
        gradient = numpy.zeros_like(values[i]) if gradient is None else gradient
        rows.append(_compare(names[i], gradient, differences[i], noise[i] / tolerance, moved[i]))
    report = GradcheckReport(rows, tolerance)
    if not report.passed:
        raise GradientError(report)
    return report


def _compare(name: str, gradient: Array, difference: Array, floor: float, moved: int) -> Comparison:
    """The largest |gradient - difference|, relative to the difference.

    Small differences are mostly rounding noise, which is no error.  So an error is divided by at
    least 1% of the largest difference, and at least by the floor.  Where no difference is seen at
    all, f may still rise by what rounding hides, as log(1 + exp(-100)) does.
    """
    size = numpy.abs(difference)
    floor = floor if size.any() else numpy.maximum(floor, _HIDDEN)
    size = numpy.maximum(numpy.maximum(size, 0.01 * size.max(initial=0)), floor + 1e-300)
    errors = (
        numpy.where(numpy.isfinite(gradient), numpy.abs(gradient - difference), numpy.inf) / size
    )
    if not errors.size:
        return Comparison(name, gradient.shape, 0.0, (), 0.0, 0.0, moved)
    where = tuple(int(n) for n in numpy.unravel_index(errors.argmax(), errors.shape))
    return Comparison(
        name,
        gradient.shape,
        float(errors[where]),
        where,
        float(gradient[where]),
        float(difference[where]),
        moved,
    )


def _differences(
    f: Callable[..., Tensor], values: list[Array], i: int, dy: Array
) -> tuple[Array, Array, Array]:
    """Central differences of sum(f * dy) by each element of input i, their noise, and the kinks.

    The slopes to the left and to the right differ by curvature or by a kink.  The difference by
    curvature shrinks with the step; that by a kink does not.
    """
    x = values[i]
    middle = _value(f, values)
    difference, noise = numpy.zeros(x.shape), numpy.zeros(x.shape)
    kinks = numpy.zeros(x.shape, bool)

    def slopes(place: tuple[int, ...], h: float) -> tuple[float, float]:
        kept = x[place]
        ends = []
        for end in (kept - h, kept + h):
            x[place] = end
            with numpy.errstate(all="ignore"):  # an error below names values outside the domain
                ends.append(_value(f, values))
        x[place] = kept
        if not all(numpy.isfinite(end).all() for end in ends):
            raise ValueError(
                f"gradcheck: f is infinite or NaN within {h:.0e} of {kept:g}, element "
                f"{list(place)} of input {i}. Check it further inside its domain."
            )
        return ((middle - ends[0]) * dy).sum() / h, ((ends[1] - middle) * dy).sum() / h

    for place in numpy.ndindex(x.shape):
        h = _STEP * max(1.0, abs(x[place]))
        left, right = slopes(place, h)
        difference[place] = (left + right) / 2
        rounding = 4 * numpy.finfo(float).eps
        noise[place] = rounding * numpy.abs(middle).max(initial=0) / h  # of the values of f
        noise[place] += rounding * (abs(left) + abs(right)) / _STEP  # of the step
        jump = right - left
        if abs(jump) > 1e-3 * max(abs(left), abs(right)) + 10 * noise[place]:
            near_left, near_right = slopes(place, h / 10)
            kinks[place] = abs((near_right - near_left) - jump / 10) > abs(jump) / 20
            near = (near_left + near_right) / 2  # its error is 100 times smaller: subtract it
            difference[place] = near + (near - difference[place]) / 99
            noise[place] *= 10
    return difference, noise, kinks


def _value(f: Callable[..., Tensor], values: list[Array]) -> Array:
    y = f(*(Tensor(x) for x in values))
    if not isinstance(y, Tensor):
        raise TypeError(f"gradcheck: f returned {type(y).__name__}. It must return a Tensor.")
    if y.dtype != numpy.float64:
        raise TypeError(
            f"gradcheck: f returned {y.dtype} for float64 inputs. Let its constants be Python "
            "numbers, or arrays of the dtype of its inputs."
        )
    return y.data.copy()


def _as_float64(x: Any) -> Array:
    array = (x if isinstance(x, Tensor) else Tensor(x)).numpy()
    return array.astype(numpy.float64) if array.dtype.kind == "f" else array.copy()


def _names(f: Callable[..., Tensor], count: int) -> list[str]:
    by_place = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    try:
        names = [p.name for p in inspect.signature(f).parameters.values() if p.kind in by_place]
    except (ValueError, TypeError):  # no signature, for example a function of NumPy
        names = []
    return [names[i] if i < len(names) else f"input {i}" for i in range(count)]
