"""Observers see every operation, pullback and module, in order, beside one another."""

from __future__ import annotations

import functools

import numpy
import pytest

import tinynet as tn
from tinynet.diagnosis.kept_memory import Kept, arrays_of, new_bytes, owner, size_text
from tinynet.engine.observer import Observer, Work, observe
from tinynet.engine.record import current_observer
from tinynet.layers import Dense, Flatten, MaxPooling2D


class Diary(Observer):
    """Writes down what it is told."""

    def __init__(self, name="", into=None):
        self.name = name
        self.lines = [] if into is None else into

    def write(self, *words):
        self.lines.append(" ".join([*filter(None, [self.name]), *words]))

    def before_forward(self, operation, inputs, settings):
        self.write("begin", operation, *sorted(settings))

    def after_forward(self, y, inputs, settings, work):
        arrays = [x.data if isinstance(x, tn.Tensor) else x for x in inputs]
        declared = work(y.data, *arrays, **settings) if work else Work()
        adds = [f"{declared.multiply_adds} multiply-adds"] * bool(declared.multiply_adds)
        self.write("end", y.operation, str(y.shape), *adds)

    def before_pullback(self, y, pullback):
        self.write("back", y.operation)

    def after_pullback(self, y, x, dx):
        self.write("gave", y.operation, str(dx.shape))

    def before_module(self, module, x):
        self.write("call", module.label)

    def after_module(self, module, y):
        self.write("left", module.label)


def test_everything_is_told_in_order(rng):
    model = tn.Sequential([Flatten(), Dense(2, activation="relu")], input_shape=(2, 2), rng=rng)
    diary = Diary()
    with observe(diary):
        model(tn.Tensor(numpy.ones((3, 2, 2), numpy.float32))).sum().backward()
    assert diary.lines == [
        "call Sequential",
        "call Flatten 'flatten'",
        "begin reshape shape",
        "end reshape (3, 4)",
        "left Flatten 'flatten'",
        "call Dense 'dense'",
        "begin linear relu",
        "end linear (3, 2) 24 multiply-adds",
        "left Dense 'dense'",
        "left Sequential",
        "begin sum",
        "end sum ()",
        "back sum",
        "gave sum (3, 2)",
        "back linear",  # x needs no gradient, w and b do
        "gave linear (4, 2)",
        "back linear",
        "gave linear (2,)",
    ]


def test_settings_are_told_by_name_however_they_were_written(rng):
    told = []

    class Settings(Observer):
        def before_forward(self, operation, inputs, settings):
            told.append((len(inputs), settings))

        def after_forward(self, y, inputs, settings, work):
            told.append((len(inputs), settings))

    x = rng.random((1, 4, 4, 1))
    with observe(Settings()):
        tn.max_pool2d(x, 2, 1)
        MaxPooling2D(2, 1)(x)
    assert told[:2] == [(1, {"size": 2, "stride": 1})] * 2
    assert told[2] == (1, {"size": (2, 2), "stride": (1, 1), "padding": "valid"})


def test_the_outer_observer_begins_first_and_ends_last():
    lines = []
    x = tn.Tensor([1.0], requires_grad=True)
    with observe(Diary("outer", lines)), observe(Diary("inner", lines)):
        tn.exp(x).backward()
        Flatten()(x)
    assert lines == [
        "outer begin exp",
        "inner begin exp",
        "inner end exp (1,)",
        "outer end exp (1,)",
        "outer back exp",
        "inner back exp",
        "inner gave exp (1,)",
        "outer gave exp (1,)",
        "outer call Flatten",
        "inner call Flatten",
        "outer begin reshape shape",
        "inner begin reshape shape",
        "inner end reshape (1, 1)",
        "outer end reshape (1, 1)",
        "inner left Flatten",
        "outer left Flatten",
    ]


def test_alone_the_others_see_nothing_and_come_back():
    outer, inner = Diary(), Diary()
    with observe(outer):
        with observe(inner, alone=True):
            tn.exp(1.0)
        tn.log(1.0)
    assert inner.lines == ["begin exp", "end exp ()"]
    assert outer.lines == ["begin log", "end log ()"]


def test_nobody_observes_after_the_block_nor_after_an_error():
    diary = Diary()
    with pytest.raises(ValueError), observe(diary):
        tn.matmul([[1.0]], [[1.0], [2.0]])
    assert diary.lines == ["begin matmul"]
    assert current_observer.get() is None
    tn.exp(1.0)
    assert diary.lines == ["begin matmul"]


# -- memory ----------------------------------------------------------------------------------------


def test_the_owner_of_a_view_is_the_array_whose_memory_it_shows():
    whole = numpy.zeros((6, 6))
    windows = numpy.lib.stride_tricks.sliding_window_view(whole[1:], (2, 2))
    for view in (whole, whole[1:], whole.T.reshape(-1, 3)[::2].T, windows.transpose(2, 0, 1, 3)):
        assert (owner(view) is whole) == numpy.shares_memory(view, whole)
    assert owner(windows) is whole
    assert owner(numpy.frombuffer(b"12345678")).nbytes == 8


def test_a_result_that_is_a_view_takes_no_memory():
    x = tn.Tensor(numpy.ones((2, 3), numpy.float32))
    assert new_bytes(tn.exp(x), [x]) == 24
    assert new_bytes(x.reshape(6), [x]) == new_bytes(x[1:], [x]) == new_bytes(x.T, [x]) == 0
    assert new_bytes(tn.exp(x.data), [x.data]) == 24


def test_each_array_is_counted_once_and_weights_are_not():
    w = tn.Tensor(numpy.ones((5, 5), numpy.float32), requires_grad=True)
    kept = Kept([w])
    x = tn.Tensor(numpy.ones((2, 5), numpy.float32))
    h = x @ w  # holds x and w
    assert kept.added_by(h) == 40
    y = tn.exp(h)  # holds itself
    assert kept.added_by(y) == 40
    assert kept.added_by(y * y[:, ::-1]) == 0  # y, and a view of it
    with tn.no_grad():
        assert kept.added_by(tn.exp(w)) == 0


def test_a_view_keeps_the_whole_array():
    x = tn.Tensor(numpy.ones((4, 5), numpy.float32))
    w = tn.Tensor([2.0], requires_grad=True)
    assert Kept([w]).added_by(x[:1] * w) == x.data.nbytes


def test_of_a_batch_that_is_a_view_of_all_the_data_the_batch_counts():
    data = numpy.ones((100, 5), numpy.float32)
    w = tn.Tensor([2.0], requires_grad=True)
    x = tn.Tensor(data[:4])
    assert Kept([w], [x]).added_by(x * w) == x.data.nbytes


def test_arrays_are_found_wherever_a_pullback_holds_them():
    a, b, c, d = (numpy.full(1, i) for i in range(4))

    class Holder:
        def pullback(self, dy, kept=d):
            return dy

    def inner():
        return [{"a": a}]

    found = arrays_of((lambda dy: inner(), functools.partial(max, b, key=c), Holder().pullback))
    assert sorted(int(array[0]) for array in found) == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0"),
        (7, "7 B"),
        (999, "999 B"),
        (1000, "0.977 KiB"),
        (2**20, "1 MiB"),
        (40.5 * 2**20, "40.5 MiB"),
        (1000 * 28 * 28 * 25 * 8 * 4, "598 MiB"),
        (1023 * 2**20, "0.999 GiB"),
    ],
)
def test_sizes_are_written_to_three_digits(size, text):
    assert size_text(size) == text
