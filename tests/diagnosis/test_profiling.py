"""profile: time goes to the operation that took it, and the model is as it was."""

from __future__ import annotations

import contextlib
import itertools
import tracemalloc

import matplotlib
import numpy
import pytest

import tinynet as tn
from lessons import parts
from tinynet.diagnosis import timed_step
from tinynet.engine.record import current_observer
from tinynet.layers import BatchNormalization, Conv2D, Dense, Dropout, Flatten, MaxPooling2D

matplotlib.use("Agg")

mnist_low_level = parts("mnist_low_level")


class Hand:
    """A clock that stands still unless somebody turns it, by milliseconds."""

    now = 0.0

    def turn(self, milliseconds):
        self.now += milliseconds / 1e3

    def __call__(self):
        return self.now


@pytest.fixture
def hand(monkeypatch):
    hand = Hand()
    monkeypatch.setattr(timed_step, "perf_counter", hand)
    return hand


@pytest.fixture
def slow(hand):
    """An operation that takes some milliseconds forward and some backward."""

    @tn.differentiable
    def slow(x, forward: float = 0.0, backward: float = 0.0):
        hand.turn(forward)

        def dx(dy):
            hand.turn(backward)
            return dy * 2

        return x * 2, dx

    return slow


class Slow(tn.layers.Dense):
    """A layer that takes its time, beside that of its operations."""

    def __init__(self, operation, forward, backward, hand, **others):
        super().__init__(2, **others)
        self._takes = operation, forward, backward, hand

    def forward(self, x):
        operation, forward, backward, hand = self._takes
        hand.turn(0.5)  # outside operations
        return operation(super().forward(x), forward=forward, backward=backward)


class LowLevel(tn.Module):
    def __init__(self, rng):
        self.w = mnist_low_level.model(rng)
        self.rng = rng

    def forward(self, x):
        return mnist_low_level.network(x, self.w, 0.5, self.rng)[0]


def network(rng):
    layers = [Conv2D(4, 3, activation="relu"), BatchNormalization(), MaxPooling2D(), Flatten()]
    layers += [Dropout(0.5), Dense(10, kernel_regularizer=tn.regularizers.L2(0.01))]
    return tn.Sequential(layers, input_shape=(8, 8, 1), rng=rng)


def batch(rng, size=6):
    return rng.random((size, 8, 8, 1), numpy.float32), rng.integers(0, 10, size)


def lines(report):
    return {(row.name, row.operation): row for row in report.rows}


# -- time ------------------------------------------------------------------------------------------


def test_time_goes_to_the_layer_and_operation_that_took_it(hand, slow, rng):
    model = tn.Sequential(
        [Slow(slow, 3, 5, hand, name="a"), Slow(slow, 2, 1, hand, name="b")],
        input_shape=(2,),
        rng=rng,
    )
    optimizer = tn.optim.SGD(model.parameters(), 1e-6)
    step = optimizer.step
    optimizer.step = lambda: (hand.turn(2), step())[1]

    def loss(y, target):
        hand.turn(1)  # outside operations
        return slow(tn.mse(y, target), forward=4, backward=0.5)

    data = numpy.ones((3, 2), numpy.float32)
    report = tn.profile(model, (data, data), loss, optimizer, steps=3)
    found = lines(report)
    times = {key: (row.forward, row.backward, row.update) for key, row in found.items()}
    approximately = {
        ("a", ""): (3, 5, 0),
        ("a", "linear"): (0, 0, 0),
        ("a", "slow"): (3, 5, 0),
        ("b", ""): (2, 1, 0),
        ("b", "linear"): (0, 0, 0),
        ("b", "slow"): (2, 1, 0),
        ("loss", ""): (4, 0.5, 0),
        ("loss", "mse"): (0, 0, 0),
        ("loss", "slow"): (4, 0.5, 0),
        ("engine", ""): (2, 0, 0),  # twice 0.5 and once 1
        ("optimizer", ""): (0, 0, 2),
    }
    assert list(times) == list(approximately)
    for key, expected in approximately.items():
        assert times[key] == pytest.approx(expected, abs=1e-9), key
    assert report.step == pytest.approx(19.5)
    assert found["a", ""].share == pytest.approx(8 / 19.5)
    assert sum(row.share for row in report.layers) == pytest.approx(1)
    assert (report.steps, report.examples, report.peak) == (3, 3, None)


def test_it_is_the_median_that_counts_and_warm_up_does_not(hand, slow):
    durations = itertools.chain([0, 100, 100], [1, 90, 2, 3, 1])

    class Uneven(tn.Module):
        def __init__(self):
            self.w = tn.Tensor([1.0], requires_grad=True)

        def forward(self, x):
            return slow(x * self.w, forward=next(durations))

    report = tn.profile(Uneven(), ([1.0, 2.0], [0.0, 0.0]), tn.mse, steps=5)
    assert lines(report)["uneven", "slow"].forward == pytest.approx(2)
    assert (report.fastest, report.slowest) == (pytest.approx(1), pytest.approx(90))
    assert next(durations, None) is None  # one step for the memory, two to warm up, five


