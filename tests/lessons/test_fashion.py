"""The lessons fashion and cifar: what they count, standardise, say and draw, on few numbers."""

from __future__ import annotations

import matplotlib
import numpy
import pytest

import tinynet as tn

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from lessons.classify import cifar, fashion
from lessons.pictures import Pictures

CONFUSION = numpy.array([[5, 2, 0], [1, 7, 4], [0, 1, 9]])


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def some(count=40, source="CIFAR-10", real=True, names=None, size=32, channels=3):
    rng = numpy.random.default_rng(0)
    pictures = rng.random((count, size, size, channels), dtype=numpy.float32) * 0.5 + 0.2
    labels = numpy.arange(count) % 10
    names = tn.data.class_names("cifar10") if names is None else names
    return Pictures(pictures, labels, pictures[:30] * 0.5, labels[:30], names, source, real)


def results(data, accuracy=0.8, full=False):
    """As main gives them: the first answer a sure mistake, the second a weak one."""
    p = numpy.full((len(data.test), 10), 0.01, numpy.float32)
    said = data.test_labels.copy()
    said[0], said[1] = 3, 5
    p[numpy.arange(len(p)), said] = 0.91
    p[1, 5], p[1, 1] = 0.5, 0.42
    history = tn.History([{"loss": 1.0, "accuracy": accuracy}])
    return {
        "full": full,
        "data": data,
        "parameters": [262730],
        "filters": numpy.zeros((3, 3, 3, 32), numpy.float32),
        "history": history,
        "probabilities": p,
        "accuracy": accuracy,
        "confusion": tn.metrics.confusion_matrix(said, data.test_labels, 10),
    }


# -- fashion: what is counted ----------------------------------------------------------------------


def test_the_network_has_the_slides_shapes():
    shapes = [row.shape for row in fashion.model(numpy.random.default_rng(0)).rows()]
    assert shapes == [
        (26, 26, 32), (24, 24, 64), (12, 12, 64), (12, 12, 64), (9216,), (128,), (128,), (10,),
    ]  # fmt: skip


def test_two_classes_are_confused_either_way():
    numpy.testing.assert_array_equal(fashion.mistaken(CONFUSION), [[0, 3, 0], [0, 0, 5], [0, 0, 0]])


def test_the_most_confused_pair_is_named_with_its_count():
    found = {"confusion": CONFUSION, "data": some(names=("a", "b", "c"))}
    assert fashion.most_confused(found) == ("b and c", 5)


def test_the_share_of_mistakes_counts_pairs_within_the_classes_only():
    found = {"confusion": CONFUSION, "data": some(names=("a", "b", "c"))}
    assert fashion.share_among(found, ("a", "b")) == 3 / 8
    assert fashion.share_among(found, ("a", "c")) == 0
    assert fashion.share_among(found, ("a", "b", "c")) == 1


def test_the_share_without_any_mistake_is_0():
    found = {"confusion": numpy.eye(3, dtype=int), "data": some(names=("a", "b", "c"))}
    assert fashion.share_among(found, ("a", "b")) == 0


@pytest.mark.parametrize(
    ("lesson", "full", "real", "bound"),
    [
        (fashion, True, True, 0.925),
        (fashion, False, True, 0.75),
        (fashion, True, False, 0.75),
        (cifar, True, True, 0.7),
        (cifar, False, True, 0.35),
    ],
)
def test_the_bound_of_the_accuracy(lesson, full, real, bound):
    names = tn.data.class_names("fashion_mnist" if lesson is fashion else "cifar10")
    data = some(names=names, real=real)
    for accuracy, holds in ((bound, True), (bound - 0.001, False)):
        claims = lesson.claims(results(data, accuracy, full))
        (claim,) = [c for c in claims if "accuracy" in c.what]
        assert claim.holds is holds, claim


