"""Convolution by tiles: the numbers of one piece, and columns that never fill the memory."""

from __future__ import annotations

import tracemalloc

import numpy
import pytest

import tinynet as tn
from tinynet.ops import convolution


def with_gradients(x, w, dy, **settings):
    x, w = (tn.Tensor(a, requires_grad=True) for a in (x, w))
    y = tn.conv2d(x, w, **settings)
    y.backward(dy)
    return y.data, x.grad, w.grad


@pytest.mark.parametrize("settings", [{}, {"stride": 2, "padding": "same"}], ids=["plain", "same"])
@pytest.mark.parametrize("pictures", [1, 2, 5])  # a tile each; two tiles, the last one shorter
def test_tiles_give_what_one_piece_gives(pictures, settings, rng, monkeypatch):
    x = rng.standard_normal((5, 7, 6, 3))
    w = rng.standard_normal((3, 2, 3, 4))
    dy = rng.standard_normal(tn.conv2d(x, w, **settings).shape)
    monkeypatch.setattr(convolution, "TILE", 2**30)
    whole = with_gradients(x, w, dy, **settings)
    columns = dy[0].size // 4 * 3 * 2 * 3 * 8  # bytes a picture
    monkeypatch.setattr(convolution, "TILE", pictures * columns)
    for a, b in zip(with_gradients(x, w, dy, **settings), whole, strict=True):
        numpy.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)


def test_the_columns_of_a_large_batch_are_never_there_all_at_once(rng):
    x = rng.standard_normal((64, 32, 32, 16), dtype=numpy.float32)
    w = rng.standard_normal((5, 5, 16, 4), dtype=numpy.float32)
    columns = 64 * 28 * 28 * 5 * 5 * 16 * 4  # bytes: 80 MB
    tracemalloc.start()
    try:
        with_gradients(x, w, numpy.ones((64, 28, 28, 4), numpy.float32))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < columns / 3
