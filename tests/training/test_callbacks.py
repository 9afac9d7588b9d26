"""Callbacks: when they are called, and what those that are there do.

What SaveState has written is taken up again in test_resume.py.
"""

from __future__ import annotations

import itertools
import re
from types import SimpleNamespace

import numpy
import pytest

import tinynet as tn
from tinynet.layers import Dense
from tinynet.training.callbacks import BestModel, Callback, EarlyStopping, SaveState

DATA = numpy.random.default_rng(5)
X = DATA.normal(size=(6, 4)).astype(numpy.float32)
Y = DATA.integers(0, 3, 6)


def network():
    return tn.Sequential([Dense(3)], input_shape=(4,), rng=numpy.random.default_rng(0))


def fit(model, epochs, callbacks, numbers=None, **settings):
    """Three batches an epoch; numbers: what the metric "number" is to be in each epoch."""
    if numbers is not None:
        answers = iter(numbers)  # one for each evaluation, which is of one batch

        def number(outputs, target):
            return 0.0 if outputs.requires_grad or len(target) < 6 else next(answers)

        settings |= {"validation": (X, Y), "metrics": {"number": number}}
    return tn.fit(
        *(model, tn.data.batches(X, Y, size=2), tn.cross_entropy),
        *(tn.optim.Adam(model.parameters(), 0.01), epochs),
        callbacks=callbacks,
        progress=False,
        **settings,
    )


class Kept(Callback):
    """The weights after each epoch."""

    def __init__(self):
        self.weights = []

    def after_epoch(self, run):
        self.weights.append(run.model.state_dict())


def same(a, b):
    return all((a[name] == b[name]).all() for name in a | b)


# -- when they are called --------------------------------------------------------------------------


class Diary(Callback):
    def __init__(self, name, pages):
        self.name = name
        self.pages = pages

    def write(self, moment, run):
        self.pages.append(f"{self.name} {moment} {run.epoch} {run.batch} {len(run.history)}")

    def before_training(self, run):
        self.write("before", run)

    def after_batch(self, run):
        self.write("batch", run)

    def after_epoch(self, run):
        self.write("epoch", run)

    def after_training(self, run):
        self.write("after", run)


def test_callbacks_are_called_in_their_order_with_the_place_of_the_run():
    pages = []
    function = lambda run: pages.append(f"f epoch {run.epoch} {run.batch} {len(run.history)}")
    fit(network(), 2, [Diary("a", pages), function, Diary("b", pages)])
    expected = ["a before 0 0 0", "b before 0 0 0"]
    for epoch in (0, 1):
        for batch in (1, 2, 3):
            expected += [f"{name} batch {epoch} {batch} {epoch}" for name in "ab"]
        expected += [f"{name} epoch {epoch + 1} 0 {epoch + 1}" for name in "afb"]
    assert pages == [*expected, "a after 2 0 2", "b after 2 0 2"]


def test_a_function_sees_the_numbers_of_its_epoch():
    seen = []
    history = fit(network(), 3, [lambda run: seen.append(run.history["loss"][-1])])
    assert seen == history["loss"]


def test_stop_after_an_epoch_ends_the_training():
    def stop(run):
        run.stop = run.epoch == 2

    pages = []
    assert len(fit(network(), 5, [stop, Diary("a", pages)])) == 2
    assert pages[-1] == "a after 2 0 2"


class StopAfter(Callback):
    def __init__(self, batch):
        self.batch = batch

    def after_batch(self, run):
        run.stop = run.batch == self.batch


def test_stop_after_a_batch_ends_the_training_there():
    pages = []
    assert len(fit(network(), 5, [StopAfter(2), Diary("a", pages)])) == 0
    assert pages[-3:] == ["a batch 0 1 0", "a batch 0 2 0", "a after 0 2 0"]


def test_stop_after_the_last_batch_ends_the_training_with_that_epoch():
    pages = []
    assert len(fit(network(), 5, [StopAfter(3), Diary("a", pages)])) == 1
    assert pages[-3:] == ["a batch 0 3 0", "a epoch 1 0 1", "a after 1 0 1"]


def test_a_callback_may_stop_before_anything_was_trained():
    class Never(Callback):
        def before_training(self, run):
            run.stop = True

    model = network()
    assert len(fit(model, 5, [Never(), EarlyStopping("loss")])) == 0
    assert same(model.state_dict(), network().state_dict())


