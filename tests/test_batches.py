"""Minibatches, and the pictures of X and O."""

from __future__ import annotations

import re

import numpy
import pytest

import tinynet as tn

X = numpy.arange(20, dtype=numpy.float32).reshape(10, 2)
LABELS = numpy.arange(10)


def gathered(batches) -> list[numpy.ndarray]:
    """What the batches hold, put together again."""
    return [numpy.concatenate([t.numpy() for t in column]) for column in zip(*batches, strict=True)]


# -- batches ---------------------------------------------------------------------------------------


def test_without_a_generator_the_order_is_kept():
    x, labels = gathered(tn.data.batches(X, LABELS, size=3))
    numpy.testing.assert_array_equal(x, X)
    numpy.testing.assert_array_equal(labels, LABELS)


@pytest.mark.parametrize(
    ("size", "sizes"),
    [(1, [1] * 10), (3, [3, 3, 3, 1]), (5, [5, 5]), (10, [10]), (11, [10]), (10**9, [10])],
)
def test_the_last_partial_batch_is_kept(size, sizes):
    assert [len(x) for (x,) in tn.data.batches(X, size=size)] == sizes
    shuffled = tn.data.batches(X, size=size, rng=numpy.random.default_rng(0))
    assert [len(x) for (x,) in shuffled] == sizes


def test_a_batch_holds_32_unless_told_otherwise():
    assert [len(x) for (x,) in tn.data.batches(numpy.zeros(40))] == [32, 8]


def test_shuffled_batches_hold_every_example_once_with_its_label(rng):
    x, labels = gathered(tn.data.batches(X, LABELS, size=3, rng=rng))
    assert sorted(labels) == list(LABELS)
    assert list(labels) != list(LABELS)
    numpy.testing.assert_array_equal(x, X[labels])


def test_the_same_seed_gives_the_same_order():
    one, same, other = (
        gathered(tn.data.batches(LABELS, size=3, rng=numpy.random.default_rng(seed)))[0].tolist()
        for seed in (1, 1, 2)
    )
    assert one == same
    assert one != other


def test_each_epoch_has_a_new_order(rng):
    first, second = (gathered(tn.data.batches(LABELS, rng=rng))[0].tolist() for _ in range(2))
    assert first != second


def test_the_data_are_not_changed_by_shuffling(rng):
    x = X.copy()
    list(tn.data.batches(x, size=3, rng=rng))
    numpy.testing.assert_array_equal(x, X)


def test_a_batch_is_a_tuple_of_tensors_that_keep_their_dtypes(device):
    for x, labels in tn.data.batches(X, LABELS, size=4, device=device):
        assert isinstance(x, tn.Tensor)
        assert (x.dtype, labels.dtype) == (numpy.float32, numpy.int64)
        assert (x.device, labels.device) == (device, device)
        assert not x.requires_grad


def test_one_array_gives_tuples_of_one():
    assert all(len(batch) == 1 for batch in tn.data.batches(X, size=4))


def test_tensors_are_divided_too():
    (x,) = gathered(tn.data.batches(tn.Tensor(X, requires_grad=True), size=3))
    numpy.testing.assert_array_equal(x, X)


def test_lists_of_floats_become_float32_and_lists_of_class_numbers_stay_whole():
    ((x, labels),) = tn.data.batches([[0.5, 1.0], [1.5, 2.0]], [0, 1])
    assert x.dtype == numpy.float32
    assert labels.dtype.kind == "i"


def test_the_size_may_be_a_number_of_numpys():
    assert [len(x) for (x,) in tn.data.batches(X, size=numpy.int64(6))] == [6, 4]


@pytest.mark.parametrize(
    ("arrays", "settings", "error", "message"),
    [
        ((), {}, ValueError, "there is nothing to divide. Give arrays, (N, ...) each."),
        ((3.0,), {}, ValueError, "there is nothing to divide. Give arrays, (N, ...) each."),
        ((X, None), {}, ValueError, "there is nothing to divide. Give arrays, (N, ...) each."),
        (
            (X, LABELS[:7]),
            {},
            ValueError,
            "the arrays hold 10 and 7 examples. They must be equally many, one label for each "
            "picture.",
        ),
        ((X[:0],), {}, ValueError, "the arrays hold no examples. Check how they were loaded."),
        (([[1, 2], [3]],), {}, ValueError, "the rows of the list have different lengths."),
        ((["x", "o"],), {}, TypeError, "the arrays hold <U1. Give numbers."),
        *(
            (
                (X,),
                {"size": size},
                ValueError,
                f"size must be a whole number of at least 1, received {size!r}.",
            )
            for size in (0, -1, 2.0, "4", None, True)
        ),
        (
            (X,),
            {"rng": 0},
            TypeError,
            "rng is int. Give numpy.random.default_rng(0), or None.",
        ),
        (
            (X,),
            {"device": "tpu"},
            ValueError,
            'there is no device \'tpu\'. The devices are "cpu" and "gpu".',
        ),
    ],
    ids=[
        *("no arrays", "a number", "None", "lengths", "no examples", "ragged list", "words"),
        *("size 0", "size -1", "size 2.0", "size '4'", "size None", "size True", "rng", "device"),
    ],
)
def test_what_cannot_be_divided_is_refused_when_asked_for(arrays, settings, error, message):
    with pytest.raises(error, match=f"^{re.escape('batches: ' + message)}"):
        tn.data.batches(*arrays, **settings)  # not only when the first batch is taken


