"""Minibatches, and the pictures of X and O."""

from __future__ import annotations

import functools
import re
import threading

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


@pytest.mark.parametrize(
    ("size", "sizes"), [(1, [1] * 10), (3, [3, 3, 3]), (5, [5, 5]), (10, [10])]
)
@pytest.mark.parametrize("prefetch", [False, True])
def test_drop_last_leaves_a_smaller_last_batch_out(size, sizes, prefetch):
    settings = {"size": size, "drop_last": True, "prefetch": prefetch}
    data = tn.data.batches(X, **settings)
    assert [len(x) for (x,) in data] == sizes
    assert len(data) == len(sizes)
    (x,) = gathered(data)
    numpy.testing.assert_array_equal(x, X[: sum(sizes)])
    other = tn.data.batches(X, rng=numpy.random.default_rng(0), **settings)
    assert [len(x) for (x,) in other] == sizes


def test_arrays_of_the_gpu_are_divided_too(pretended_gpu):
    there = tn.Tensor(X).to("gpu")
    assert there.device == "gpu"
    for array in (there, there.data):
        for device, name in (("cpu", "cpu"), ("gpu", "gpu"), ("cuda", "gpu")):
            data = tn.data.batches(array, LABELS, size=3, device=device)
            assert {x.device for x, _ in data} == {data.device} == {name}
            x, labels = gathered(data)
            numpy.testing.assert_array_equal(x, X)
            numpy.testing.assert_array_equal(labels, LABELS)


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
        (
            ((X, X[0]),),
            {},
            ValueError,
            "the rows of the list have different lengths. Give the arrays apart, batches(x, "
            "target).",
        ),
        (
            (*[[[1, 2], [3]]] * 2,),
            {},
            ValueError,
            "the sequences have different lengths. Write x, mask = tn.data.padded(sequences).",
        ),
        (
            ([X[:2], X[:3]],),
            {},
            ValueError,
            "the sequences have different lengths. Write x, mask = tn.data.padded(sequences).",
        ),
        (
            (numpy.array([[1, 2], [3]], object), LABELS[:2]),
            {},
            ValueError,
            "the sequences have different lengths. Write x, mask = tn.data.padded(sequences).",
        ),
        (
            (tn.data.padded([[1, 2], [3], [4]]), LABELS[:3]),
            {},
            TypeError,
            "x and its mask are in one tuple. Write x, mask = tn.data.padded(sequences), and give "
            "x.",
        ),
        ((["x", "o"],), {}, TypeError, "the arrays hold <U1. Give numbers."),
        *(
            (
                (X,),
                {"size": size},
                ValueError,
                f"size must be a whole number of at least 1, received {size!r}.",
            )
            for size in (0, 2.0)
        ),
        (
            (X,),
            {"size": 11, "drop_last": True},
            ValueError,
            "10 examples fill no batch of 11, and drop_last leaves none. Give a smaller size.",
        ),
        (
            (X,),
            {"rng": 0},
            TypeError,
            "rng is int. Give a generator, numpy.random.default_rng(0).",
        ),
        (
            (X,),
            {"device": "tpu"},
            ValueError,
            'there is no device \'tpu\'. The devices are "cpu" and "gpu".',
        ),
        (
            (X,),
            {"augment": "flip", "rng": numpy.random.default_rng(0)},
            TypeError,
            "augment is 'flip'. Give a function (pictures, rng).",
        ),
        (
            (X,),
            {"augment": len},
            ValueError,
            "augment draws at random, and there is no rng. Give rng=numpy.random.default_rng(0).",
        ),
    ],
    ids=[
        *("no arrays", "a number", "None", "lengths", "no examples", "ragged list", "sequences"),
        *("arrays of other lengths", "objects", "a mask beside x", "words"),
        *("size 0", "size 2.0", "drop_last", "rng", "device"),
        *("augment", "augment without rng"),
    ],
)
def test_what_cannot_be_divided_is_refused_when_asked_for(arrays, settings, error, message):
    with pytest.raises(error, match=f"^{re.escape('batches: ' + message)}"):
        tn.data.batches(*arrays, **settings)  # not only when the first batch is taken


# -- batches that are gone through many times ------------------------------------------------------


def shuffled(seed=0, **settings):
    settings = {"size": 3, "rng": numpy.random.default_rng(seed)} | settings
    return tn.data.batches(X, LABELS, **settings)


def noisy(x, rng):
    return x + rng.normal(size=x.shape).astype(numpy.float32)


def bits(batches):
    return [tuple(t.numpy().tobytes() for t in batch) for batch in batches]


@pytest.mark.parametrize(("size", "count"), [(1, 10), (3, 4), (5, 2), (10, 1), (11, 1)])
def test_they_know_how_many_they_are_and_how_many_examples_they_hold(size, count):
    data = tn.data.batches(X, size=size)
    assert (len(data), data.examples) == (count, 10)
    assert len(list(data)) == count