# -- EarlyStopping ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("numbers", "patience", "epochs", "best"),
    [
        ([1, 2, 3, 4, 5], 1, 5, 5),
        ([1, 2, 2, 4, 5], 1, 3, 2),  # equal is no better
        ([3, 2, 1, 4, 5], 2, 3, 1),
        ([3, 2, 1, 4, 5], 3, 5, 5),
        ([1, 3, 2, 4, 3, 3], 2, 6, 4),
        ([float("nan")] * 5, 2, 2, None),  # NaN is never better
        ([1, float("nan"), 2, 1, 1], 2, 5, 3),
    ],
)
def test_it_stops_when_patience_is_over_and_brings_the_best_weights_back(
    numbers, patience, epochs, best
):
    model, kept = network(), Kept()
    stopping = EarlyStopping("validation number", patience, better="higher")
    history = fit(model, len(numbers), [stopping, kept], numbers)
    assert len(history) == epochs
    assert same(model.state_dict(), kept.weights[(best or epochs) - 1])


def test_without_restore_best_the_last_weights_stay():
    model, kept = network(), Kept()
    stopping = EarlyStopping("validation number", 2, restore_best=False, better="higher")
    fit(model, 4, [stopping, kept], [4, 3, 2, 1])
    assert len(kept.weights) == 3
    assert same(model.state_dict(), kept.weights[-1])


@pytest.mark.parametrize(
    ("watch", "better", "lower"),
    [
        ("loss", None, True),
        ("validation loss", None, True),
        ("validation log_loss", None, True),
        ("mse", None, True),
        ("validation mae", None, True),
        ("mean error", None, True),
        ("bce_with_logits", None, True),
        ("accuracy", None, False),
        ("validation top_k", None, False),
        ("loss", "higher", False),
        ("accuracy", "lower", True),
    ],
)
def test_which_way_is_better_follows_from_the_name_unless_given(watch, better, lower):
    for callback in (EarlyStopping(watch, better=better), BestModel("a.npz", watch, better)):
        for value in (2.0, 1.0, 3.0):
            callback.improved(SimpleNamespace(history=tn.History([{watch: value}])))
        assert callback.best == (1.0 if lower else 3.0)


@pytest.mark.parametrize("watch", ["loss", "accuracy"])
def test_an_equal_number_is_no_better(watch):
    run = SimpleNamespace(history=tn.History([{watch: 1.0}]))
    callback = EarlyStopping(watch)
    assert [callback.improved(run), callback.improved(run)] == [True, False]


def test_one_that_has_not_had_enough_does_not_take_back_the_stop_of_another(tmp_path):
    path = tmp_path / "run.npz"
    callbacks = lambda: [
        EarlyStopping("validation number", 1, better="higher"),
        EarlyStopping("validation loss", 50),
        SaveState(path),
    ]
    assert len(fit(network(), 9, callbacks(), [2, 1])) == 2
    assert len(fit(network(), 9, callbacks(), [], resume=path)) == 2


def test_one_that_is_used_again_begins_anew():
    stopping = EarlyStopping("validation number", 2, better="higher")
    assert len(fit(network(), 9, [stopping], [3, 2, 1])) == 3
    model, kept = network(), Kept()
    assert len(fit(model, 9, [stopping, kept], [1, 2, 1, 1])) == 4
    assert stopping.best == 2
    assert same(model.state_dict(), kept.weights[1])


def test_a_training_that_was_stopped_inside_an_epoch_keeps_its_weights():
    """It is to be taken up again there, and the best weights are in its state."""

    class Late(Callback):
        def after_batch(self, run):
            run.stop = (run.epoch, run.batch) == (2, 1)
            self.weights = run.model.state_dict()

    model, late = network(), Late()
    stopping = EarlyStopping("validation number", 3, better="higher")
    fit(model, 9, [stopping, late], [2, 1])
    assert same(model.state_dict(), late.weights)
    assert not same(stopping.weights, late.weights)


# -- BestModel -------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["npz", "safetensors"])
def test_the_file_holds_the_best_weights_and_is_written_only_then(suffix, tmp_path):
    path = tmp_path / f"best.{suffix}"
    best, kept = BestModel(path, "validation number", "higher"), Kept()
    written = []

    def look(run):
        written.append(path.read_bytes())

    fit(network(), 5, [best, kept, look], [1, 3, 2, 3, 2])
    other = network()
    tn.load(path, other)
    assert same(other.state_dict(), kept.weights[1])
    same_file = [a == b for a, b in itertools.pairwise(written)]
    assert same_file == [False, True, True, True]


def test_a_best_model_that_was_resumed_does_not_forget_the_best(tmp_path):
    path, state = tmp_path / "best.npz", tmp_path / "run.npz"
    fit(network(), 1, [BestModel(path, "validation number", "higher"), SaveState(state)], [5])
    before = path.read_bytes()
    callbacks = [BestModel(path, "validation number", "higher"), SaveState(state)]
    fit(network(), 3, callbacks, [4, 3], resume=state)
    assert path.read_bytes() == before