def test_an_operation_inside_another_is_not_counted_twice(hand, slow):
    @tn.differentiable
    def outer(x):
        hand.turn(1)
        return slow(x, forward=5).data, lambda dy: dy

    class Nested(tn.Module):
        def __init__(self):
            self.w = tn.Tensor([1.0], requires_grad=True)

        def forward(self, x):
            return outer(x * self.w)

    found = lines(tn.profile(Nested(), ([1.0, 2.0], [0.0, 0.0]), tn.mse, steps=1))
    assert found["nested", "outer"].forward == pytest.approx(1)
    assert found["nested", "slow"].forward == pytest.approx(5)


def test_an_operation_that_fails_inside_another_does_not_take_its_time(hand, slow):
    @tn.differentiable
    def outer(x):
        hand.turn(2)
        with contextlib.suppress(ValueError):
            tn.matmul(x, 1.0)
        return x * 1, lambda dy: dy

    class Nested(tn.Module):
        def __init__(self):
            self.w = tn.Tensor([1.0], requires_grad=True)

        def forward(self, x):
            return outer(x * self.w)

    found = lines(tn.profile(Nested(), ([1.0, 2.0], [0.0, 0.0]), tn.mse, steps=1))
    assert found["nested", "outer"].forward == pytest.approx(2)
    assert found["nested", "outer"].calls == 1


def test_what_fails_and_is_forgiven_does_not_disturb_the_rest(hand, slow):
    class Fails(tn.Module):
        def forward(self, x):
            return tn.matmul(x, x)

    class Forgiving(tn.Module):
        def __init__(self):
            self.w = tn.Tensor([1.0], requires_grad=True)
            self.inner = tn.Sequential([Fails()])

        def forward(self, x):
            try:
                self.inner(x)
            except ValueError:
                hand.turn(7)
            return slow(x * self.w, forward=1)

    class Outer(tn.Module):
        def __init__(self):
            self.part = Forgiving()

        def forward(self, x):
            return slow(self.part(x), forward=2)

    data = numpy.ones((2, 3), numpy.float32)
    found = lines(tn.profile(Outer(), (data, data), tn.mse, steps=1))
    assert found["outer", "slow"].forward == pytest.approx(2)
    assert found["loss", ""].forward == 0


def test_a_layer_that_is_called_twice_has_one_row(rng):
    x = tn.Input((4,))
    shared = Dense(4, activation="relu", name="shared")
    model = tn.Model(x, shared(shared(x)), rng=rng)
    data = numpy.ones((2, 4), numpy.float32)
    found = lines(tn.profile(model, (data, data), tn.mse, steps=1))
    assert [row.calls for key, row in found.items() if key[0] == "shared"] == [2, 2]
    assert found["loss", "mse"].calls == 1


def test_penalties_have_rows_of_their_own(rng):
    model = network(rng)
    report = tn.profile(model, batch(rng), tn.cross_entropy, steps=1)
    names = [(row.name, row.kind, row.operation) for row in report.rows]
    assert ("penalty", "regularizers", "") in names
    assert names[-1] == ("engine", "and all else", "")  # no optimizer was given


def test_operations_of_a_forward_of_its_own_stand_under_its_name(rng):
    data = rng.random((2, 28, 28, 1), numpy.float32), numpy.array([1, 2])
    report = tn.profile(LowLevel(rng), data, tn.cross_entropy, steps=1)
    found = [(row.kind, row.operation, row.calls) for row in report.rows if row.kind == "LowLevel"]
    assert found == [
        ("LowLevel", "", 4),
        ("LowLevel", "conv2d", 2),
        ("LowLevel", "add", 4),
        ("LowLevel", "relu", 3),
        ("LowLevel", "max_pool2d", 2),
        ("LowLevel", "reshape", 1),
        ("LowLevel", "matmul", 2),
        ("LowLevel", "dropout", 1),
    ]


# -- memory ----------------------------------------------------------------------------------------


def test_kept_is_what_cost_says(rng):
    model = network(rng)
    report = tn.profile(model, batch(rng, 5), tn.cross_entropy, steps=1)
    expected = {row.name: row.kept for row in tn.cost(model, batch=5).rows}
    assert {row.name: row.kept for row in report.layers if row.name in expected} == expected
    assert report.kept == sum(row.kept for row in report.operations)