# -- pictures of X and O ---------------------------------------------------------------------------


@pytest.mark.parametrize(("count", "size"), [(0, 16), (1, 8), (7, 16), (3, 33)])
def test_the_pictures_are_channels_last_and_the_labels_are_class_numbers(count, size, rng):
    pictures, labels = tn.data.xo(count, rng, size=size)
    assert pictures.shape == (count, size, size, 1)
    assert pictures.dtype == numpy.float32
    assert labels.shape == (count,)
    assert labels.dtype == numpy.int64
    assert set(labels.tolist()) <= {0, 1}


def test_count_size_and_noise_may_be_numbers_of_numpys(rng):
    pictures, _ = tn.data.xo(numpy.int64(3), rng, numpy.int32(9), numpy.float32(0.1))
    assert pictures.shape == (3, 9, 9, 1)
    assert pictures.dtype == numpy.float32


def test_the_same_seed_draws_the_same_pictures():
    one, same, other = (tn.data.xo(5, numpy.random.default_rng(seed)) for seed in (1, 1, 2))
    assert one[0].tobytes() == same[0].tobytes()
    assert one[1].tobytes() == same[1].tobytes()
    assert one[0].tobytes() != other[0].tobytes()


def test_without_noise_ink_is_one_and_paper_is_minus_one(rng):
    pictures, _ = tn.data.xo(50, rng, noise=0)
    assert pictures.min() == -1
    assert pictures.max() == 1
    assert (pictures < 0).mean() > 0.5  # more paper than ink


def test_the_noise_has_the_given_deviation():
    clean, _ = tn.data.xo(200, numpy.random.default_rng(0), noise=0)
    noisy, _ = tn.data.xo(200, numpy.random.default_rng(0), noise=0.5)
    assert (noisy - clean).std() == pytest.approx(0.5, rel=0.02)


def test_an_x_has_ink_where_its_lines_cross_and_an_o_has_paper(rng):
    pictures, labels = tn.data.xo(1000, rng, noise=0)
    weight = numpy.maximum(pictures, 0)[..., 0]  # ink
    rows = numpy.arange(16)
    total = weight.sum(axis=(1, 2))
    v = ((weight.sum(axis=2) @ rows) / total).round().astype(int)  # the middle of the letter,
    u = ((weight.sum(axis=1) @ rows) / total).round().astype(int)  # wherever it was moved
    centre = pictures[numpy.arange(1000), v, u, 0]
    assert centre[labels == 0].mean() > 0.5
    assert centre[labels == 1].mean() < -0.5


def test_both_letters_come_up_about_equally_often(rng):
    _, labels = tn.data.xo(1000, rng)
    assert 400 < labels.sum() < 600


def test_no_two_pictures_are_alike(rng):
    pictures, _ = tn.data.xo(50, rng, noise=0)
    assert len({picture.tobytes() for picture in pictures}) == 50


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"count": -1}, ValueError, r"count must be .*at least 0, received -1\."),
        ({"size": 7}, ValueError, r"size must be .*at least 8, received 7\."),
        ({"noise": -0.1}, ValueError, r"noise must be at least 0, received -0\.1\."),
        ({"noise": float("nan")}, ValueError, r"noise must be at least 0, received nan\."),
        ({"count": True}, ValueError, r"count must be a whole number .*, received True\."),
        ({"count": 2.5}, ValueError, r"count must be a whole number .*, received 2\.5\."),
        ({"size": "16"}, ValueError, r"size must be a whole number .*, received '16'\."),
        ({"rng": 0}, TypeError, r"rng is int\. Give numpy\.random\.default_rng\(0\)\."),
        ({"rng": None}, TypeError, r"rng is NoneType\. Give numpy\.random\.default_rng\(0\)\."),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_pictures_that_cannot_be_drawn_are_refused(settings, error, message, rng):
    with pytest.raises(error, match=f"^xo: {message}$"):
        tn.data.xo(**({"count": 1, "rng": rng} | settings))
