"""A training that is stopped after any batch, saved, and taken up again gives the same bits.

Weights, the optimizer's slots, moving statistics, generators, history and callbacks are compared
with those of a training that nobody stopped; and a file of another training changes nothing.
"""

from __future__ import annotations

import functools
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy
import pytest

import tinynet as tn
from tinynet.layers import BatchNormalization, Conv2D, Dense, Dropout, Flatten, GaussianNoise
from tinynet.training import resume
from tinynet.training.resume import generators

from ..io.test_io import assert_same

ROOT = Path(__file__).parents[2]
EPOCHS, BATCHES = 4, 3  # 10 pictures in batches of 4, 4 and 2
DATA = numpy.random.default_rng(5)
X = DATA.normal(size=(10, 5, 5, 1)).astype(numpy.float32)
Y = DATA.integers(0, 3, 10)
HELD_OUT = DATA.normal(size=(7, 5, 5, 1)).astype(numpy.float32), DATA.integers(0, 3, 7)


class Killed(BaseException):
    """What ends a training from outside."""


class Witness(tn.callbacks.Callback):
    """Saves the run, calls, or stops, after so many batches in all; and keeps the run."""

    def __init__(self, after: int | None = None, then: Callable | None = None) -> None:
        self.after = after
        self.then = then

    def before_training(self, run):
        self.run = run

    def after_batch(self, run):
        if run.epoch * BATCHES + run.batch == self.after:
            self.then(run)


class Training(NamedTuple):
    model: tn.Module
    data: object
    optimizer: object
    validation: object
    callbacks: list


def shifted(pictures, rng):
    return tn.data.augment.shift(pictures, rng, 0.2)


def network(rng, outputs=3):
    layers = [
        Conv2D(2, 3, kernel_regularizer=tn.regularizers.L2(0.01)),
        BatchNormalization(momentum=0.9),
        Flatten(),
        GaussianNoise(0.3),
        Dropout(0.4),
        Dense(outputs, activity_regularizer=tn.regularizers.L1(0.01)),
    ]
    return tn.Sequential(layers, input_shape=(5, 5, 1), rng=rng)


def everything(prefetch=False) -> Training:
    """All that draws at random or remembers something."""
    model = network(numpy.random.default_rng(1))
    data = tn.data.batches(
        *(X, Y), size=4, rng=numpy.random.default_rng(2), augment=shifted, prefetch=prefetch
    )
    schedule = tn.schedules.Warmup(2, tn.schedules.Cosine(0.05, 9))
    optimizer = tn.optim.Adam(model.parameters(), schedule, weight_decay=0.01, clip_norm=1.0)
    held_out = tn.data.batches(*HELD_OUT, size=3, rng=numpy.random.default_rng(3))
    return Training(model, data, optimizer, held_out, [tn.callbacks.EarlyStopping(patience=2)])


class Shaken(tn.Module):
    """Draws in forward from two generators, one of which it has under a name of its own."""

    def __init__(self, rng):
        self.body = network(rng)
        self.rng = rng
        self.dice = numpy.random.Generator(numpy.random.MT19937(7))

    def forward(self, x):
        if self.training:
            x = tn.gaussian_noise(x, 0.1, self.rng)
            x = tn.gaussian_noise(x, 0.1, self.dice)
        return self.body(x)


def one_generator_for_all() -> Training:
    rng = numpy.random.default_rng(4)
    model = Shaken(rng)
    data = tn.data.batches(X, Y, size=4, rng=rng, augment=shifted)
    optimizer = tn.optim.SGD(model.parameters(), 0.02, momentum=0.9)
    return Training(model, data, optimizer, tn.data.batches(*HELD_OUT, size=3, rng=rng), [])


def tuples() -> Training:
    """Data that is not tn.data.batches, without a generator and without an end of its own."""
    model = network(numpy.random.default_rng(1))
    data = [(X[i : i + 4], Y[i : i + 4]) for i in range(0, 10, 4)]
    return Training(model, data, tn.optim.RMSprop(model.parameters(), 0.01), HELD_OUT, [])


KINDS = {
    "everything": everything,
    "prefetched": functools.partial(everything, prefetch=True),
    "one generator for all": one_generator_for_all,
    "list of tuples": tuples,
}