def test_kept_in_order_every_pass_is_the_same():
    data = tn.data.batches(X, LABELS, size=3)
    assert bits(data) == bits(data) == bits(tn.data.batches(X, LABELS, size=3))


def test_two_passes_at_once_do_not_disturb_each_other():
    data = tn.data.batches(LABELS, size=3)
    assert [(a.numpy()[0], b.numpy()[0]) for (a,), (b,) in zip(data, data, strict=True)] == [
        (n, n) for n in (0, 3, 6, 9)
    ]


def test_nothing_is_drawn_before_a_pass_and_all_of_it_when_the_pass_begins():
    data = shuffled(augment=noisy, prefetch=True)
    before = data.rng.bit_generator.state
    assert (len(data), data.examples) == (4, 10)
    assert data.rng.bit_generator.state == before
    batches = iter(data)
    drawn = data.rng.bit_generator.state
    assert drawn != before
    list(batches)
    assert data.rng.bit_generator.state == drawn


@pytest.mark.parametrize("augment", [None, noisy], ids=["plain", "augmented"])
def test_prefetched_batches_are_the_same(augment, device):
    one, ahead = (shuffled(augment=augment, prefetch=p, device=device) for p in (False, True))
    for _ in range(3):
        assert bits(one) == bits(ahead)
    assert {t.device for batch in ahead for t in batch} == {device}


@pytest.mark.parametrize("prefetch", [False, True])
@pytest.mark.parametrize("first", range(5))
def test_a_pass_that_starts_later_leaves_out_and_changes_nothing(first, prefetch):
    whole, late = shuffled(augment=noisy), shuffled(augment=noisy, prefetch=prefetch)
    assert bits(late.start_at(first)) == bits(whole)[first:]
    assert bits(late) == bits(whole)  # the pass after it


def test_a_state_repeats_the_pass_before_which_it_was_taken():
    data = shuffled(augment=noisy)
    bits(data)
    state = data.state_dict()
    second, third = bits(data), bits(data)
    other = shuffled(seed=7, augment=noisy)
    other.load_state_dict(state)
    assert (bits(other), bits(other)) == (second, third)
    data.load_state_dict(state)
    assert bits(data.start_at(2)) == second[2:]


def test_a_state_of_batches_in_their_order_is_how_many_they_are():
    data = tn.data.batches(X, size=3)
    assert data.state_dict() == {"examples": 10, "size": 3, "drop_last": False}
    data.load_state_dict(data.state_dict())


def test_a_state_of_other_batches_names_every_difference_and_changes_nothing():
    data = shuffled()
    before = data.state_dict()
    with pytest.raises(ValueError) as caught:
        data.load_state_dict(tn.data.batches(X[:9], size=4).state_dict())
    assert str(caught.value) == (
        "batches: the state is of other batches:\n"
        "  examples is 10 here, and 9 in what is loaded\n"
        "  size is 3 here, and 4 in what is loaded\n"
        "  rng: there is one here, and none in what is loaded\n"
        "Nothing was loaded. Give them as they were when it was saved."
    )
    philox = numpy.random.Generator(numpy.random.Philox(0))
    with pytest.raises(ValueError, match=r"^batches: the saved state is not one of a PCG64"):
        data.load_state_dict(shuffled(rng=philox).state_dict())
    assert data.state_dict() == before


# -- augmentation ----------------------------------------------------------------------------------


def test_the_first_array_of_each_batch_is_augmented_and_the_data_are_not():
    x = X.copy()
    seen = []

    def augment(pictures, rng):
        seen.append(pictures.copy())
        pictures += 100  # in place, even
        return pictures

    batches = tn.data.batches(x, x, size=3, rng=numpy.random.default_rng(0), augment=augment)
    pictures, target = gathered(batches)
    numpy.testing.assert_array_equal(pictures, target + 100)
    numpy.testing.assert_array_equal(numpy.concatenate(seen), target)
    numpy.testing.assert_array_equal(x, X)


@pytest.mark.parametrize(
    ("function", "settings"),
    [
        (tn.data.augment.affine, {"rotate": 10}),
        (tn.data.augment.rotate, {"degrees": 10}),
        (tn.data.augment.shift, {"fraction": 0.2}),
        (tn.data.augment.shear, {"degrees": 10}),
        (tn.data.augment.zoom, {"fraction": 0.2}),
        (tn.data.augment.flip, {"vertical": True}),
        (tn.data.augment.elastic, {"strength": 1, "smoothness": 2}),
        (tn.data.augment.brightness, {"amount": 0.2}),
        (tn.data.augment.contrast, {"amount": 0.2}),
        (tn.data.augment.cutout, {"size": 2}),
    ],
)
def test_the_functions_of_augment_fit_with_their_settings(function, settings):
    pictures = numpy.random.default_rng(0).random((6, 8, 8, 1), numpy.float32)
    augment = functools.partial(function, **settings)
    rng = numpy.random.default_rng(1)
    (x,) = gathered(tn.data.batches(pictures, size=3, rng=rng, augment=augment))
    assert (x.shape, x.dtype) == (pictures.shape, numpy.float32)
    assert not all((picture == pictures).all(axis=(1, 2, 3)).any() for picture in x)


