"""The same bits for any number of threads, of ours and of BLAS, and in any thread that asks."""

from __future__ import annotations

import ast
import functools
import math
import operator
import zlib
from pathlib import Path

import numpy
import pytest
import threadpoolctl

import tinynet as tn
from tests.ops.operations import ROWS
from tinynet.devices import cpu

from .test_threads import in_worker

pytestmark = pytest.mark.fast_form

LARGE = [
    (operator.matmul, (200, 300), (300, 400)),
    (operator.matmul, (6, 150, 120), (6, 120, 130)),  # stacks
    (operator.matmul, (6, 150, 120), (120, 130)),
    (operator.matmul, (3, 40, 50), (3, 50, 60)),  # too small to be shared
    (operator.matmul, (2, 1, 160, 300), (2, 300, 260)),  # so large that each is cut
    (operator.matmul, (3000,), (3000, 2000)),  # vectors
    (operator.matmul, (2000, 3000), (3000,)),
    (operator.matmul, (2, 500, 1000), (1000,)),
    (operator.matmul, (1000,), (2, 1000, 500)),
    (operator.matmul, (60_000,), (60_000,)),
    (tn.linear, (100, 2000), (2000, 300), (300,)),
    (operator.add, (200, 300), (300,)),
]
KERNELS = [
    (cpu.column_sums, (9, 100_000)),
    (cpu.column_sums, (100_000, 9)),
    (cpu.column_sums, (3000, 3000)),
    (cpu.column_sums, (16, 150_001)),
    (cpu.moments, (16, 150_001)),
]


@functools.cache
def numbers():
    return numpy.random.default_rng(0).standard_normal(9_000_000)


def drawn(*shape, dtype="f4"):
    return numbers()[: math.prod(shape)].reshape(shape).astype(dtype)


def computed(f, arrays):
    """The value of f and the gradients of its floating inputs."""
    inputs = [tn.Tensor(a, requires_grad=a.dtype.kind == "f") for a in arrays]
    y = f(*inputs)
    y.backward(drawn(*y.shape, dtype=y.dtype))
    return [y.data, *(x.grad for x in inputs if x.requires_grad)]


def table():
    """Of every row of the table its name, and what it gives in float32."""
    for row in ROWS:
        arrays = row.draw(numpy.random.default_rng(0))
        arrays = [a.astype("f4") if a.dtype.kind == "f" else a for a in arrays]
        yield row.id, computed(row.f, arrays)


def large():
    """The same of operations on large arrays, and of two steps of a training."""
    yield "training", training()
    for dtype in ("f4", "f8"):
        for f, *shapes in LARGE:
            arrays = [drawn(*shape, dtype=dtype) for shape in shapes]
            yield f"{f.__name__} {shapes} {dtype}", computed(f, arrays)
        for f, shape in KERNELS:
            yield f"{f.__name__} {shape} {dtype}", [numpy.array(f(drawn(*shape, dtype=dtype)))]


def training():
    """An attention, a batch normalization, and a vector of weights that pools."""
    x, target = tn.Tensor(drawn(8, 128, 96)), drawn(8, 96)
    shapes = [(96, 96), (96, 96), (96,), (96,), (128,)]
    weights = [tn.Tensor(drawn(*shape) / 10, requires_grad=True) for shape in shapes]
    w, v, scale, shift, pool = weights
    optimizer = tn.optim.Adam(weights, clip_norm=1.0)
    for _ in range(2):
        optimizer.zero_grad()
        y = tn.softmax(x @ w @ (x @ v).transpose((0, 2, 1))) @ x
        y = tn.batch_norm(y, scale, shift, training=True).transpose((0, 2, 1)) @ pool
        tn.mse(y, target).backward()
        optimizer.step()
    return [y.data, *(w.data for w in weights), *(w.grad for w in weights)]


def bits(work, count, blas):
    """A checksum of each array that comes out by so many threads, by name."""
    with threadpoolctl.threadpool_limits(blas, "blas"):
        tn.set_threads(count)
        try:
            return {
                name: [zlib.crc32(numpy.ascontiguousarray(a)) for a in arrays]
                for name, arrays in work()
            }
        finally:
            tn.set_threads(None)


def assert_same(alone, found):
    assert [name for name in alone if found[name] != alone[name]] == []


@pytest.fixture(scope="module")
def alone():
    return bits(large, 1, 1)


@pytest.mark.parametrize("call", [lambda f, *given: f(*given), in_worker], ids=["main", "worker"])
@pytest.mark.parametrize("blas", [1, 2])
@pytest.mark.parametrize("count", [1, 2, 4, 8])
def test_large_arrays_give_the_same_bits(count, blas, call, alone):
    assert_same(alone, call(bits, large, count, blas))


def test_every_operation_gives_the_same_bits_in_many_parts(small_parts):
    alone = bits(table, 1, 1)
    for count in (1, 2, 4, 8):
        assert_same(alone, bits(table, count, 2))
        assert_same(alone, in_worker(bits, table, count, 2))


def test_no_product_passes_the_kernels_by():
    """Outside devices/, which limits BLAS.  The products of the drawn digits are small."""
    limited = (
        "data/drawn/digits.py",
        "metrics/distributions.py",  # this one and the next limit it themselves
        "layers/init.py",
    )
    house = Path(tn.__file__).parent
    direct = {"dot", "vdot", "inner", "outer", "matmul", "tensordot", "einsum", "linalg"}
    found = []
    for path in house.rglob("*.py"):
        name = path.relative_to(house).as_posix()
        if not name.startswith("devices/") and name not in limited:
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                of_numpy = getattr(getattr(node, "value", None), "id", "") == "numpy"
                if isinstance(node, ast.BinOp | ast.AugAssign):
                    naked = isinstance(node.op, ast.MatMult)
                else:
                    naked = of_numpy and getattr(node, "attr", "") in direct
                if naked:
                    found.append(f"{name}:{node.lineno}")
    assert found == []