def train(kind, *callbacks, epochs=EPOCHS, resume=None):
    """A new training of that kind from the beginning, or from a file.  Returns its Run."""
    t = KINDS[kind]()
    witness = next((c for c in callbacks if isinstance(c, Witness)), None) or Witness()
    others = [c for c in callbacks if c is not witness]
    tn.fit(
        *(t.model, t.data, tn.cross_entropy, t.optimizer, epochs),
        validation=t.validation,
        metrics=[tn.metrics.accuracy],
        callbacks=[*t.callbacks, witness, *others],
        resume=resume,
        progress=False,
    )
    return witness.run


@functools.cache
def unbroken(kind, epochs=EPOCHS):
    return train(kind, epochs=epochs).state_dict()


def where_it_stands(run):
    """All of it but the list of callbacks, where one training had a SaveState and one had not."""
    state = run.state_dict() if isinstance(run, tn.Run) else dict(run)
    callbacks = {c["kind"]: c["state"] for c in state.pop("callbacks")}
    return state | {"early": callbacks.get("EarlyStopping")}


def stopped(kind, after, then, *callbacks):
    with pytest.raises(Killed):
        train(kind, Witness(after, then), *callbacks)


# -- the same bits ---------------------------------------------------------------------------------


def test_the_trainings_do_what_they_are_to_test():
    epochs = {kind: unbroken(kind)["epoch"] for kind in KINDS}
    assert epochs.pop("everything") == epochs.pop("prefetched") == 3  # early stopping
    assert set(epochs.values()) == {EPOCHS}
    one, other = unbroken("everything")["model"], unbroken("prefetched")["model"]
    assert_same(one, other)
    (early,) = (c["state"] for c in unbroken("everything")["callbacks"] if c["state"])
    assert early["waited"] == 2
    assert_same(early["weights"], one)  # restored


@pytest.mark.parametrize("suffix", ["npz", "safetensors"])
@pytest.mark.parametrize("after", range(1, EPOCHS * BATCHES + 1))
@pytest.mark.parametrize("kind", KINDS)
def test_a_run_saved_after_any_batch_goes_on_to_the_same_bits(kind, after, suffix, tmp_path):
    if after > unbroken(kind)["epoch"] * BATCHES:
        return  # it stopped before
    path = tmp_path / f"run.{suffix}"

    def save_and_end(run):
        tn.save(path, run)
        raise Killed

    stopped(kind, after, save_and_end)
    assert_same(train(kind, resume=path).state_dict(), unbroken(kind))


@pytest.mark.parametrize("every", [1, 2, 4, None])
@pytest.mark.parametrize("after", [2, 3, 4, 6, 8, 9])
def test_a_run_goes_on_from_what_save_state_has_written(after, every, tmp_path):
    path = tmp_path / "run.npz"

    def end(run):
        raise Killed

    stopped("everything", after, end, tn.callbacks.SaveState(path, every=every))
    if after <= min(every or BATCHES, BATCHES):  # SaveState comes after whoever ended it
        assert not path.exists()
        return
    run = train("everything", tn.callbacks.SaveState(path, every=every), resume=path)
    assert_same(where_it_stands(run), where_it_stands(unbroken("everything")))


@pytest.mark.parametrize("after", [1, 2, 3, 5, 9])
@pytest.mark.parametrize("kind", ["everything", "list of tuples"])
def test_a_run_that_a_callback_stopped_is_left_as_it_stood(kind, after, tmp_path):
    path = tmp_path / "run.npz"

    def stop(run):
        run.stop = True

    run = train(kind, Witness(after, stop))
    assert (run.epoch, run.batch) == divmod(after, BATCHES)  # a whole epoch was finished
    tn.save(path, run)
    assert_same(train(kind, resume=path).state_dict(), unbroken(kind))


@pytest.mark.parametrize("kind", ["one generator for all", "list of tuples"])
def test_a_run_that_was_complete_goes_on_with_more_epochs(kind, tmp_path):
    path = tmp_path / "run.npz"
    save = tn.callbacks.SaveState(path)
    assert len(train(kind, save, epochs=2).history) == 2
    run = train(kind, save, epochs=EPOCHS, resume=path)
    assert_same(where_it_stands(run), where_it_stands(unbroken(kind)))


