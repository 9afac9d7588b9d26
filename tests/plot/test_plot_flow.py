"""plot.flow: the densities and arrows that are drawn are those of the numbers given."""

from __future__ import annotations

import re

import matplotlib
import numpy
import pytest

import tinynet as tn
from tinynet import plot

matplotlib.use("Agg")
import matplotlib.pyplot as plt

Z = numpy.float32([1, -2, -1, 1, 3, -1, 1, 1])
SIX = {"limits": (-2, 4), "bins": 6}


def flat(x):
    """The density 1/4 on [-2, 2)"""
    return ((x >= -2) & (x < 2)) / 4


def forms(x, device):
    """The same numbers as what a drawing may be given."""
    tensor = tn.Tensor(x, requires_grad=True).to(device)
    return [x, x[:, None], tensor, tensor.data]


def bars(axes):
    """The heights of the two histograms above where they stand."""
    below, above = (patch.get_data() for patch in axes.patches)
    numpy.testing.assert_array_equal(below.edges, above.edges)
    assert (below.baseline, above.baseline) == (0, 2)
    return below.values, above.values - 2


def arrows(axes):
    """Where the arrows start, where they end, and what their colors say."""
    (quiver,) = axes.collections
    assert (quiver.angles, quiver.scale_units, quiver.scale) == ("xy", "xy", 1)
    start = numpy.asarray(quiver.get_offsets())
    return start, start + numpy.stack([quiver.U, quiver.V], axis=1), quiver.get_array()


def test_the_histograms_are_densities_in_one_scale(device):
    """1, 2, 0, 4, 0, 1 of 8 numbers in bins of width 1: densities up to 1/2, which is 1 high."""
    for z, x in zip(forms(Z, device), forms(Z + 1, device), strict=True):
        (axes,) = plot.flow(z, {"a": x}, flat, **SIX).axes
        below, above = bars(axes)
        numpy.testing.assert_allclose(below, [0.25, 0.5, 0, 1, 0, 0.25])
        numpy.testing.assert_allclose(above, [0, 0.25, 0.5, 0, 1, 0.25], atol=1e-12)
        numpy.testing.assert_array_equal(axes.patches[0].get_data().edges, numpy.arange(-2, 5))
        (line,) = axes.lines
        numpy.testing.assert_allclose(line.get_ydata(), 2 + flat(line.get_xdata()) / 0.5)
        assert (line.get_xdata().min(), line.get_xdata().max()) == axes.get_xlim() == (-2, 4)


def test_a_density_is_a_share_over_a_width():
    """3, 4 and 1 of 8 numbers in bins of width 2; the target is 1/4 high, as the tallest bin is."""
    (axes,) = plot.flow(Z, {"a": Z}, flat, limits=(-2, 4), bins=3).axes
    for heights in bars(axes):
        numpy.testing.assert_allclose(heights, [0.75, 1, 0.25])
    assert axes.lines[0].get_ydata().max() == pytest.approx(3)


def test_the_tallest_is_that_of_the_target_or_else_of_all_and_the_rest_is_cut_off():
    narrow = {"a": Z, "b": 0 * Z}  # b: density 1
    high, none = (
        plot.flow(Z, narrow, lambda x: 4 * flat(x), **SIX).axes,
        plot.flow(Z, narrow, **SIX).axes,
    )
    for columns in (high, none):
        assert bars(columns[0])[0].max() == pytest.approx(0.5)
        assert bars(columns[1])[1].max() == pytest.approx(1)
    assert not none[0].lines
    a, b = plot.flow(Z, narrow, flat, **SIX).axes
    assert bars(b)[1].max() == pytest.approx(2)
    assert a.get_ylim() == b.get_ylim() == (0, 3.15)


def test_what_lies_outside_the_limits_has_its_share():
    """Half of z is in the first bin, the other half in none."""
    (axes,) = plot.flow([0, 0, 9, 9], {"a": [0, 0, 0, 0]}, limits=(-0.5, 1.5), bins=2).axes
    below, above = bars(axes)
    numpy.testing.assert_allclose(below, [0.5, 0])
    numpy.testing.assert_allclose(above, [1, 0])
    assert plot.flow([0], {"a": [1]}, limits=(5, 6)).axes[0].get_ylim() == (0, 3.15)  # no bars


