"""The pretended CuPy is as strict as CuPy 14.2: each fact here is one of the real one.

Where there is a GPU, the same tests run on the real one, and show whether these are still facts.
"""

from __future__ import annotations

import json
import math
import operator
import sys

import numpy
import pytest

import tinynet as tn
from tests import strict_cupy
from tests.strict_cupy import counts

N = numpy.ones((2, 3), "f")


@pytest.fixture
def cupy(request):
    """The real one where it works, otherwise the pretended one."""
    if not tn.gpu_available():
        request.getfixturevalue("pretended_gpu")
    return sys.modules["cupy"]


@pytest.fixture
def a(cupy):
    return cupy.asarray(numpy.arange(6, dtype="f").reshape(2, 3))


def into(target, index, value):
    target[index] = value


REFUSED = {  # TypeError, unless there is another one
    "array + NumPy's": lambda c, a: a + N,
    "NumPy's + array": lambda c, a: N + a,
    "array += NumPy's": lambda c, a: operator.iadd(a, N),
    "array + list": lambda c, a: operator.add(a, [1, 2, 3]),
    "a function of a list": lambda c, a: c.add(a, [1, 2, 3]),
    "a function of NumPy's": lambda c, a: c.maximum(a, N),
    "numpy.asarray": lambda c, a: numpy.asarray(a),
    "numpy.array": lambda c, a: numpy.array(a),
    "stacked with NumPy's": lambda c, a: c.concatenate([a, N]),
    "max from an initial value": lambda c, a: a.max(initial=0),
    "sum where": lambda c, a: a.sum(where=a > 1),
    "float of many": lambda c, a: float(a),
    "the length of a number": lambda c, a: len(a.sum()),
    "as a key": lambda c, a: hash(a),
    "into JSON": lambda c, a: json.dumps(a[0, 0]),
    "all = NumPy's": (lambda c, a: into(a, slice(None), N), ValueError),
    "a row = list": (lambda c, a: into(a, 0, [1, 2, 3]), ValueError),
    "bool of many": (lambda c, a: bool(a), ValueError),
    "a number out of range": (lambda c, a: a[7], IndexError),
    "where of a list": (lambda c, a: c.where([True, False, True], a, 0), AttributeError),
    "flags.writeable": (lambda c, a: a.flags.writeable, AttributeError),
    "a function's module": (lambda c, a: c.tanh.__module__, AttributeError),
    "errstate": (lambda c, a: c.errstate, AttributeError),
    "no such function": (lambda c, a: c.matvec, AttributeError),
    "no such method": (lambda c, a: a.no_such_method, AttributeError),
    "multiply.at": (lambda c, a: c.multiply.at(a, (0,), a[0]), NotImplementedError),
}


@pytest.mark.parametrize("name", REFUSED)
def test_it_refuses(name, cupy, a):
    case = REFUSED[name]
    call, error = case if isinstance(case, tuple) else (case, TypeError)
    with pytest.raises(error):
        call(cupy, a)


GIVEN = {  # as nested lists, with the dtype
    "an element": (lambda c, a: a[0, 1], 1, "f"),
    "a sum": (lambda c, a: a.sum(), 15, "f"),
    "a NumPy number times": (lambda c, a: numpy.float32(2) * a[0], [0, 2, 4], "f"),
    "a Python number times": (lambda c, a: 2.0 * a[0], [0, 2, 4], "f"),
    "a strong number times": (lambda c, a: a[0] * numpy.float64(2), [0, 2, 4], "d"),
    "NumPy's function": (lambda c, a: numpy.add(a[0], a[0]), [0, 2, 4], "f"),
    "chosen by a NumPy mask": (lambda c, a: a[N > 0], [0, 1, 2, 3, 4, 5], "f"),
    "chosen by a list": (lambda c, a: a[[1, 1]], [[3, 4, 5], [3, 4, 5]], "f"),
    "an index that wraps": (lambda c, a: a[c.asarray([3, -3])], [[3, 4, 5], [3, 4, 5]], "f"),
    "a list that wraps": (lambda c, a: a[:, [4]], [[1], [4]], "f"),
    "where": (lambda c, a: c.where(a > 4, a, -math.inf)[1, 2], 5, "f"),
    "whole numbers to -1": (lambda c, a: c.arange(1, 4) ** -1, [1, 0, 0], "q"),
    "the places of trues": (lambda c, a: (a > 4).nonzero()[1], [2], "q"),
    "along an axis": (lambda c, a: a.max(axis=1), [2, 5], "f"),
    "float16 summed": (lambda c, a: c.ones(3, "e").sum(), 3, "e"),
    "a list of numbers on it": (lambda c, a: c.asarray([a[0, 0], a[0, 1]]), [0, 1], "f"),
}