def test_a_run_that_early_stopping_had_ended_is_not_trained_further(tmp_path):
    path = tmp_path / "run.npz"
    save = tn.callbacks.SaveState(path)
    train("everything", save)
    batches = []
    run = train("everything", Witness(1, batches.append), save, resume=path, epochs=50)
    assert batches == []
    assert run.stop
    assert_same(where_it_stands(run), where_it_stands(unbroken("everything")))


def test_the_order_of_the_callbacks_does_not_matter_to_save_state(tmp_path):
    path = tmp_path / "run.npz"
    t = everything()
    callbacks = [tn.callbacks.SaveState(path), *t.callbacks]
    tn.fit(
        *(t.model, t.data, tn.cross_entropy, t.optimizer, 2),
        validation=t.validation,
        callbacks=callbacks,
        progress=False,
    )
    early, save = tn.load(path)["callbacks"]
    assert (early["kind"], save["kind"]) == ("EarlyStopping", "SaveState")
    assert early["state"]["best"] == min(e["validation loss"] for e in tn.load(path)["history"])
    assert early["state"]["waited"] == 1


def test_a_state_in_memory_does_not_change_while_the_run_goes_on():
    states = []
    witness = Witness(4, lambda run: states.append((run.state_dict(), repr(run.state_dict()))))
    train("everything", witness)
    ((state, text),) = states
    assert repr(state) == text


# -- another process, and one that is killed -------------------------------------------------------

# the other process writes where it stands at the end; this one compares
RESUME = """
from tests.training.test_resume import *
run = train("everything", tn.callbacks.SaveState("run.npz", every=1), resume="run.npz")
tn.save("end.npz", run)
"""
KILL = {
    "between two batches": """
from tests.training.test_resume import *
def kill(run):
    os.kill(os.getpid(), signal.SIGKILL)
train("everything", Witness(5, kill), tn.callbacks.SaveState("run.npz", every=1))
""",
    "while the file is written": """
from tests.training.test_resume import *
def kill_in_save(run):
    os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
train("everything", Witness(5, kill_in_save), tn.callbacks.SaveState("run.npz", every=1))
""",
}


def in_new_process(code, folder):
    paths = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=folder,
        env=paths,
        capture_output=True,
        text=True,
    )


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("moment", KILL)
def test_a_process_that_was_killed_goes_on_in_another_to_the_same_bits(moment, tmp_path):
    killed = in_new_process(KILL[moment], tmp_path)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    found = tn.load(tmp_path / "run.npz")
    assert (found["epoch"], found["batch"]) == divmod(4, BATCHES)
    resumed = in_new_process(RESUME, tmp_path)
    assert resumed.returncode == 0, resumed.stderr
    end = tn.load(tmp_path / "end.npz")
    assert_same(where_it_stands(end), where_it_stands(unbroken("everything")))


