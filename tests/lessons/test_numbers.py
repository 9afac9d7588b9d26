"""What the lesson numbers computes: files, neighbors, and the two copies of the slide's table."""

from __future__ import annotations

import numpy
import pytest

from lessons import parts

numbers = parts("numbers")


def test_the_slides_two_tables_begin_and_end_as_the_slide_does():
    both = numpy.array(numbers.SLIDE.split(), int).reshape(16, 2, 12)
    assert both[:, 0].sum() - both[:, 1].sum() == 256 - 206
    assert both[0, 0, :3].tolist() == [157, 153, 174]
    assert both[-1, 1, -3:].tolist() == [13, 96, 218]


def test_the_hidden_picture_is_a_smile():
    dark = numpy.array(numbers.HIDDEN.split(), int).reshape(8, 8) < 128
    assert numpy.argwhere(dark).tolist() == [
        *([1, 2], [1, 5], [2, 2], [2, 5]),
        *([4, 1], [4, 6], [5, 2], [5, 3], [5, 4], [5, 5]),
    ]


def test_mean_difference_is_that_of_each_number_and_the_one_below(rng):
    picture = rng.integers(0, 256, (5, 4, 3)).astype(numpy.uint8)
    differences = [
        abs(int(picture[i + 1, j, c]) - int(picture[i, j, c]))
        for i in range(4) for j in range(4) for c in range(3)
    ]  # fmt: skip
    assert numbers.mean_difference(picture) == pytest.approx(numpy.mean(differences))


def test_a_png_file_gives_back_what_a_jpeg_file_does_not(rng):
    picture = rng.integers(0, 256, (20, 30, 3)).astype(numpy.uint8)
    back, size = numbers.through_file(picture, format="PNG")
    assert numpy.array_equal(back, picture) and size > 0
    back, _ = numbers.through_file(picture, format="JPEG")
    assert back.shape == picture.shape and not numpy.array_equal(back, picture)
