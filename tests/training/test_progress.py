"""Progress: what a training says, on a terminal and elsewhere, by a clock that the test turns."""

from __future__ import annotations

import io
import re

import numpy
import pytest

import tinynet as tn
from tinynet.layers import Dense, Flatten
from tinynet.training.progress import Progress, clock


class Stream(io.StringIO):
    def __init__(self, terminal):
        super().__init__()
        self.terminal = terminal

    def isatty(self):
        return self.terminal


class Clock:
    now = 1000.0


@pytest.fixture
def time(monkeypatch):
    clock = Clock()
    monkeypatch.setattr("tinynet.training.progress.time.monotonic", lambda: clock.now)
    monkeypatch.setenv("COLUMNS", "120")
    return clock


def said(terminal, epochs=3):
    progress = Progress(epochs, Stream(terminal))
    return progress, progress.stream.getvalue


# -- on a terminal ---------------------------------------------------------------------------------


def test_a_terminal_shows_a_bar_the_numbers_the_speed_and_the_time_left(time):
    progress, text = said(terminal=True)
    progress.start(2, 8, "images")
    for batch in (1, 2):
        time.now += 5
        progress.batch(batch, 100, lambda: {"loss": 1.25, "accuracy": 1 / 3})
    one, two = text().split("\r")[1:]
    assert one.rstrip() == (
        "epoch 2/3 [##                  ] 1/8  loss 1.2500  accuracy 0.3333  20 images/s  0:35 left"
    )
    assert two.rstrip() == (
        "epoch 2/3 [#####               ] 2/8  loss 1.2500  accuracy 0.3333  20 images/s  0:30 left"
    )
    assert "\n" not in text()


def test_a_terminal_hears_ten_times_a_second_at_most(time):
    progress, text = said(terminal=True)
    progress.start(1, 1000, "examples")
    for batch in range(1, 101):  # 1/64 of a second is a whole number of binary digits
        time.now += 1 / 64
        progress.batch(batch, 1, lambda: {"loss": 1.0})
    assert text().count("\r") == 100 // 7  # every 7 / 64 seconds


def shown(text):
    """What stands on a terminal, line by line, after what was written to it."""
    lines = []
    for line in text.split("\n"):
        cells = []
        for part in line.split("\r"):
            cells[: len(part)] = part
        lines.append("".join(cells))
    return lines


def test_a_shorter_line_clears_the_longer_one(time):
    progress, text = said(terminal=True)
    progress.start(1, 8, "images")
    time.now += 1
    progress.batch(1, 123456, lambda: {"loss": 123456.0})
    time.now += 99
    progress.batch(7, 1, lambda: {"loss": 1.0})
    assert shown(text())[0].rstrip() == (
        "epoch 1/3 [#################   ] 7/8  loss 1.0000  1,235 images/s  0:14 left"
    )
    progress.end({"loss": 1.0})
    (line, rest) = shown(text())
    assert line.rstrip() == "epoch 1/3  loss 1.0000  1,235 images/s  1:40"
    assert rest == ""
    progress.start(2, 8, "images")
    time.now += 1
    progress.batch(1, 1, lambda: {"loss": 1.0})
    assert len(shown(text())) == 2


