"""Random graphs of the public operations: gradients against central differences.

The operations are the rows of tests/ops/operations.py.  Each input of a row is a new leaf, or what
an earlier step gave, brought to the shape and the range that the row needs.  The result of the
graph is all results that no step uses, one behind the other.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy

import tinynet as tn

from ..ops.operations import ROWS, Row
from .trials import Skipped

# Equal numbers are common here, and where their deviation is 0 it has no slope.
SMOOTH = [row for row in ROWS if row.operation != "std"]
WIDE, NARROW = 2e-5, 5e-6  # the steps of the differences
TOLERANCE = 1e-6  # relative to the sum of what is added up


class Node(NamedTuple):
    f: Callable[..., tn.Tensor] | None  # None: a leaf
    inputs: tuple[int, ...]
    cut: bool  # whether no gradient flows through
    value: numpy.ndarray


class Graph:
    """Nodes in the order in which they are computed."""

    def __init__(self, rng: numpy.random.Generator) -> None:
        self.rng = rng
        self.nodes: list[Node] = []
        for _ in range(rng.integers(1, 13)):
            self._add_row(SMOOTH[rng.integers(len(SMOOTH))])
        used = {i for node in self.nodes for i in node.inputs}
        ends = [i for i in range(len(self.nodes)) if i not in used]
        self._add(lambda *all: tn.concatenate([x.reshape(-1) for x in all]), *ends)

    def constants(self, cut: bool) -> dict[int, numpy.ndarray]:
        """The values of the leaves; with `cut`, also of the nodes that no gradient passes."""
        found = enumerate(self.nodes)
        return {i: node.value for i, node in found if node.f is None or (cut and node.cut)}

    def result(self, given: dict[int, tn.Tensor]) -> tn.Tensor:
        """The last node's tensor, computed from those that are given."""
        found: list[tn.Tensor] = []
        for i, (f, inputs, _, _) in enumerate(self.nodes):
            found.append(given[i] if i in given else f(*(found[j] for j in inputs)))
        return found[-1]

    def _add(self, f: Any, *inputs: int, value: Any = None, cut: bool = False) -> int:
        if f is not None:
            value = f(*(tn.Tensor(self.nodes[i].value) for i in inputs)).data
        assert value.dtype == numpy.float64 and numpy.isfinite(value).all()
        self.nodes.append(Node(f, inputs, cut, value))
        return len(self.nodes) - 1

    def _add_row(self, row: Row) -> None:
        drawn = row.draw(self.rng)
        inputs = [self._input(x, row.operation) for x in drawn if x.dtype.kind == "f"]
        pause = self.rng.random() < 0.08

        def f(*tensors: tn.Tensor) -> tn.Tensor:
            rest = iter(tensors)
            given = [next(rest) if x.dtype.kind == "f" else tn.Tensor(x) for x in drawn]
            if not pause:
                return row.f(*given)
            with tn.no_grad():
                return row.f(*given)

        y = self._add(f, *inputs, cut=pause)
        size = abs(self.nodes[y].value).max(initial=0)
        if size > 4:
            y = self._add(lambda x: x * (2 / size), y)
        if self.rng.random() < 0.08:
            self._add(lambda x: x.detach(), y, cut=True)

    def _input(self, like: numpy.ndarray, operation: str) -> int:
        """A node of that shape, with values in the range of those."""
        sources = [i for i, node in enumerate(self.nodes) if node.value.size]
        if not sources or self.rng.random() < 0.2:
            return self._add(None, value=like)
        x = self._shaped(int(self.rng.choice(sources)), like.shape)
        if like.min(initial=1) > 0:
            if like.max(initial=0) < 1:
                return self._add(lambda x: 0.1 + 0.8 * tn.sigmoid(x), x)
            return self._add(lambda x: tn.softplus(x) + 0.2, x)
        if operation in ("divide", "power") or self.rng.random() < 0.3:  # away from 0
            above = self.nodes[x].value > 0
            return self._add(lambda x: tn.where(above, x + 0.2, x - 0.2), x)
        return x

    def _shaped(self, i: int, shape: tuple[int, ...]) -> int:
        """The numbers of a node in that shape: all, repeated, or some of them."""
        value, size, rng = self.nodes[i].value, int(numpy.prod(shape)), self.rng
        if value.shape == shape and rng.random() < 0.7:
            return i
        places = rng.integers(value.size, size=size)
        times = -(-size // value.size)
        ways: list[Callable[[tn.Tensor], tn.Tensor]] = [
            lambda x: x.reshape(-1)[places].reshape(shape),
            lambda x: tn.flip(tn.concatenate([x] * times, 0).reshape(-1))[:size].reshape(shape),
            lambda x: x.T.reshape(-1)[:size].reshape(shape),
            lambda x: x * numpy.ones(shape),
        ]
        fits = [True, value.ndim and size, size <= value.size, broadcasts(value.shape, shape)]
        return self._add(ways[rng.choice(numpy.flatnonzero(fits))], i)


def broadcasts(shape: tuple[int, ...], to: tuple[int, ...]) -> bool:
    try:
        return numpy.broadcast_shapes(shape, to) == to
    except ValueError:
        return False


def trial(rng: numpy.random.Generator, folder: Path | None = None) -> None:
    graph = Graph(rng)
    leaves = {i: tn.Tensor(x, rng.random() < 0.85) for i, x in graph.constants(False).items()}
    y = graph.result(leaves)
    with tn.no_grad():
        assert graph.result(leaves).data.tobytes() == y.data.tobytes()
    dy = rng.normal(size=y.shape)
    found = []
    for _ in range(2):
        if y.requires_grad:
            y.backward(dy)
        found.append({i: x.grad for i, x in leaves.items()})
        y = graph.result(leaves)
    near_kinks = 0
    for i, x in leaves.items():
        dx, twice = (gradients[i] for gradients in found)
        assert x.requires_grad or dx is None
        if dx is not None:
            assert (dx.shape, dx.dtype) == (x.shape, x.dtype)
            assert numpy.array_equal(dx + dx, twice)  # the second walk adds the same
        if x.requires_grad:
            dx = numpy.zeros(x.shape) if dx is None else dx
            near_kinks += not agrees(graph, i, dx, dy, rng.normal(size=x.shape))
    if near_kinks:
        raise Skipped


def agrees(graph: Graph, i: int, dx: Any, dy: Any, direction: Any) -> bool:
    """Compare the slope of sum(dy * result) in that direction; False where a kink is near.

    At a kink the slopes to both sides differ by as much, however small the step is.
    """
    y = graph.nodes[-1].value

    def slopes(h: float) -> tuple[float, float]:
        """The central difference, and by how much the slope changes from side to side."""
        moved = []
        for step in (h, -h):
            constants = graph.constants(True)
            constants[i] = constants[i] + step * direction
            moved.append(graph.result({j: tn.Tensor(x) for j, x in constants.items()}).data)
        right, left = moved
        return dy @ (right - left) / (2 * h), dy @ (right - 2 * y + left) / h

    (wide, bend), (slope, smaller_bend) = slopes(WIDE), slopes(NARROW)
    ratio = WIDE / NARROW  # by which the bend of a smooth function shrinks
    jump = (ratio * smaller_bend - bend) / (ratio - 1)
    tolerance = TOLERANCE * (1 + abs(dx * direction).sum())
    if abs(wide - slope) > tolerance or abs(jump) > tolerance:
        return False
    got = float((dx * direction).sum())
    assert abs(got - slope) <= 5 * tolerance, f"leaf {i}: {got} and not {slope}"
    return True