def test_results_are_the_new_arrays(rng):
    layers = [Conv2D(4, 3, activation="relu"), Conv2D(2, 3, activation="tanh"), Flatten()]
    model = tn.Sequential([*layers, Dense(10)], input_shape=(8, 8, 1), rng=rng)
    found = lines(tn.profile(model, batch(rng, 5), tn.cross_entropy, steps=1))
    assert found["conv2d", ""].results == 5 * 6 * 6 * 4 * 4  # with its relu
    assert found["conv2d_1", "conv2d"].results == 5 * 4 * 4 * 2 * 4
    assert found["conv2d_1", ""].results == 2 * 5 * 4 * 4 * 2 * 4  # tanh has one of its own
    assert found["flatten", "reshape"].results == 0


def test_the_peak_is_measured_where_it_is_asked_for(rng):
    @tn.differentiable
    def wasteful(x):
        numpy.ones(1_000_000)  # 8 MB, gone at once
        return x * 1, lambda dy: dy

    class Wasteful(tn.Module):
        def __init__(self):
            self.w = tn.Tensor([1.0], requires_grad=True)

        def forward(self, x):
            return wasteful(x * self.w)

    data = [1.0, 2.0], [0.0, 0.0]
    report = tn.profile(Wasteful(), data, tn.mse, steps=1, peak=True)
    assert 8_000_000 < report.peak < 8_300_000
    assert "Peak of a step: 7.6" in str(report)
    assert not tracemalloc.is_tracing()


# -- nothing changes -------------------------------------------------------------------------------


def test_a_half_trained_model_goes_on_to_the_same_bits():
    def trained(look):
        rng = numpy.random.default_rng(0)
        model = network(rng)
        optimizer = tn.optim.Adam(model.parameters(), tn.schedules.Cosine(0.01, 10))
        data = tn.data.batches(*batch(rng, 12), size=6, rng=rng)
        for _ in range(2):
            tn.fit(model, data, tn.cross_entropy, optimizer, 1, progress=False)
            if look:
                x, labels = batch(numpy.random.default_rng(7))
                model.eval()
                tn.profile(model, (x, labels), tn.cross_entropy, optimizer, steps=2)
                assert not model.training and not model.layers[-1].training
        bits = [a.tobytes() for a in model.state_dict().values()]
        slots = [a.tobytes() for a in optimizer.state_dict()["slots"].values()]
        return bits, slots, optimizer.steps, [layer.rng.random() for layer in model.layers]

    assert trained(True) == trained(False)


def test_gradients_are_put_back_and_nobody_observes_afterwards(rng):
    model = network(rng)
    x, labels = batch(rng)
    tn.cross_entropy(model(x), labels).backward()
    before = [p.grad.copy() for p in model.parameters()]
    tn.profile(model, (x, labels), tn.cross_entropy, steps=1)
    for p, grad in zip(model.parameters(), before, strict=True):
        numpy.testing.assert_array_equal(p.grad, grad)
    assert current_observer.get() is None


def test_inside_the_doctor_both_do_their_work(rng):
    model = network(rng)
    x, labels = batch(rng)
    with tn.doctor():
        report = tn.profile(model, (x, labels), tn.cross_entropy, steps=1)
        model.layers[0].kernel.data[...] = numpy.nan
        with (
            numpy.errstate(all="ignore"),
            pytest.raises(FloatingPointError, match=r"^conv2d: the result holds "),
        ):
            tn.profile(model, (x, labels), tn.cross_entropy, steps=1)
    assert report.operations


def test_it_takes_what_batches_give(rng):
    model = network(rng)
    x, labels = batch(rng, 7)
    for given in ((x, labels), next(iter(tn.data.batches(x, labels, size=7)))):
        assert tn.profile(model, given, tn.cross_entropy, steps=1).examples == 7
    small = tn.Sequential([Dense(1)], input_shape=(2,), rng=rng)
    lists = [[1.0, 2.0], [3.0, 4.0]], [[0.0], [1.0]]
    assert tn.profile(small, lists, tn.mse, steps=1).examples == 2


def test_several_inputs(rng):
    a, b = tn.Input((3,)), tn.Input((3,))
    model = tn.Model([a, b], Dense(2)(tn.layers.Add()([a, b])), rng=rng)
    data = numpy.ones((4, 3), numpy.float32)
    assert tn.profile(model, (data, data, data[:, :2]), tn.mse, steps=1).examples == 4


# -- what is shown ---------------------------------------------------------------------------------


def known(rng, hand, slow):
    model = tn.Sequential([Slow(slow, 30, 50, hand, name="a"), Flatten()], (2,), rng, name="m")
    optimizer = tn.optim.SGD(model.parameters(), 1e-6)
    step = optimizer.step
    optimizer.step = lambda: (hand.turn(9.5), step())[1]
    data, target = (numpy.ones((3, 2), numpy.float32) for _ in range(2))
    return tn.profile(model, (data, target), tn.mse, optimizer, steps=4)