@pytest.mark.parametrize("name", GIVEN)
def test_it_gives(name, cupy, a):
    call, expected, dtype = GIVEN[name]
    found = call(cupy, a)
    assert type(found) is cupy.ndarray  # never a scalar
    assert found.dtype == dtype
    assert found.get().tolist() == expected


def test_results_are_in_c_order_and_copies_are_copies(cupy, a):
    assert (a.T + 1).flags.c_contiguous or (a.T + 1).flags.f_contiguous
    assert a.T.copy().flags.c_contiguous
    b = cupy.array(a)
    b[:] = 7
    assert a.get().tolist() == [[0, 1, 2], [3, 4, 5]]
    assert cupy.asarray(a) is a


def test_views_share_their_memory(cupy, a):
    a[0].reshape(3, 1)[:] = 9
    assert a.get().tolist() == [[9, 9, 9], [3, 4, 5]]
    assert a[1:].base is not None and a.base is None


def test_a_number_of_it_becomes_one_of_python(cupy, a):
    assert (float(a[0, 1]), int(a[1, 0]), a[1, 1].item()) == (1.0, 3, 4.0)
    assert f"{a[0, 1]:.2f}" == "1.00" and a[0].tolist() == [0, 1, 2]
    assert bool((a > 4).any()) and not (a > 5).any()


# -- what it counts --------------------------------------------------------------------------------

COSTS = {  # launches, waits, copies to the host, to the device
    "a sum of two": (lambda c, a: a + a, (1, 0, 0, 0)),
    "in place": (lambda c, a: operator.iadd(a, 1), (1, 0, 0, 0)),
    "into an array": (lambda c, a: c.exp(a, out=a), (1, 0, 0, 0)),
    "a product": (lambda c, a: a @ a.T, (1, 0, 0, 0)),
    "views": (lambda c, a: a[0].reshape(3, 1).T, (0, 0, 0, 0)),
    "a reshape that copies": (lambda c, a: a.T.reshape(6), (1, 0, 0, 0)),
    "memory": (lambda c, a: c.empty((2, 3)), (0, 0, 0, 0)),
    "zeros": (lambda c, a: c.zeros((2, 3)), (1, 0, 0, 0)),
    "rows chosen": (lambda c, a: a[c.arange(1)], (2, 0, 0, 0)),
    "filled": (lambda c, a: into(a, 0, 1), (1, 0, 0, 0)),
    "a number read": (lambda c, a: a[0, 0].item(), (0, 1, 0, 0)),
    "a decision": (lambda c, a: bool(a[0, 0]), (0, 1, 0, 0)),
    "fetched": (lambda c, a: a.get(), (0, 1, 1, 0)),
    "sent": (lambda c, a: c.asarray(N), (0, 0, 0, 1)),
    "chosen by a mask": (lambda c, a: a[a > 2], (2, 1, 0, 0)),
    "chosen by a list": (lambda c, a: a[[0]], (1, 0, 0, 1)),
    "windows": (
        lambda c, a: c.lib.stride_tricks.sliding_window_view(a, (1, 2), axis=(0, 1)),
        (2, 2, 0, 1),
    ),
}


@pytest.mark.parametrize("name", COSTS)
def test_it_counts(name, pretended_gpu):
    call, expected = COSTS[name]
    a = pretended_gpu.asarray(numpy.arange(6, dtype="f").reshape(2, 3))
    counts.clear()
    call(pretended_gpu, a)
    kinds = ("launches", "waits", "to the host", "to the device")
    assert tuple(counts[kind] for kind in kinds) == expected
    assert set(counts) <= set(kinds)


def test_it_has_no_names_but_those_of_cupy(cupy):
    real = cupy if not isinstance(cupy, strict_cupy.StrictCupy) else None
    names = strict_cupy.NAMES
    assert {"exp", "where", "matmul"} <= set(names["cupy"]) and "errstate" not in names["cupy"]
    if real:
        assert set(names["cupy"]) <= set(dir(real))