# -- a file of another training --------------------------------------------------------------------


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Files of a run in the middle of its second epoch."""
    folder = tmp_path_factory.mktemp("saved")

    def save(run):
        tn.save(folder / "run.npz", run)
        tn.save(folder / "model.npz", run.model)
        raise Killed

    for kind in ("everything", "list of tuples"):
        stopped(kind, 5, save)
        (folder / "run.npz").rename(folder / f"{kind}.npz")
    return folder


def run_of(t: Training, metrics=(tn.metrics.accuracy,), callbacks=None):
    callbacks = [*t.callbacks, Witness()] if callbacks is None else callbacks
    run = tn.Run(t.model, t.data, t.optimizer, callbacks, t.validation, metrics)
    run.loss = tn.cross_entropy
    return run


def other_model():
    t = everything()
    model = network(numpy.random.default_rng(1), outputs=4)
    adam = tn.optim.Adam(model.parameters(), t.optimizer._lr, weight_decay=0.01, clip_norm=1.0)
    return run_of(t._replace(model=model, optimizer=adam))


def other_optimizer():
    t = everything()
    return run_of(t._replace(optimizer=tn.optim.SGD(t.model.parameters(), 0.1)))


def other_batches(**settings):
    t = everything()
    settings = {"size": 4, "rng": numpy.random.default_rng(2), "augment": shifted} | settings
    x, y = settings.pop("arrays", (X, Y))
    return run_of(t._replace(data=tn.data.batches(x, y, **settings)))


def other_generator():
    t = everything()
    t.model.layers[4].rng = numpy.random.Generator(numpy.random.MT19937(0))
    return run_of(t)


def one_layer_less():
    model = tn.Sequential(
        [Flatten(), Dense(3)], input_shape=(5, 5, 1), rng=numpy.random.default_rng(0)
    )
    t = everything()._replace(model=model, optimizer=tn.optim.SGD(model.parameters(), 0.1))
    return run_of(t, callbacks=[])


MISFITS = {
    "another model": (
        other_model,
        [
            "Sequential: the state does not fit, 2 differences:",
            "shape: dense.kernel is (18, 4) here, and (18, 3) in what is loaded",
            "shape: dense.bias is (4,) here, and (3,) in what is loaded",
            "Adam.load_state_dict: the state does not fit, 4 differences:",
            "shape: 4.m is (18, 4) here, and (18, 3) in what is loaded",
        ],
    ),
    "another optimizer": (
        other_optimizer,
        [
            "SGD.load_state_dict: the state is of another optimizer:",
            "kind is 'SGD' here, and 'Adam' in what is loaded",
            "lr is 0.1 here, and 'Warmup(steps=2, ",
            "clip_norm is None here, and 1.0 in what is loaded",
        ],
    ),
    "another generator": (
        other_generator,
        ["fit: dropout.rng: the saved state is not one of a MT19937 generator (state must be"],
    ),
    "another size": (
        functools.partial(other_batches, size=5),
        [
            "fit: data: batches: the state is of other batches:\n  size is 5 here, and 4 in what "
            "is loaded\nNothing was loaded. Give them as they were when it was saved."
        ],
    ),
    "other examples": (
        functools.partial(other_batches, arrays=(X[:9], Y[:9])),
        ["examples is 9 here, and 10 in what is loaded"],
    ),
    "no shuffling": (
        functools.partial(other_batches, rng=None, augment=None),
        ["rng: none here, and there is one in what is loaded"],
    ),
    "another generator of the data": (
        functools.partial(other_batches, rng=numpy.random.Generator(numpy.random.Philox(1))),
        ["fit: data: batches: the saved state is not one of a Philox generator"],
    ),
    "data of another kind": (
        lambda: run_of(everything()._replace(data=tuples().data)),
        ["fit: data was tn.data.batches when the run was saved, and is list now. Give the same."],
    ),
    "no validation": (
        lambda: run_of(everything()._replace(validation=None)),
        ["fit: validation was tn.data.batches when the run was saved, and is NoneType now."],
    ),
    "other validation": (
        lambda: run_of(everything()._replace(validation=HELD_OUT)),
        ["fit: validation: batches: the state is of other batches:\n  size is 256 here, and 3 in"],
    ),
    "no callbacks": (
        lambda: run_of(everything(), callbacks=[]),
        [
            "fit: the saved run has the callbacks EarlyStopping, Witness, and this one none. Give "
            "the same, in the same order."
        ],
    ),
    "callbacks in another order": (
        lambda: run_of(everything(), callbacks=[Witness(), tn.callbacks.EarlyStopping()]),
        ["has the callbacks EarlyStopping, Witness, and this one Witness, EarlyStopping. Give"],
    ),
    "another number is watched": (
        lambda: run_of(
            everything(),
            callbacks=[tn.callbacks.EarlyStopping("validation accuracy"), Witness()],
        ),
        [
            "EarlyStopping: watch is 'validation accuracy' here, and 'validation loss' in what is "
            "loaded. Give what was given then."
        ],
    ),
    "better the other way round": (
        lambda: run_of(
            everything(), callbacks=[tn.callbacks.EarlyStopping(better="higher"), Witness()]
        ),
        ["EarlyStopping: better is 'higher' here, and 'lower' in what is loaded."],
    ),
    "other metrics": (
        lambda: run_of(everything(), metrics={"right": tn.metrics.accuracy}),
        [
            "fit: the epoch was begun with loss, accuracy, and now there is loss, right. Give the "
            "same metrics."
        ],
    ),
    "all at once": (
        one_layer_less,
        [
            "unexpected: conv2d.kernel (3, 3, 1, 2) float32",
            "kind is 'SGD' here, and 'Adam' in what is loaded",
            "fit: the saved run has the generators rng, ",
            "dropout.rng, dense.rng, and this one rng, flatten.rng, dense.rng. Build the model as",
            "this one none. Give the same, in the same order.",
        ],
    ),
}


def draws(run):
    """Where every generator stands that a run knows."""
    return {name: g.bit_generator.state for name, g in generators(run.model).items()}


@pytest.mark.parametrize("case", MISFITS)
def test_a_file_that_does_not_fit_says_every_difference_and_changes_nothing(case, saved):
    make, messages = MISFITS[case]
    run = make()
    before, drawn = run.state_dict(), repr(draws(run))
    with pytest.raises(ValueError) as caught:
        tn.load(saved / "everything.npz", run)
    assert str(caught.value).startswith(f"load {str(saved / 'everything.npz')!r}: ")
    for message in messages:
        assert message in str(caught.value)
    assert_same(run.state_dict(), before)
    assert repr(draws(run)) == drawn


def test_the_run_it_was_saved_from_fits(saved):
    for kind in ("everything", "list of tuples"):
        run = run_of(KINDS[kind]())
        tn.load(saved / f"{kind}.npz", run)
        assert_same(run.state_dict(), tn.load(saved / f"{kind}.npz"))


def test_a_run_saved_with_a_list_does_not_fit_batches(saved):
    t = tuples()
    run = run_of(t._replace(data=tn.data.batches(X, Y, size=4)))
    with pytest.raises(ValueError, match="fit: data: batches: the state is of other batches:"):
        tn.load(saved / "list of tuples.npz", run)


def test_weights_alone_are_no_run(saved):
    t = everything()
    before = t.model.state_dict()
    with pytest.raises(ValueError) as caught:
        tn.fit(
            *(t.model, t.data, tn.cross_entropy, t.optimizer, 1),
            validation=t.validation,
            resume=saved / "model.npz",
            progress=False,
        )
    assert str(caught.value) == (
        f"load {str(saved / 'model.npz')!r}: fit: this is not the state of a training run, whose "
        "parts are model, optimizer, generators, data, data before the epoch, validation, "
        "callbacks, history, epoch, batch, examples, sums, loss, data hash; received "
        f"{', '.join(before)}. Weights alone are loaded with tn.load(path, model)."
    )
    assert_same(t.model.state_dict(), before)
    assert t.optimizer.steps == 0


@pytest.mark.parametrize(
    "damage",
    [
        {"epoch": "1"},
        {"epoch": True},
        {"batch": -1},
        {"examples": 2.5},
        {"sums": {"loss": "low", "accuracy": 1.0}},
        {"sums": []},
        {"history": {}},
        {"history": [3]},
        {"history": [{"loss": None}]},
        {"callbacks": 2},
        {"callbacks": [3, {}]},
        {"callbacks": [{"kind": "EarlyStopping", "state": 1}, {"kind": "Witness", "state": {}}]},
        {"generators": 1},
        {"generators": {"rng": 1}},
        {"model": 1},
        {"optimizer": []},
        {"data": None},
        {"data before the epoch": 0},
        {"loss": None},
        {"loss": b"mse"},
        {"data hash": 5},
        {"data hash": ["a"]},
    ],
    ids=repr,
)
def test_a_state_of_the_wrong_kinds_is_refused_and_changes_nothing(damage, saved):
    run = run_of(everything())
    before = run.state_dict()
    with pytest.raises(ValueError, match=r"^fit: the state of the run is broken\. Use another"):
        run.load_state_dict(tn.load(saved / "everything.npz") | damage)
    assert_same(run.state_dict(), before)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ({"best": "low"}, "EarlyStopping: its saved state is broken. Use another file."),
        ({"waited": "x"}, "EarlyStopping: its saved state is broken. Use another file."),
        ({"weights": 3}, "EarlyStopping: its saved state is broken. Use another file."),
        ({"more": 3}, "EarlyStopping: its saved state is broken. Use another file."),
    ],
    ids=["best", "waited", "weights", "more"],
)
def test_a_broken_state_of_a_callback_changes_nothing(damage, message, saved):
    state = tn.load(saved / "everything.npz")
    state["callbacks"][0]["state"] |= damage
    run = run_of(everything())
    before = run.state_dict()
    with pytest.raises(ValueError) as caught:
        run.load_state_dict(state)
    assert str(caught.value) == message
    assert_same(run.state_dict(), before)


def test_without_the_beginning_of_the_epoch_a_run_cannot_go_on(saved):
    run = run_of(everything())
    before = run.state_dict()
    state = tn.load(saved / "everything.npz") | {"data before the epoch": {}}
    with pytest.raises(ValueError, match="fit: data: batches: the state is of other batches"):
        run.load_state_dict(state)
    assert_same(run.state_dict(), before)


# -- a run that is gone on with otherwise ----------------------------------------------------------


def of_another_loss():
    run = run_of(everything())
    run.loss = tn.mse
    return run


def without(array, i):
    """A copy with one value changed."""
    array = array.copy()
    array.flat[i] += 1
    return array


OTHERS = {
    "another loss": (
        of_another_loss,
        "fit: the loss is 'mse', and the saved run had 'cross_entropy'. Give the same, unless you "
        "mean to go on with another.",
    ),
    "other pictures": (
        functools.partial(other_batches, arrays=(without(X, -1), Y)),
        "fit: the examples are not those of the saved run. Give the same, unless you mean to go on "
        "with others (or another machine has rounded them otherwise).",
    ),
    "other labels": (
        functools.partial(other_batches, arrays=(X, without(Y, 4))),
        "fit: the examples are not those of the saved run. Give",
    ),
    "another order": (
        functools.partial(other_batches, arrays=(X[::-1], Y[::-1])),
        "fit: the examples are not those of the saved run. Give",
    ),
    "another dtype": (
        functools.partial(other_batches, arrays=(X, Y.astype(numpy.int32))),
        "fit: the examples are not those of the saved run. Give",
    ),
    "another shape": (
        functools.partial(other_batches, arrays=(X, Y[:, None])),
        "fit: the examples are not those of the saved run. Give",
    ),
}


@pytest.mark.parametrize("case", OTHERS)
def test_another_loss_and_other_examples_are_said_and_taken(case, saved):
    make, message = OTHERS[case]
    run, state = make(), tn.load(saved / "everything.npz")
    before = run.state_dict()
    with pytest.raises(tn.MistakeWarning) as caught:  # an error here: then nothing changes
        tn.load(saved / "everything.npz", run)
    assert message in str(caught.value)
    assert_same(run.state_dict(), before)
    with pytest.warns(tn.MistakeWarning, match=re.escape(message)) as warned:
        tn.load(saved / "everything.npz", run)
    assert len(warned) == 1
    assert warned[0].filename == __file__
    own = ("loss", "data hash")
    assert_same(run.state_dict(), state | {name: run.state_dict()[name] for name in own})


def test_fit_goes_on_with_another_loss_and_says_so(tmp_path):
    path = tmp_path / "run.npz"
    train("list of tuples", tn.callbacks.SaveState(path), epochs=1)
    t = tuples()
    with pytest.warns(
        tn.MistakeWarning, match=r"^fit: the loss is '<lambda> \w+', and the saved run"
    ):
        history = tn.fit(
            *(t.model, t.data, lambda y, target: tn.cross_entropy(y, target), t.optimizer, 2),
            validation=t.validation,
            metrics=[tn.metrics.accuracy],
            callbacks=[Witness(), tn.callbacks.SaveState(path)],
            resume=path,
            progress=False,
        )
    assert len(history) == 2


def test_a_file_without_the_loss_and_the_examples_is_taken_as_before(saved):
    state = tn.load(saved / "everything.npz")
    assert (state.pop("loss"), len(state.pop("data hash"))) == ("cross_entropy", 16)
    for make in (lambda: run_of(everything()), of_another_loss):
        run = make()
        run.load_state_dict(state)
        own = run.state_dict()
        assert_same({name: own[name] for name in state}, state)


def test_the_hash_is_of_rows_all_over_the_arrays_and_of_a_million_bytes_only(monkeypatch):
    monkeypatch.setattr(resume, "HASHED", 800)
    x, labels = numpy.arange(1000.0, dtype=numpy.float32).reshape(100, 10), numpy.arange(100)
    batches = lambda x, labels: tn.data.batches(x, labels, size=10)
    own = resume.fingerprint(batches(x, labels))
    assert own == resume.fingerprint(batches(x.copy(), labels.copy()))
    places = [
        i for i in range(100) if resume.fingerprint(batches(without(x, 10 * i), labels)) != own
    ]
    assert len(places) == 11  # 400 bytes of 40-byte rows, and one
    assert places == [i * 100 // 11 for i in range(11)]
    of_labels = [i for i in range(100) if resume.fingerprint(batches(x, without(labels, i))) != own]
    assert len(of_labels) == 51


def test_a_row_that_is_larger_than_that_is_one_row():
    huge = numpy.zeros((2, 1100, 1100), numpy.float32)
    own = resume.fingerprint(tn.data.batches(huge))
    assert own != resume.fingerprint(tn.data.batches(without(huge, 5)))


def test_data_of_another_kind_has_no_hash_and_is_not_gone_through():
    class Data:
        def __iter__(self):
            raise AssertionError

    assert resume.fingerprint(Data()) == ""


def test_the_hash_is_computed_once(monkeypatch, tmp_path):
    calls = []
    once = resume.fingerprint
    monkeypatch.setattr(
        "tinynet.training.run.fingerprint", lambda data: calls.append(1) or once(data)
    )
    train("everything", tn.callbacks.SaveState(tmp_path / "run.npz", every=1))
    assert len(calls) == 1


@pytest.mark.parametrize("state", [None, 3, {}], ids=repr)
def test_what_is_no_state_is_refused(state):
    run = run_of(everything())
    received = "nothing" if state == {} else repr(state)
    with pytest.raises(ValueError, match=f"fit: this is not .*; received {received}. Weights"):
        run.load_state_dict(state)


def test_data_that_has_become_shorter_than_the_place_of_the_stop(saved):
    t = tuples()
    with pytest.raises(ValueError) as caught:
        tn.fit(
            *(t.model, t.data[:1], tn.cross_entropy, t.optimizer, 4),
            validation=t.validation,
            metrics=[tn.metrics.accuracy],
            callbacks=[Witness()],
            resume=saved / "list of tuples.npz",
            progress=False,
        )
    assert str(caught.value) == (
        "fit: the run was stopped after batch 2, and the data holds 1 now. Give the same data."
    )


def test_a_file_that_is_not_there():
    t = tuples()
    with pytest.raises(FileNotFoundError, match=r"load 'nowhere\.npz': there is no such file"):
        tn.fit(
            *(t.model, t.data, tn.cross_entropy, t.optimizer, 4), resume="nowhere", progress=False
        )


def test_generators_in_lists_and_dictionaries_are_resumed_too(tmp_path):
    class Noisy(tn.Module):
        def __init__(self):
            self.dense = Dense(3)
            self.draws = [numpy.random.default_rng(i) for i in range(2)]
            self.kinds = {"uniform": (numpy.random.default_rng(7),)}

        def forward(self, x):
            return self.dense(x.reshape(len(x), 25)) * self.scale()

        def scale(self):
            return 1 + self.draws[1].random() + self.kinds["uniform"][0].random()

    def training(path, epochs, **settings):
        model = Noisy().build((5, 5, 1), numpy.random.default_rng(0))
        data = tn.data.batches(X, Y, size=4)
        settings |= {"callbacks": [tn.callbacks.SaveState(path)], "progress": False}
        optimizer = tn.optim.SGD(model.parameters(), 0.1)
        tn.fit(model, data, tn.cross_entropy, optimizer, epochs, **settings)
        return model

    unbroken = training(tmp_path / "unbroken.npz", 2)
    assert {"draws.0", "draws.1", "kinds.uniform.0"} <= set(generators(unbroken))
    training(tmp_path / "first.npz", 1)
    resumed = training(tmp_path / "second.npz", 2, resume=tmp_path / "first.npz")
    assert_same(resumed.state_dict(), unbroken.state_dict())