@pytest.mark.parametrize(
    ("columns", "bar"),
    [
        (120, "[#####               ] "),
        (90, "[#####               ] "),
        (80, "[##        ] "),
        (75, "[#    ] "),
        (74, ""),
        (67, ""),
    ],
)
def test_the_bar_is_as_long_as_there_is_room(columns, bar, time, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    progress, text = said(terminal=True)
    progress.start(1, 8, "images")
    time.now += 10
    progress.batch(2, 10, lambda: {"loss": 1.0, "accuracy": 0.5})
    rest = "2/8  loss 1.0000  accuracy 0.5000  1 images/s  1:00 left"
    assert text() == f"\repoch 1/3 {bar}{rest}"
    assert len(text()) <= columns


def test_a_line_that_would_wrap_is_cut_off(time, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    progress, text = said(terminal=True)
    progress.start(1, 8, "images")
    for batch in (1, 2):
        time.now += 1
        progress.batch(batch, 10, lambda: {"loss": 1.0, "accuracy": 0.5})
    assert [len(line) for line in text().split("\r")[1:]] == [39, 39]
    progress.end({"loss": 1.0, "accuracy": 0.5})
    assert text().rstrip().endswith("loss 1.0000  accuracy 0.5000  10 images/s  0:02")


def test_after_an_interruption_the_next_line_is_a_new_one(time):
    progress, text = said(terminal=True)
    progress.start(1, 8, "images")
    progress.interrupted()
    assert text() == ""  # nothing to end
    time.now += 1
    progress.batch(1, 10, lambda: {"loss": 1.0})
    progress.interrupted()
    assert text().endswith("\n")
    assert len(shown(text())) == 2
    progress.interrupted()
    assert text().count("\n") == 1


# -- in a notebook ---------------------------------------------------------------------------------


def test_a_notebook_rewrites_its_line_as_a_terminal_of_100_columns_does(time):
    Jupyters = type("OutStream", (Stream,), {"__module__": "ipykernel.iostream"})
    progress = Progress(3, Jupyters(terminal=False))
    progress.start(1, 8, "images")
    for batch in (1, 2):
        time.now += 1
        progress.batch(batch, 10, lambda: {f"number {i}": 1.0 for i in range(8)})
    progress.end({"loss": 1.0})
    one, two, end = progress.stream.getvalue().split("\r")[1:]
    assert [len(one), len(two)] == [99, 99]
    assert end.rstrip(" \n") == "epoch 1/3  loss 1.0000  10 images/s  0:02"
    assert end.endswith("\n")


# -- elsewhere -------------------------------------------------------------------------------------


def test_elsewhere_there_are_plain_lines_every_30_seconds_and_for_each_epoch(time):
    progress, text = said(terminal=False)
    progress.start(1, 100, "examples")
    for batch in range(1, 101):
        time.now += 1
        progress.batch(batch, 32, lambda: {"loss": 2.0})
    progress.end({"loss": 2.0, "validation loss": 2.5})
    progress.interrupted()
    assert text() == (
        "epoch 1/3 30/100  loss 2.0000  32 examples/s  1:10 left\n"
        "epoch 1/3 60/100  loss 2.0000  32 examples/s  0:40 left\n"
        "epoch 1/3 90/100  loss 2.0000  32 examples/s  0:10 left\n"
        "epoch 1/3  loss 2.0000  validation loss 2.5000  32 examples/s  1:40\n"
    )


def test_data_without_a_length_have_no_bar_and_no_end(time):
    for terminal in (True, False):
        progress, text = said(terminal)
        progress.start(1, None, "examples")
        time.now += 60
        progress.batch(7, 60, lambda: {"loss": 2.0})
        assert text().strip() == "epoch 1/3 batch 7  loss 2.0000  1 examples/s"


def test_the_time_left_counts_the_batches_of_this_process_only(time):
    progress, text = said(terminal=False)
    progress.start(1, 100, "examples")  # a run that goes on after batch 90
    for batch in (91, 92):
        time.now += 30
        progress.batch(batch, 10, lambda: {"loss": 2.0})
    assert re.findall(r"\S+ left", text()) == ["4:30 left", "4:00 left"]


def test_each_epoch_has_its_own_speed_and_time(time):
    progress, text = said(terminal=False)
    for epoch, seconds in ((1, 10), (2, 20)):
        progress.start(epoch, 1, "images")
        time.now += seconds
        progress.batch(1, 100, lambda: {"loss": 1.0})
        progress.end({"loss": 1.0})
    assert text() == (
        "epoch 1/3  loss 1.0000  10 images/s  0:10\nepoch 2/3  loss 1.0000  5 images/s  0:20\n"
    )


def test_the_speed_is_that_of_training_and_the_time_is_with_validation(time):
    progress, text = said(terminal=False)
    progress.start(1, 1, "images")
    time.now += 10
    progress.batch(1, 100, lambda: {"loss": 1.0})
    time.now += 30  # validation
    progress.end({"loss": 1.0})
    assert text() == "epoch 1/3  loss 1.0000  10 images/s  0:40\n"


def test_no_time_at_all_divides_by_nothing(time):
    progress, text = said(terminal=False)
    progress.start(1, 1, "images")
    progress.end({"loss": 1.0})
    assert text() == "epoch 1/3  loss 1.0000  0 images/s  0:00\n"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        *((0, "0:00"), (0.4, "0:00"), (59.4, "0:59"), (59.6, "1:00"), (61, "1:01")),
        *((3599.4, "59:59"), (3599.6, "1:00:00"), (3661, "1:01:01"), (360000, "100:00:00")),
    ],
)
def test_a_time_in_hours_minutes_and_seconds(seconds, text):
    assert clock(seconds) == text


