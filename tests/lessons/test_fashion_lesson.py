"""The lessons fashion and cifar: what they count and compute, against loops."""

from __future__ import annotations

import numpy
import pytest

from lessons import parts

FASHION, CIFAR = parts("fashion"), parts("cifar")


def test_the_networks_have_the_shapes_of_the_slide_and_of_the_text(rng):
    kinds = ("Conv2D", "MaxPooling2D", "Dense")
    shapes = [row.shape for row in FASHION.model(rng).rows() if row.kind in kinds]
    assert shapes == [(26, 26, 32), (24, 24, 64), (12, 12, 64), (128,), (10,)]
    rows = CIFAR.model(rng).rows()
    assert sum(row.kind == "Conv2D" for row in rows) == 4
    assert [row.shape for row in rows][-3:] == [(2048,), (2048,), (10,)]


def counted(said, truth, groups):
    """All mistakes, and those within a group, one by one"""
    mistakes = [(s, t) for s, t in zip(said, truth, strict=True) if s != t]
    return len(mistakes), sum(any(s in g and t in g for g in groups) for s, t in mistakes)


def test_mistakes_within_groups_are_counted(rng):
    said, truth = rng.integers(10, size=(2, 300))
    groups = [[0, 8, 1], [2, 3, 4, 5, 6]]
    wrong, inside = counted(said, truth, groups)
    assert CIFAR.within(said, truth, groups) == pytest.approx(inside / wrong)
    wrong, inside = counted(said, truth, groups[:1])
    assert FASHION.within(said, truth, groups[0]) == pytest.approx(inside / wrong)
    assert FASHION.merged(said, truth, groups[0]) == pytest.approx(1 - (wrong - inside) / 300)


def test_small_pictures_are_means_of_blocks(rng):
    pictures = rng.random((2, 12, 8, 3), dtype=numpy.float32)
    means = [
        [[one[4 * i : 4 * i + 4, 4 * j : 4 * j + 4].mean(axis=(0, 1)) for j in range(2)]
         for i in range(3)]
        for one in pictures
    ]  # fmt: skip
    numpy.testing.assert_allclose(CIFAR.small(pictures), means, rtol=1e-5)


def test_changed_pictures_are_mirrored_or_not_and_moved_by_a_tenth_at_most(rng):
    place = numpy.broadcast_to(numpy.linspace(0, 1, 32, dtype=numpy.float32), (200, 32, 32))
    ramps = numpy.stack([place] * 3, axis=-1)  # darker to the left
    changed = CIFAR.changed(ramps, rng)[:, 16, 8:24, 0]
    rising = changed[:, -1] > changed[:, 0]
    assert 60 < rising.sum() < 140
    there = numpy.where(rising[:, None], place[:, 0, 8:24], place[:, 0, 8:24][:, ::-1])
    assert 0.05 < abs(changed - there).max() < 0.11
