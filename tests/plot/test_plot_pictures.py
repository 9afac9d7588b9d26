"""plot: pictures in tiles and in rows, codes and what they decode to, ROC curves.

What is tested are the arrays, places and colors behind a figure.
"""

from __future__ import annotations

import re

import matplotlib
import numpy
import pytest

import tinynet as tn
from tinynet import plot

matplotlib.use("Agg")
import matplotlib.pyplot as plt


@pytest.fixture
def axes():
    return plt.subplots()[1]


def drawn(axes, i=0):
    return numpy.asarray(axes.images[i].get_array())


def forms(x, device):
    """The same numbers as what a drawing may be given."""
    tensor = tn.Tensor(x, requires_grad=True).to(device)
    return [x, tensor, tensor.data]


# -- tiles -----------------------------------------------------------------------------------------


def test_tiles_stand_side_by_side_with_gaps_of_the_largest_value():
    images = numpy.arange(12.0).reshape(3, 2, 2)  # three pictures 2x2
    right = [
        [0, 1, 11, 4, 5],
        [2, 3, 11, 6, 7],
        [11, 11, 11, 11, 11],
        [8, 9, 11, 11, 11],
        [10, 11, 11, 11, 11],
    ]
    numpy.testing.assert_array_equal(plot.tiles(images, columns=2), right)


def test_tiles_of_every_form_are_the_same(device):
    images = numpy.random.default_rng(0).random((7, 3, 2), dtype=numpy.float32)
    right = plot.tiles(images, 3, 2)
    assert right.shape == (3 * 3 + 2 * 2, 3 * 2 + 2 * 2) and right.dtype == numpy.float32
    for given in (*forms(images, device), *forms(images[..., None], device), list(images)):
        numpy.testing.assert_array_equal(plot.tiles(given, 3, 2), right)


def test_tiles_without_a_gap_in_color_in_one_row():
    images = numpy.random.default_rng(0).integers(0, 255, (4, 3, 2, 3)).astype("uint8")
    found = plot.tiles(images, gap=0)
    assert found.dtype == numpy.uint8
    numpy.testing.assert_array_equal(found, numpy.concatenate(list(images), axis=1))


# -- rows ------------------------------------------------------------------------------------------


def places(axes):
    """left, right, bottom, top of every picture."""
    return numpy.array([image.get_extent() for image in axes.images])


def test_rows_put_pictures_of_one_column_below_each_other(device):
    rng = numpy.random.default_rng(0)
    originals, codes = rng.random((4, 6, 6, 1)), rng.normal(size=(4, 4, 2))
    for x, z in zip(forms(originals, device), forms(codes, device), strict=True):
        figure = plot.rows({"originals": x, "codes": z}, "both", limits={"originals": (0, 1)})
        (axes,) = figure.axes
        assert figure.get_suptitle() == "both"
        assert [label.get_text() for label in axes.get_yticklabels()] == ["originals", "codes"]
        shade = (codes - codes.min()) / (codes.max() - codes.min())  # one scale for the row
        for i in range(4):
            numpy.testing.assert_allclose(drawn(axes, i), originals[i, ..., 0])
            numpy.testing.assert_allclose(drawn(axes, 4 + i), shade[i])
            assert axes.images[i].get_clim() == (0, 1)
        left, right, bottom, top = places(axes).T
        numpy.testing.assert_allclose((left + right) / 2, [0.5, 1.5, 2.5, 3.5] * 2)
        middles = numpy.repeat(axes.get_yticks(), 4)
        numpy.testing.assert_allclose((top + bottom) / 2, middles)  # a label beside its row
        assert (top < bottom).all()  # the first line of pixels is above
        numpy.testing.assert_allclose((bottom - top)[:4], (right - left)[:4])
        numpy.testing.assert_allclose((bottom - top)[4:], 2 * (right - left)[4:])  # square pixels
        assert bottom[0] < top[4]  # no row overlaps the next
        assert axes.get_xlim() == (0, 4) and axes.get_ylim()[0] >= bottom.max()