def test_arrows_lead_from_quantiles_of_z_to_what_they_became(device):
    """Of the eight sorted numbers -2 -1 -1 1 1 1 1 3 four arrows start at every second one."""
    for z, x in zip(forms(Z, device), forms(10 - Z, device), strict=True):
        (axes,) = plot.flow(z, {"a": x}, arrows=4).axes
        start, end, color = arrows(axes)
        numpy.testing.assert_allclose(start[:, 0], [-1, 1, 1, 3])
        numpy.testing.assert_allclose(end[:, 0], [11, 9, 9, 7])
        numpy.testing.assert_allclose(color, start[:, 0])
        assert ((start[:, 1] > 1) & (end[:, 1] < 2)).all()  # between the histograms
        assert (end[:, 1] - start[:, 1] > 0.8).all()
        assert axes.get_xlim() == (-2, 12)  # all numbers


def test_more_arrows_than_numbers_start_at_each():
    (axes,) = plot.flow([0, 1], {"a": [1, 0]}, arrows=6).axes
    start, end, _ = arrows(axes)
    numpy.testing.assert_allclose(start[:, 0], [0, 0, 0, 1, 1, 1])
    numpy.testing.assert_allclose(end[:, 0], [1, 1, 1, 0, 0, 0])


def test_each_time_is_a_column():
    figure = plot.flow(Z, {"step 0": Z, "step 9": -Z}, flat, "moved", names=("noise", "x"))
    assert figure.get_suptitle() == "moved"
    assert [axes.get_title() for axes in figure.axes] == ["step 0", "step 9"]
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["noise", "x"]
    for axes, sign in zip(figure.axes, (1, -1), strict=True):
        start, end, _ = arrows(axes)
        numpy.testing.assert_allclose(end[:, 0], sign * start[:, 0])
        assert len(start) == 25
    assert figure.get_supxlabel() == "every arrow carries the same probability; red: the target"
    assert "target" not in plot.flow(Z, {"a": Z}).get_supxlabel()


# -- what it refuses -------------------------------------------------------------------------------

TABLE = {
    "no columns": (
        lambda: plot.flow(Z, {}),
        'flow: x is empty. Give {title: what z became}, for example {"step 0": x}.',
    ),
    "fewer numbers": (
        lambda: plot.flow(Z, {"a": Z, "b": Z[:3]}),
        "flow: z has 8 numbers and x['b'] has 3. Give what each z became, in the same order.",
    ),
    "points in the plane": (
        lambda: plot.flow(Z, {"a": numpy.zeros((8, 2))}),
        "flow: x['a'] must be (N,) or (N, 1), one number each, received (8, 2). Choose one column.",
    ),
    "NaN": (
        lambda: plot.flow(Z + numpy.nan, {"a": Z}),
        "flow: z holds NaN or infinity. Find out where it comes from with tn.doctor().",
    ),
    "nothing": (
        lambda: plot.flow([], {"a": []}),
        "flow: z is empty. Give at least one example.",
    ),
    "limits that fall": (
        lambda: plot.flow(Z, {"a": Z}, limits=(1, 0)),
        "flow: limits must be (low, high) with low < high, received (1, 0). Give the smallest and "
        "the largest value to draw.",
    ),
    "one number alone": (
        lambda: plot.flow([2, 2], {"a": [2, 2]}),
        "flow: limits must be (low, high) with low < high, received (2, 2). Give the smallest and "
        "the largest value to draw.",
    ),
    "a density of one number": (
        lambda: plot.flow(Z, {"a": Z}, lambda x: 0.5),
        "flow: density gives () for x (400,). Give a function that keeps the shape.",
    ),
    "no arrows": (
        lambda: plot.flow(Z, {"a": Z}, arrows=0),
        "flow: arrows must be a whole number of at least 1, received 0.",
    ),
    "no bins": (
        lambda: plot.flow(Z, {"a": Z}, bins=0),
        "flow: bins must be a whole number of at least 1, received 0.",
    ),
}


@pytest.mark.parametrize("name", TABLE)
def test_what_cannot_be_drawn_is_refused_and_leaves_no_figure(name):
    call, message = TABLE[name]
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        call()
    assert not plt.get_fignums()


def test_numbers_without_a_title_are_refused():
    message = "flow: x is ndarray. Give {title: what z became}."
    with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
        plot.flow(Z, Z)
