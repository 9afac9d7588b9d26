"""plot: what is drawn is what was given."""

from __future__ import annotations

import re

import matplotlib
import numpy
import pytest

from tinynet import plot

matplotlib.use("Agg")
import matplotlib.pyplot as plt


@pytest.fixture
def axes():
    return plt.subplots()[1]


def drawn(axes):
    return numpy.asarray(axes.images[0].get_array())


def test_a_picture_goes_from_its_smallest_value_in_black_to_its_largest_in_white(axes):
    plot.picture(axes, numpy.array([[-1.0, 0.0], [1.0, 3.0]]), "four")
    numpy.testing.assert_allclose(drawn(axes), [[0, 0.25], [0.5, 1]])
    assert axes.get_title() == "four"


def test_limits_cut_off_what_lies_outside(axes):
    plot.picture(axes, numpy.array([[-51.0, 0.0], [51.0, 306.0]]), limits=(0, 255))
    numpy.testing.assert_allclose(drawn(axes), [[0, 0], [0.2, 1]])


def test_bytes_below_the_limits_are_black(axes):
    plot.picture(axes, numpy.array([[5, 10], [110, 250]], "uint8"), limits=(10, 210))
    numpy.testing.assert_allclose(drawn(axes), [[0, 0], [0.5, 1]])


def test_a_picture_of_one_value_is_drawn_without_dividing_by_zero(axes):
    plot.picture(axes, numpy.full((2, 2, 1), 7.0))
    numpy.testing.assert_array_equal(drawn(axes), numpy.zeros((2, 2)))


def test_a_color_picture_keeps_its_channels(axes):
    image = numpy.arange(12.0).reshape(2, 2, 3)
    plot.picture(axes, image)
    numpy.testing.assert_allclose(drawn(axes), image / 11)


@pytest.mark.parametrize("shape", [(4,), (2, 2, 2), (1, 2, 2, 3), (0, 2)])
def test_what_is_no_picture_is_refused(axes, shape):
    with pytest.raises(ValueError, match=r"picture: image has shape .* It must be \(H, W\)"):
        plot.picture(axes, numpy.zeros(shape))


def test_a_matrix_writes_each_number_into_its_cell_and_puts_0_in_the_middle(axes):
    plot.matrix(axes, numpy.array([[1, -2.5], [0, 0.125]]))
    assert [text.get_text() for text in axes.texts] == ["1", "-2.5", "0", "0.125"]
    assert [text.get_position() for text in axes.texts] == [(0, 0), (1, 0), (0, 1), (1, 1)]
    assert axes.images[0].get_clim() == (-2.5, 2.5)


@pytest.mark.parametrize("shape", [(4,), (2, 2, 1), (0, 2)])
def test_what_is_no_table_is_refused(axes, shape):
    message = f"matrix: numbers has shape {shape}. It must be (H, W), of at least one number."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        plot.matrix(axes, numpy.zeros(shape))


@pytest.mark.parametrize("value", [numpy.nan, numpy.inf, -numpy.inf])
@pytest.mark.parametrize(("draw", "what"), [(plot.picture, "image"), (plot.matrix, "numbers")])
def test_what_is_not_finite_is_refused(axes, draw, what, value):
    message = (
        f"{draw.__name__}: {what} holds NaN or infinity. Find out where it comes from with "
        "tn.doctor()."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        draw(axes, numpy.array([[0, value]]))


@pytest.mark.parametrize("limits", [(1, 1), (1, 0), (0.5, numpy.nan)])
def test_limits_that_do_not_rise_are_refused(axes, limits):
    message = (
        "picture: limits must be (low, high) with low < high, received "
        f"({limits[0]:g}, {limits[1]:g}). Give the value drawn black, then the one drawn white."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        plot.picture(axes, numpy.eye(2), limits=limits)


def test_a_grid_has_a_place_for_each_picture_and_empty_ones_are_switched_off():
    images = [numpy.full((2, 3), i, float) for i in range(5)]
    figure = plot.grid(images, list("abcde"), "five", columns=3)
    assert [axes.get_title() for axes in figure.axes] == ["a", "b", "c", "d", "e", ""]
    assert [axes.axison for axes in figure.axes] == [True] * 5 + [False]
    assert figure.get_suptitle() == "five"


def test_a_grid_of_nothing_is_refused():
    with pytest.raises(ValueError, match="grid: there are no pictures"):
        plot.grid([])