def test_limits_of_rows_are_one_pair_or_one_for_each():
    x = numpy.array([[[0.0, 2.0]]])
    for limits, shades in (
        (None, ([0, 1], [0, 1])),
        ((0, 4), ([0, 0.5], [0, 1])),
        ({"a": (0, 8)}, ([0, 0.25], [0, 1])),
    ):
        (axes,) = plot.rows({"a": x, "b": 2 * x}, limits=limits).axes
        for i in range(2):
            numpy.testing.assert_allclose(drawn(axes, i), [shades[i]])


def test_rows_keep_colors_and_their_width():
    x = numpy.random.default_rng(0).random((5, 4, 4, 3))
    figure = plot.rows({"a": x}, width=2, limits=(0, 1))
    numpy.testing.assert_array_equal(drawn(figure.axes[0], 3), x[3])
    assert figure.get_figwidth() == pytest.approx(11.3)  # five columns and the label


# -- the latent space ------------------------------------------------------------------------------


def test_codes_are_points_in_the_colors_of_their_classes(axes, device):
    codes = numpy.random.default_rng(0).normal(size=(6, 2)).astype(numpy.float32)
    labels = numpy.array([2, 0, 2, 1, 0, 2])
    for z in forms(codes, device):
        axes.clear()
        plot.latent(axes, z, tn.Tensor(labels).to(device), ["a", "b", "c", "d"])
        (points,) = axes.collections
        numpy.testing.assert_allclose(points.get_offsets(), codes)
        colors = points.get_facecolors()
        assert len({tuple(color) for color in colors}) == 3
        handles, names = axes.get_legend().legend_handles, axes.get_legend().get_texts()
        assert [name.get_text() for name in names] == ["a", "b", "c"]  # there is no d
        for k, handle in enumerate(handles):
            color = matplotlib.colors.to_rgb(handle.get_color())
            numpy.testing.assert_allclose(colors[labels == k][:, :3], [color] * sum(labels == k))
        assert axes.get_xlabel() and axes.get_ylabel()


@pytest.mark.parametrize("K", [10, 14])
def test_every_class_has_a_color_of_its_own_far_from_the_others(axes, K):
    plot.latent(axes, numpy.zeros((K, 2)), numpy.arange(K))
    colors = axes.collections[0].get_facecolors()[:, :3]
    apart = numpy.linalg.norm(colors[:, None] - colors, axis=2) + numpy.eye(K)
    assert apart.min() > (0.2 if K == 10 else 0.1)
    assert [t.get_text() for t in axes.get_legend().get_texts()] == [str(k) for k in range(K)]


def beside(axes):
    """Whether the legend stands outside, so that it covers no point."""
    axes.figure.canvas.draw()
    return axes.get_legend().get_window_extent().x0 >= axes.get_window_extent().x1


def test_the_legends_stand_beside_the_axes(axes):
    plot.latent(axes, [[0, 1], [2, 3]], [0, 1])
    assert beside(axes)
    axes.clear()
    plot.roc(axes, [0, 1], [0, 1], "a")
    assert beside(axes)


def test_a_latent_grid_is_one_picture_with_coordinates_in_the_middle_of_its_tiles(axes, device):
    pictures = numpy.random.default_rng(0).random((2, 3, 4, 5))  # R C H W
    for given in (*forms(pictures, device), *forms(pictures[..., None], device)):
        axes.clear()
        plot.latent_grid(axes, given, [-1.5, 0, 1.5], [2, -2], limits=(0, 1))
        found = drawn(axes)
        assert found.shape == (8, 15) and len(axes.images) == 1
        for r in range(2):
            for c in range(3):
                tile = found[r * 4 : r * 4 + 4, c * 5 : c * 5 + 5]
                numpy.testing.assert_allclose(tile, pictures[r, c])
        numpy.testing.assert_allclose(axes.get_xticks(), [2, 7, 12])
        numpy.testing.assert_allclose(axes.get_yticks(), [1.5, 5.5])
        assert [t.get_text() for t in axes.get_xticklabels()] == ["-1.5", "0", "1.5"]
        assert [t.get_text() for t in axes.get_yticklabels()] == ["2", "-2"]