def test_a_confused_pair_of_other_clothes_fails_its_claim():
    data = some(names=tn.data.class_names("fashion_mnist"))
    found = results(data)
    found["confusion"] = numpy.diag([9] * 10)
    found["confusion"][7, 9] = 4  # sneaker and ankle boot
    failed = [claim.what for claim in fashion.claims(found) if not claim.holds]
    assert "the most confused pair" in failed
    found["confusion"][6, 0] = 8  # shirt and T-shirt
    failed = [claim.what for claim in fashion.claims(found) if not claim.holds]
    assert "the most confused pair" not in failed


# -- cifar: what goes in ---------------------------------------------------------------------------


def test_standardised_by_the_training_pictures_alone():
    data = some(200)
    before = data.train.copy()
    train, test = cifar.standardised(data)
    assert train.dtype == test.dtype == numpy.float32
    numpy.testing.assert_allclose(train.mean(axis=(0, 1, 2)), 0, atol=1e-4)
    numpy.testing.assert_allclose(train.std(axis=(0, 1, 2)), 1, atol=1e-4)
    mean, deviation = before.mean(axis=(0, 1, 2)), before.std(axis=(0, 1, 2))
    numpy.testing.assert_allclose(test, (data.test - mean) / deviation, atol=1e-4)
    numpy.testing.assert_array_equal(data.train, before)


def test_changed_pictures_are_mirrored_in_half_of_the_cases_and_moved_a_little():
    ramp = numpy.broadcast_to(numpy.arange(32, dtype=numpy.float32)[:, None], (200, 32, 32, 3))
    changed = cifar.changed(ramp, numpy.random.default_rng(0))
    assert changed.shape == ramp.shape and changed.dtype == numpy.float32
    falls = changed[:, 16, 10, 0] > changed[:, 16, 20, 0]
    assert 70 < falls.sum() < 130
    moved = changed[~falls][:, 16, 16, 0] - 16
    assert 2.5 < abs(moved).max() <= 3.2  # 10% of 32 pixels


def test_what_was_learnt_from_says_how_much_is_missing():
    data = some(20)
    assert cifar.learnt_from(data) == "20 of 50,000 training pictures of CIFAR-10"
    drawn = some(20, "drawn pictures", real=False)
    assert cifar.learnt_from(drawn) == "20 drawn pictures"
    data = data._replace(train=numpy.broadcast_to(numpy.float32(0), (50_000, 32, 32, 3)))
    assert cifar.learnt_from(data) == "all 50,000 of CIFAR-10"


# -- the figures -----------------------------------------------------------------------------------


def test_the_surest_mistake_comes_first():
    data = some()
    figure = fashion.draw_mistakes(results(data))
    assert figure.get_suptitle().startswith("CIFAR-10, 2 mistakes")
    titles = [axes.get_title() for axes in figure.axes]
    assert titles[0] == "airplane:\ncat 91.0%"
    assert titles[1] == "automobile:\ndog 50.0%"
    assert len(titles) == 15  # the others were nearly mistaken


def test_the_confusion_matrix_puts_a_group_together_with_its_own_counts():
    data = some(names=tn.data.class_names("fashion_mnist"))
    found = results(data)
    found["confusion"] = numpy.arange(1, 101).reshape(10, 10)  # row i, column j: 10 i + j + 1
    axes = fashion.draw_confusion(found).axes[0]
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names[:4] == list(fashion.UPPER)
    assert sorted(names) == sorted(data.names)
    assert names == [label.get_text() for label in axes.get_xticklabels()]
    for text in axes.texts:
        column, row = text.get_position()
        i, j = data.names.index(names[row]), data.names.index(names[column])
        assert text.get_text() == str(10 * i + j + 1)
    (frame,) = axes.patches
    assert (frame.get_xy(), frame.get_width()) == ((-0.5, -0.5), 4)


@pytest.mark.parametrize("real", [True, False])
def test_every_figure_of_cifar_says_what_was_learnt_from(real):
    data = some(source="CIFAR-10" if real else "drawn pictures", real=real)
    figures = cifar.show(results(data))
    for name in ("training", "confusion", "filters"):
        assert cifar.learnt_from(data) in figures[name].get_suptitle()