def test_a_best_model_that_is_used_again_forgets_the_best_of_the_training_before(tmp_path):
    best = BestModel(tmp_path / "best.npz", "validation number", "higher")
    fit(network(), 1, [best], [9])
    model, kept = network(), Kept()
    fit(model, 2, [best, kept], [3, 2])
    assert best.best == 3
    assert same(tn.load(best.path), kept.weights[0])


# -- SaveState -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("every", "places"),
    [
        (None, [(1, 0), (2, 0)]),
        (1, [(0, 1), (0, 2), (0, 3), (1, 0), (1, 1), (1, 2), (1, 3), (2, 0)]),
        (2, [(0, 2), (1, 0), (1, 2), (2, 0)]),
        (numpy.int64(3), [(0, 3), (1, 0), (1, 3), (2, 0)]),
        (4, [(1, 0), (2, 0)]),
    ],
)
def test_the_run_is_saved_after_each_epoch_and_every_so_many_batches(
    every, places, tmp_path, monkeypatch
):
    found = []

    def save(path, run):
        assert path == tmp_path / "run.npz"
        found.append((run.epoch, run.batch))

    monkeypatch.setattr(tn.callbacks, "save", save)
    fit(network(), 2, [SaveState(str(tmp_path / "run.npz"), every=every)])
    assert found == places


# -- what is refused -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: EarlyStopping(patience=0),
            "EarlyStopping: patience must be a whole number of at least 1, received 0.",
        ),
        (
            lambda: SaveState("a", every=0),
            "SaveState: every must be a whole number of at least 1, received 0.",
        ),
        (
            lambda: EarlyStopping(better="smaller"),
            'EarlyStopping: better must be "lower" or "higher", received \'smaller\'.',
        ),
        (
            lambda: BestModel("a", better=True),
            'BestModel: better must be "lower" or "higher", received True.',
        ),
    ],
)
def test_settings_out_of_range_are_refused(make, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        make()


@pytest.mark.parametrize("watch", ["validation number", "dice", "validation iou"])
def test_a_number_of_unknown_kind_needs_better(watch):
    for make, name in (
        (EarlyStopping, "EarlyStopping"),
        (lambda w: BestModel("a", w), "BestModel"),
    ):
        message = f'{name}: is {watch!r} better lower or higher? Give better=, "lower" or "higher".'
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            make(watch)


def test_what_is_watched_is_a_name():
    message = (
        "EarlyStopping: watch is 5. Give the name of a number of the history, for example "
        '"validation loss".'
    )
    with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
        EarlyStopping(5)


@pytest.mark.parametrize("make", [BestModel, SaveState])
def test_a_place_where_nothing_can_be_saved_is_refused_at_once(make, tmp_path):
    folder = tmp_path / "none"
    message = f"{make.__name__}: there is no folder {str(folder)!r}. Make it first."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        make(folder / "best.npz")
    with pytest.raises(ValueError, match=rf"^{make.__name__} '.*best\.txt': the ending is \.txt"):
        make(tmp_path / "best.txt")
    with pytest.raises(TypeError, match=f"^{make.__name__}: "):
        make(3)
    assert make(tmp_path / "best").path == tmp_path / "best.npz"


def test_a_number_of_numpys_is_a_patience():
    assert EarlyStopping(patience=numpy.int64(2)).patience == 2


@pytest.mark.parametrize(
    ("callback", "validation", "message"),
    [
        (
            EarlyStopping(),
            None,
            "EarlyStopping: there is no 'validation loss' to watch. There is 'loss'; give fit "
            "validation= or metrics= for more.",
        ),
        (
            BestModel("never.npz", "validation accuracy"),
            (X, Y),
            "BestModel: there is no 'validation accuracy' to watch. Did you mean 'validation "
            "loss'? There is 'loss', 'validation loss'; give fit validation= or metrics= for more.",
        ),
        (
            EarlyStopping("val_loss"),
            (X, Y),
            "EarlyStopping: there is no 'val_loss' to watch. Did you mean 'validation loss'? There "
            "is 'loss', 'validation loss'; give fit validation= or metrics= for more.",
        ),
    ],
    ids=["EarlyStopping", "BestModel", "a name of Keras'"],
)
def test_what_is_not_measured_cannot_be_watched(callback, validation, message):
    model = network()
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        fit(model, 3, [callback], validation=validation)
    assert same(model.state_dict(), network().state_dict())  # it is said before the first epoch


@pytest.mark.parametrize("other", [BestModel, SaveState])
def test_two_callbacks_with_one_file_are_refused(other, tmp_path):
    callbacks = [BestModel(tmp_path / "a.npz", "loss"), other(tmp_path / "." / "a.npz")]
    message = (
        f"fit: BestModel and {other.__name__} both write {str(tmp_path / 'a.npz')!r}, each over "
        "the file of the other. Give each a file of its own."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        fit(network(), 1, callbacks)
    assert not list(tmp_path.iterdir())