def test_a_latent_grid_in_color_with_many_columns_labels_some(axes):
    pictures = numpy.random.default_rng(0).random((1, 25, 2, 2, 3))
    plot.latent_grid(axes, pictures, numpy.linspace(-3, 3, 25), [0], limits=(0, 1))
    numpy.testing.assert_allclose(drawn(axes)[:, 4:6], pictures[0, 2])
    assert [t.get_text() for t in axes.get_xticklabels()][:3] == ["-3", "-2.25", "-1.5"]
    assert len(axes.get_xticks()) == 9


# -- the ROC curve ---------------------------------------------------------------------------------


def test_a_roc_curve_lies_over_one_diagonal(axes, device):
    false, true = numpy.float32([0, 0.5, 1]), numpy.float32([0, 1, 1])
    for f, t in zip(forms(false, device), forms(true, device), strict=True):
        axes.clear()
        plot.roc(axes, f, t, "one")
        plot.roc(axes, [0, 1], [0, 1], "two")
        guessing, one, two = axes.lines
        numpy.testing.assert_array_equal(guessing.get_xydata(), [[0, 0], [1, 1]])
        numpy.testing.assert_array_equal(one.get_xydata(), [[0, 0], [0.5, 1], [1, 1]])
        assert one.get_color() != two.get_color()
        names = [name.get_text() for name in axes.get_legend().get_texts()]
        assert names == ["guessing", "one", "two"]
        assert (axes.get_xlabel(), axes.get_ylabel()) == (
            "false positive rate",
            "true positive rate",
        )


# -- what they refuse ------------------------------------------------------------------------------