def test_the_table(hand, slow, rng, capsys):
    report = known(rng, hand, slow)
    assert capsys.readouterr().out == f"{report}\n"
    told = [" ".join(line.split()) for line in str(report).splitlines()]
    assert told[0] == 'Profile of "m", batch of 3'
    assert told[2] == (
        "Layer (type) Operation Calls Forward ms Backward ms Sum ms Share Results Kept"
    )
    assert told[4:11] == [
        "a (Slow) 1 30.00 50.00 80.00 88.9% 48 B 24 B",
        "linear 1 0.00 0.0% 24 B 24 B",
        "slow 1 30.00 50.00 80.00 88.9% 24 B",
        "flatten (Flatten) reshape 1 0.00 0.0%",
        "loss (mse) mse 1 0.00 0.0% 4 B 48 B",  # prediction and target
        "engine (and all else) 0.50 0.50 0.6%",
        "optimizer (SGD) 1 9.50 10.6%",
    ]
    assert told[12:] == [
        "A step: 90.00 ms, medians of 4 (90.00 to 90.00)",
        "Most of it: slow in a (Slow), 88.9%",
        "Kept for backward: 72 B",
        told[1],
    ]
    assert repr(report) == "Profile('m', 3 examples: 90 ms a step, 72 B kept)"


def test_the_picture_has_a_bar_for_each_layer_and_way(hand, slow, rng):
    report = known(rng, hand, slow)
    figure = report.plot()
    (axes,) = figure.axes
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names == [f"{row.name} ({row.kind})" for row in report.layers]
    ways = ["forward", "backward", "update"]
    assert [text.get_text() for text in axes.get_legend().texts] == ways
    for way, bars in zip(ways, axes.containers, strict=True):
        widths = [bar.get_width() for bar in bars]
        assert widths == pytest.approx([getattr(row, way) for row in report.layers])
    starts = [bar.get_x() for bar in axes.containers[1]]
    assert starts == [row.forward for row in report.layers]  # backward goes on where forward ends
    assert axes.texts[0].get_text() == " 80.00 ms, 88.9%"
    lowest, highest = axes.get_ylim()
    assert lowest > highest  # the first layer is on top
    assert figure.get_suptitle() == "m: a step of 3 examples, 90 ms"
    assert tn.plot.profile(report, "mine").get_suptitle() == "mine"


def test_the_picture_of_something_else_is_refused():
    with pytest.raises(TypeError, match=r"^profile: report is list\. Give the result of tn\.pro"):
        tn.plot.profile([1.0])


# -- errors ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"model": [1]}, TypeError, r"^profile: model is \[1\]\. Give a model, for"),
        ({"loss": None}, TypeError, r"^profile: loss is None\. Give a function \(outputs, target"),
        ({"optimizer": "Adam"}, TypeError, r"^profile: optimizer is 'Adam'\. Give tn\.optim\.Adam"),
        ({"steps": 0}, ValueError, r"^profile: steps must be a whole number of at least 1, rec"),
        (
            {"batch": numpy.ones((2, 3))},
            TypeError,
            r"^profile: a batch is ndarray [^;]*It must be a tuple \(x,",
        ),
        (
            {"batch": tn.data.batches(numpy.ones((40, 3)), numpy.ones((40, 2)))},
            TypeError,
            r"^profile: batch is 2 batches\. Give one of them, next\(iter\(data\)\)\.$",
        ),
        (
            {"batch": (numpy.ones((2, 4), numpy.float32), numpy.ones((2, 2), numpy.float32))},
            ValueError,
            r"^Dense 'dense': input \(N, 4\) has 4 features, and its kernel takes 3\.",
        ),
        (
            {"model": tn.Sequential([Dense(2)])},
            ValueError,
            r"^Dense 'dense': it has no weights yet, as it has seen no input\. Give the model",
        ),
        (
            {"loss": lambda y, target: y},
            TypeError,
            r"^profile: the loss function returned shape \(2, 2\)\. It must return a tensor of one",
        ),
    ],
)
def test_errors_say_the_fix(change, error, message, rng):
    given = {
        "model": tn.Sequential([Dense(2)], input_shape=(3,), rng=rng),
        "batch": (numpy.ones((2, 3), numpy.float32), numpy.ones((2, 2), numpy.float32)),
        "loss": tn.mse,
    }
    with pytest.raises(error, match=message):
        tn.profile(**(given | change))
    assert current_observer.get() is None


def test_a_frozen_model_is_refused(rng):
    model = tn.Sequential([Dense(2)], input_shape=(3,), rng=rng)
    model.trainable = False
    with pytest.raises(ValueError, match=r"^profile: the model has nothing to train\. Set train"):
        tn.profile(model, (numpy.ones((2, 3)), numpy.ones((2, 2))), tn.mse)
