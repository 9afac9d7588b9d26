"""plot.confusion: the counts, colors and names that are drawn, and that none is cut off."""

from __future__ import annotations

import itertools
import re

import matplotlib
import numpy
import pytest

import tinynet as tn
from tinynet import plot

matplotlib.use("Agg")
import matplotlib.pyplot as plt

TARGET = numpy.array([0, 0, 0, 0, 1, 1, 2, 2, 2])
PREDICTION = numpy.array([0, 0, 0, 2, 1, 1, 0, 2, 0])
COUNTS = [[3, 0, 1], [0, 2, 0], [2, 0, 1]]


def cells(axes):
    """The number written in each cell, 0 where there is none."""
    K = axes.images[0].get_array().shape[0]
    found = numpy.zeros((K, K), int)
    for text in axes.texts:
        column, row = text.get_position()
        found[row, column] = int(text.get_text().replace(",", ""))
    return found


def names_of(axes):
    return [
        [text.get_text() for text in labels]
        for labels in (axes.get_xticklabels(), axes.get_yticklabels())
    ]


def test_rows_are_the_true_classes_and_columns_the_predicted(device):
    scores = numpy.eye(3, dtype=numpy.float32)[PREDICTION] - 2
    for target in (
        TARGET,
        numpy.eye(3)[TARGET],
        tn.Tensor(TARGET).to(device),
        list(TARGET),
        TARGET[:, None],
    ):
        for prediction in (PREDICTION, scores, tn.Tensor(scores).to(device), PREDICTION[:, None]):
            figure = plot.confusion(prediction, target)
            (axes,) = figure.axes
            numpy.testing.assert_array_equal(cells(axes), COUNTS)
            assert names_of(axes) == [["0", "1", "2"]] * 2
            plt.close(figure)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted class", "true class")


def test_the_title_has_the_accuracy():
    accuracy = "accuracy 66.7%: 6 of 9 right"
    assert plot.confusion(PREDICTION, TARGET).get_suptitle() == accuracy
    figure = plot.confusion(PREDICTION, TARGET, title="after an epoch")
    assert figure.get_suptitle() == f"after an epoch\n{accuracy}"


def test_colors_are_shares_of_the_row_blue_where_it_is_right_and_red_where_it_is_wrong():
    (axes,) = plot.confusion(PREDICTION, TARGET).axes
    (image,) = axes.images
    assert image.get_clim() == (-1, 1)
    shares = numpy.array([[-3 / 4, 0, 1 / 4], [0, -1, 0], [2 / 3, 0, -1 / 3]])
    right = numpy.sign(shares) * numpy.sqrt(numpy.abs(shares))
    numpy.testing.assert_allclose(image.get_array(), right)
    for value, (red, _, blue, _) in ((1, image.to_rgba(1)), (-1, image.to_rgba(-1))):
        assert (red > blue) == (value > 0)
    inks = [text.get_color() for text in axes.texts]
    assert inks == ["white", "black", "white", "white", "black"]  # above 0.7 the cell is dark


def test_classes_that_the_examples_do_not_have_get_their_row_and_column():
    (axes,) = plot.confusion([0, 1], [0, 0], ["cat", "dog", "cow"]).axes
    numpy.testing.assert_array_equal(cells(axes), [[1, 1, 0], [0, 0, 0], [0, 0, 0]])
    assert names_of(axes) == [["cat", "dog", "cow"]] * 2
    assert numpy.isfinite(axes.images[0].get_array()).all()


@pytest.mark.parametrize(
    ("K", "name"),
    [
        (1, "a rather long name of class {}"),
        (2, "a rather long name of class {}"),
        (10, "{}"),
        (10, "class {}"),
        (20, "a rather long name of class {}"),
        (100, "class {}"),
    ],
)
def test_nothing_is_cut_off_and_nothing_overlaps(K, name, rng):
    target = rng.integers(0, K, 4000)
    names = [name.format(k) for k in range(K)]
    figure = plot.confusion(rng.permutation(target), target, names, 8 * "some class ")
    (axes,) = figure.axes
    figure.canvas.draw()
    paper = figure.bbox
    drawn = [*axes.get_xticklabels(), *axes.get_yticklabels(), *figure.texts]
    drawn += [figure._suptitle, figure._supxlabel, axes.xaxis.label, axes.yaxis.label]
    for text in drawn:
        box = text.get_window_extent()
        assert box.x0 >= paper.x0 - 1 and box.x1 <= paper.x1 + 1, text
        assert box.y0 >= paper.y0 - 1 and box.y1 <= paper.y1 + 1, text
    cell = axes.get_window_extent().width / K
    assert all(text.get_window_extent().width <= cell for text in axes.texts)
    assert bool(axes.texts) == (K < 100)
    for labels in (axes.get_xticklabels(), axes.get_yticklabels()):
        assert min(text.get_fontsize() for text in labels) >= 6
    heights = [text.get_window_extent() for text in axes.get_yticklabels()]
    assert all(above.y0 >= below.y1 - 1 for above, below in itertools.pairwise(heights))
    across = [text.get_window_extent() for text in axes.get_xticklabels()]
    if axes.get_xticklabels()[0].get_rotation() == 0:
        assert all(a.x1 <= b.x0 for a, b in itertools.pairwise(across))


def test_long_numbers_are_written_small_and_not_at_all_where_they_cannot_be_read():
    target = numpy.zeros(1_000_000, int)
    for K, written in ((10, "1,000,000"), (30, None)):
        (axes,) = plot.confusion(target, target, range(K)).axes
        axes.figure.canvas.draw()
        cell = axes.get_window_extent().width / K
        assert [text.get_text() for text in axes.texts] == ([written] if written else [])
        assert all(text.get_window_extent().width <= cell for text in axes.texts)


# -- what it refuses -------------------------------------------------------------------------------

FLOATS = (
    "confusion: prediction is one float for each example, and must be class numbers or K scores. "
    "Give p > 0.5 for probabilities of class 1, z > 0 for logits."
)
TABLE = {
    "a probability for each example": (
        lambda: plot.confusion([0.2, 0.9], [0, 1]),
        TypeError,
        FLOATS,
    ),
    "a column of probabilities": (
        lambda: plot.confusion([[0.2], [0.9]], [0, 1]),
        TypeError,
        FLOATS,
    ),
    "prediction and target in each other's place": (
        lambda: plot.confusion([0, 1], numpy.random.default_rng(0).random((2, 3))),
        ValueError,
        "confusion: target holds scores, and must hold classes. The prediction comes first: "
        "confusion(prediction, target).",
    ),
    "a class without a name": (
        lambda: plot.confusion([0, 1, 1], [0, 1, 2], ["cat", "dog"]),
        ValueError,
        "confusion: names must be one for each of 3 classes, received 2. Name them in the order of "
        "their numbers.",
    ),
    "more names than scores": (
        lambda: plot.confusion(numpy.eye(2), [0, 1], ["cat", "dog", "cow"]),
        ValueError,
        "confusion: names must be one for each of 2 classes, received 3. Name them in the order of "
        "their numbers.",
    ),
    "no examples": (
        lambda: plot.confusion([], []),
        ValueError,
        "confusion_matrix: the batch is empty. Give at least one example.",
    ),
}


@pytest.mark.parametrize("name", TABLE)
def test_what_cannot_be_drawn_is_refused_and_leaves_no_figure(name):
    call, kind, message = TABLE[name]
    with pytest.raises(kind, match=f"^{re.escape(message)}$"):
        call()
    assert not plt.get_fignums()