X = numpy.zeros((2, 3, 3))
TABLE = {
    "tiles of one picture": (
        lambda axes: plot.tiles(numpy.zeros((3, 3))),
        "tiles: images has shape (3, 3). It must be (N, H, W), (N, H, W, 1) or (N, H, W, 3).",
    ),
    "tiles of nothing": (
        lambda axes: plot.tiles([]),
        "tiles: images has shape (0, 0, 0). It must be (N, H, W), (N, H, W, 1) or (N, H, W, 3).",
    ),
    "tiles of two sizes": (
        lambda axes: plot.tiles([numpy.zeros((3, 3)), numpy.zeros((2, 2))]),
        "tiles: images have shapes (2, 2) and (3, 3). Give pictures of one size.",
    ),
    "no columns": (
        lambda axes: plot.tiles(X, columns=0),
        "tiles: columns must be a whole number of at least 1, received 0. Give how many pictures "
        "stand in a row.",
    ),
    "a grid without columns": (
        lambda axes: plot.grid([X[0]], columns=0),
        "grid: columns must be a whole number of at least 1, received 0.",
    ),
    "a grid of pictures without a width": (
        lambda axes: plot.grid([X[0]], width=0),
        "grid: width must be positive and finite, received 0.",
    ),
    "rows of pictures without a width": (
        lambda axes: plot.rows({"a": X}, width=-1),
        "rows: width must be positive and finite, received -1.",
    ),
    "a negative gap": (
        lambda axes: plot.tiles(X, gap=-1),
        "tiles: gap must be a whole number of at least 0, received -1. Give how many pixels lie "
        "between pictures.",
    ),
    "no rows": (
        lambda axes: plot.rows({}),
        'rows: there are no rows. Give {label: pictures}, for example {"originals": x}.',
    ),
    "limits of a row that there is not": (
        lambda axes: plot.rows({"a": X, "b": X}, limits={"a": (0, 1), "typo": (0, 1)}),
        "rows: limits has 'typo', and pictures has no such row. Give limits of 'a', 'b' alone.",
    ),
    "limits that fall": (
        lambda axes: plot.rows({"a": X}, limits=(1, 0)),
        "rows: limits must be (low, high) with low < high, received (1, 0). Give the value drawn "
        "black, then the one drawn white.",
    ),
    "limits of one row that are equal": (
        lambda axes: plot.rows({"a": X, "b": X}, limits={"b": (0, numpy.float32(0))}),
        "rows: limits must be (low, high) with low < high, received (0, 0). Give the value drawn "
        "black, then the one drawn white.",
    ),
    "rows of NaN": (
        lambda axes: plot.rows({"a": X, "b": X + numpy.nan}),
        "rows: 'b' holds NaN or infinity. Find out where it comes from with tn.doctor().",
    ),
    "rows that are flat": (
        lambda axes: plot.rows({"codes": numpy.zeros((2, 32))}),
        "rows: 'codes' has shape (2, 32). It must be (N, H, W), (N, H, W, 1) or (N, H, W, 3).",
    ),
    "rows of two lengths": (
        lambda axes: plot.rows({"a": X, "b": X[:1]}),
        "rows: 'b' has N = 1 and 'a' has N = 2. Give every row as many pictures, those to compare "
        "in the same place.",
    ),
    "codes of three numbers": (
        lambda axes: plot.latent(axes, numpy.zeros((4, 3)), [0] * 4),
        "latent: codes must be (N, 2), received (4, 3). Choose two columns of longer codes.",
    ),
    "labels that do not fit": (
        lambda axes: plot.latent(axes, numpy.zeros((4, 2)), [0] * 3),
        "latent: labels must be (4,), a class number for each code, received (3,).",
    ),
    "a class without a name": (
        lambda axes: plot.latent(axes, numpy.zeros((2, 2)), [0, 2], ["a", "b"]),
        "latent: labels must be in [0, 2), received 0 to 2. Give a name for each class.",
    ),
    "decoded pictures in a list": (
        lambda axes: plot.latent_grid(axes, numpy.zeros((4, 3, 3)), [0], [0]),
        "latent_grid: pictures has shape (4, 3, 3). It must be (R, C, H, W), (R, C, H, W, 1) or "
        "(R, C, H, W, 3).",
    ),
    "across and down in each other's place": (
        lambda axes: plot.latent_grid(axes, numpy.zeros((2, 3, 4, 4)), [0, 1], [0, 1, 2]),
        "latent_grid: across (2,) and down (3,) do not fit pictures (2, 3, 4, 4). They must be "
        "(3,) and (2,), a coordinate for each column and each row.",
    ),
    "rates that do not fit": (
        lambda axes: plot.roc(axes, [0, 1], [0, 1, 1]),
        "roc: false_positive_rate (2,) and true_positive_rate (3,) must both be (T,). Give the "
        "first two of tn.metrics.roc_curve(scores, labels).",
    ),
    "thresholds for rates": (
        lambda axes: plot.roc(axes, [0, 1], [0, 7]),
        "roc: true_positive_rate must be in [0, 1], and lies in [0, 7]. Give the first two of "
        "tn.metrics.roc_curve(scores, labels).",
    ),
}


@pytest.mark.parametrize("name", TABLE)
def test_what_cannot_be_drawn_is_refused(name, axes):
    call, message = TABLE[name]
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        call(axes)


def test_rows_without_labels_are_refused():
    message = "rows: pictures is ndarray. Give {label: pictures}."
    with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
        plot.rows(X)


def test_rows_that_are_refused_leave_no_figure_behind():
    with pytest.raises(ValueError, match="holds NaN"):
        plot.rows({"a": X, "b": X + numpy.nan})
    assert not plt.get_fignums()


def test_labels_that_are_not_whole_are_refused(axes):
    message = (
        "latent: labels are float64, and class numbers are integers. Give an array of integers, "
        "array.astype(int)."
    )
    with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
        plot.latent(axes, numpy.zeros((1, 2)), [0.5])


def test_all_that_roc_curve_gives_is_one_too_many(axes):
    f, t, thresholds = tn.metrics.roc_curve([0.1, 0.9], [0, 1])
    with pytest.raises(TypeError) as caught:
        plot.roc(axes, f, t, thresholds)
    assert str(caught.value) == (
        "roc: label is ndarray, and must be a word for the legend. Give the first two of "
        "tn.metrics.roc_curve(scores, labels)."
    )
