"""Convolution by tiles: the numbers of one piece, and columns that never fill the memory."""

from __future__ import annotations

import math
import tracemalloc

import numpy
import pytest

import tinynet as tn
from tinynet.ops import convolution


def with_gradients(x, w, dy, f=tn.conv2d, **settings):
    x, w = (tn.Tensor(a, requires_grad=True) for a in (x, w))
    y = f(x, w, **settings)
    y.backward(dy)
    return y.data, x.grad, w.grad


@pytest.mark.parametrize("f", [tn.conv2d, tn.conv2d_transpose], ids=["conv2d", "transpose"])
@pytest.mark.parametrize("settings", [{}, {"stride": 2, "padding": "same"}], ids=["plain", "same"])
@pytest.mark.parametrize("pictures", [1, 2, 5])  # a tile each; two tiles, the last one shorter
def test_tiles_give_what_one_piece_gives(pictures, settings, f, rng, monkeypatch):
    small, large = (5, 3, 3, 4), (5, 7, 6, 3)  # the columns are of the larger pictures
    x = rng.standard_normal(large if f is tn.conv2d else small)
    w = rng.standard_normal((3, 2, 3, 4))
    dy = rng.standard_normal(f(x, w, **settings).shape)
    monkeypatch.setattr(convolution, "TILE", 2**30)
    whole = with_gradients(x, w, dy, f, **settings)
    places = math.prod((dy if f is tn.conv2d else x).shape[1:3])
    monkeypatch.setattr(convolution, "TILE", pictures * places * 3 * 2 * 3 * 8)  # bytes
    for a, b in zip(with_gradients(x, w, dy, f, **settings), whole, strict=True):
        numpy.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("f", [tn.conv2d, tn.conv2d_transpose], ids=["conv2d", "transpose"])
def test_the_columns_of_a_large_batch_are_never_there_all_at_once(f, rng):
    x, dy = (
        rng.standard_normal(shape, dtype=numpy.float32)
        for shape in ((64, 32, 32, 16), (64, 28, 28, 4))
    )
    if f is tn.conv2d_transpose:
        x, dy = dy, x
    w = rng.standard_normal((5, 5, 16, 4), dtype=numpy.float32)
    columns = 64 * 28 * 28 * 5 * 5 * 16 * 4  # bytes: 80 MB
    tracemalloc.start()
    try:
        with_gradients(x, w, dy, f)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < columns / 3