# -- of a training ---------------------------------------------------------------------------------

X = numpy.zeros((6, 2, 2, 1), numpy.float32)
Y = numpy.zeros(6, int)


def train(x=X, progress=True, loss=tn.cross_entropy, **settings):
    model = tn.Sequential(
        [Flatten(), Dense(2)], input_shape=x.shape[1:], rng=numpy.random.default_rng(0)
    )
    optimizer = tn.optim.SGD(model.parameters(), 0.1)
    data = tn.data.batches(x, Y, size=2)
    return tn.fit(model, data, loss, optimizer, 2, progress=progress, **settings)


def test_a_training_says_on_stderr_how_it_goes(time, capsys):
    history = train(validation=(X, Y))
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "".join(
        f"epoch {i}/2  loss {e['loss']:.4f}  validation loss {e['validation loss']:.4f}  "
        f"{6 / 1e-9:,.0f} images/s  0:00\n"
        for i, e in enumerate(history.epochs, 1)
    )


def test_what_are_no_pictures_are_examples(time, capsys):
    train(X.reshape(6, 4))
    assert "images" not in capsys.readouterr().err


def test_a_training_shows_its_means_so_far(time, capsys):
    def loss(outputs, target):
        time.now += 30
        return outputs.sum() * 0 + time.now - 1000

    train(loss=loss)
    lines = capsys.readouterr().err.splitlines()
    assert [re.search(r"loss (\S+)", line)[1] for line in lines] == [
        *("30.0000", "45.0000", "60.0000", "60.0000"),
        *("120.0000", "135.0000", "150.0000", "150.0000"),
    ]


def test_a_name_stands_in_front_of_each_line(time, capsys):
    x = numpy.zeros((4, 3), numpy.float32)
    model = tn.Sequential([Dense(2)], input_shape=(3,), rng=numpy.random.default_rng(0))
    optimizer = tn.optim.SGD(model.parameters(), 0.1)
    data = tn.data.batches(x, numpy.zeros((4, 2), numpy.float32), size=2)
    tn.fit(model, data, "mse", optimizer, 2, progress="the judge")
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition("  ")[0] for line in lines] == [
        "the judge: epoch 1/2",
        "the judge: epoch 2/2",
    ]


def test_without_progress_nothing_is_said(time, capsys):
    train(progress=False, validation=(X, Y))
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("terminal", [True, False])
def test_a_training_that_fails_ends_its_line(terminal, time, monkeypatch):
    stream = Stream(terminal)
    monkeypatch.setattr("sys.stderr", stream)

    def loss(outputs, target):
        time.now += 31
        if time.now > 1070:
            raise KeyboardInterrupt
        return tn.cross_entropy(outputs, target)

    with pytest.raises(KeyboardInterrupt):
        train(loss=loss)
    assert stream.getvalue().endswith("\n")
    assert not stream.getvalue().endswith("\n\n")
    assert ("\r" in stream.getvalue()) == terminal
    assert "\x1b" not in stream.getvalue()