def test_every_batch_and_every_pass_draws_other_numbers():
    zeros = numpy.zeros((4, 2), numpy.float32)
    data = tn.data.batches(zeros, size=2, rng=numpy.random.default_rng(0), augment=noisy)
    assert len({x for _ in range(3) for (x,) in bits(data)}) == 6


def test_what_a_batch_draws_does_not_depend_on_how_much_the_others_drew():
    def greedy(x, rng):
        if 0 in x[:, 0]:
            rng.normal(size=100)
        return noisy(x, rng)

    plain, order = gathered(shuffled(augment=noisy))
    other, same_order = gathered(shuffled(augment=greedy))
    assert order.tolist() == same_order.tolist()
    changed = (plain != other).any(axis=1)
    place = order.tolist().index(0) // 3
    assert changed.tolist() == [n // 3 == place for n in range(10)]


@pytest.mark.parametrize(
    ("augment", "shape"),
    [
        (lambda x, rng: x[:-1], (2, 2)),
        (lambda x, rng: x.repeat(2, axis=0), (6, 2)),
        (lambda x, rng: None, ()),
    ],
    ids=["fewer", "more", "none"],
)
@pytest.mark.parametrize("prefetch", [False, True])
def test_augmentation_returns_as_many_pictures_as_it_was_given(augment, shape, prefetch):
    message = (
        f"batches: augment returned shape {shape} for pictures (3, 2). It must return as many."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        list(shuffled(augment=augment, prefetch=prefetch))


# -- the thread that prepares batches --------------------------------------------------------------


def test_one_other_thread_prepares_the_batches_and_ends_with_them():
    made = []

    def augment(x, rng):
        made.append(threading.current_thread())
        return x

    batches = iter(shuffled(augment=augment, prefetch=True))
    assert made == []
    assert len(list(batches)) == 4
    assert len(made) == 4
    (thread,) = set(made)
    assert thread is not threading.current_thread()
    assert not thread.is_alive()


def test_the_next_batch_is_prepared_while_this_one_is_used():
    second = threading.Event()
    calls = []

    def augment(x, rng):
        calls.append(None)
        if len(calls) == 2:
            second.set()
        return x

    batches = iter(shuffled(augment=augment, prefetch=True))
    next(batches)
    assert second.wait(60)  # nobody has asked for it yet
    assert len(list(batches)) == 3
    assert len(calls) == 4


@pytest.mark.parametrize("fails", [1, 2, 4])
def test_an_error_of_the_augmentation_comes_up_once_and_ends_the_thread(fails):
    calls = iter(range(1, 100))

    def augment(x, rng):
        if next(calls) == fails:
            raise ZeroDivisionError("one")
        return x

    before = threading.active_count()
    data = shuffled(augment=augment, prefetch=True)
    batches = iter(data)
    for _ in range(fails - 1):
        next(batches)
    with pytest.raises(ZeroDivisionError, match=r"^one$"):
        next(batches)
    assert threading.active_count() == before
    with pytest.raises(StopIteration):
        next(batches)
    assert len(list(data)) == 4  # another pass


@pytest.mark.parametrize("taken", [0, 1, 3, 4])
def test_a_loop_that_is_left_early_leaves_no_thread(taken):
    before = threading.active_count()
    for i, _ in enumerate(shuffled(augment=noisy, prefetch=True)):
        if i == taken:
            break
    assert threading.active_count() == before


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
        ({"noise": -0.1}, ValueError, r"noise must be at least 0 and finite, received -0\.1\."),
        ({"noise": float("nan")}, ValueError, r"noise must be .* finite, received nan\."),
        ({"count": 2.5}, ValueError, r"count must be a whole number .*, received 2\.5\."),
        ({"size": "16"}, ValueError, r"size must be a whole number .*, received '16'\."),
        ({"rng": None}, TypeError, r"rng is NoneType\. Give a generator, .*default_rng\(0\)\."),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_pictures_that_cannot_be_drawn_are_refused(settings, error, message, rng):
    with pytest.raises(error, match=f"^xo: {message}$"):
        tn.data.xo(**({"count": 1, "rng": rng} | settings))


def test_batches_show_what_they_hold():
    x, labels = numpy.zeros((70, 4), numpy.float32), numpy.zeros(70, numpy.int64)
    assert repr(tn.data.batches(x, labels)) == (
        "Batches(70 examples in 3 batches of 32, in their order: (70, 4) float32, (70,) int64)"
    )
    assert "of 8, shuffled" in repr(tn.data.batches(x, size=8, rng=numpy.random.default_rng(0)))
