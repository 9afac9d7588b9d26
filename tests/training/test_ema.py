"""ema: the average held to a loop of its own, its start, its file, and what it leaves alone."""

from __future__ import annotations

import re

import numpy
import pytest

import tinynet as tn
from tinynet.layers import BatchNormalization, Dense, Dropout

DATA = numpy.random.default_rng(5)
X = DATA.normal(size=(12, 4)).astype(numpy.float32)
Y = DATA.integers(0, 3, 12)


def seeded(seed=0):
    return numpy.random.default_rng(seed)


def network(seed=0):
    layers = [Dense(5, use_bias=False), BatchNormalization(momentum=0.5), Dropout(0.5), Dense(3)]
    return tn.Sequential(layers, input_shape=(4,), rng=seeded(seed))


def same(a, b):
    return a.keys() == b.keys() and all(a[name].tobytes() == b[name].tobytes() for name in a)


def trained(steps, average_of, model=None):
    """The average after some steps, and the state of the model before them and after each."""
    model = network() if model is None else model
    average = average_of(model)
    optimizer = tn.optim.SGD(model.parameters(), 0.5)
    states = [model.state_dict()]
    for _ in range(steps):
        optimizer.zero_grad()
        tn.cross_entropy(model(X), Y).backward()
        optimizer.step()
        average.update()
        states.append(model.state_dict())
    return model, average, states


def shares(steps, decay):
    """What each state, from the first on, has in the average: d is left of all that was before."""
    found = [1.0]
    for n in range(1, steps + 1):
        d = min(decay, n / (n + 9))
        found = [d * share for share in found] + [1 - d]
    return found


@pytest.mark.parametrize("decay", [0.0, 0.6, 0.999])
@pytest.mark.parametrize("steps", [1, 40])
def test_the_average_is_the_sum_of_all_weights_each_with_its_share(decay, steps):
    _, average, states = trained(steps, lambda model: tn.ema(model, decay))
    parts = shares(steps, decay)
    assert sum(parts) == pytest.approx(1)
    found = average.model.state_dict()
    assert list(found) == list(states[0])
    for name, values in found.items():
        every = [state[name].astype("float64") for state in states]
        expected = sum(share * w for share, w in zip(parts, every, strict=True))
        numpy.testing.assert_allclose(values, expected, rtol=1e-5, atol=1e-6)
        assert values.dtype == numpy.float32
        assert abs(values - states[0][name]).max() > 1e-3, name  # moving statistics too


def test_the_random_start_is_soon_forgotten():
    model = tn.Sequential([Dense(1, kernel_initializer="ones")], input_shape=(1,))
    average = tn.ema(model)
    model[0].kernel.data[...] = 0
    left = []
    for _ in range(10):
        average.update()
        left.append(average.model[0].kernel.item())
    assert left[0] == pytest.approx(0.1)
    assert left[-1] < 1e-4


def test_the_model_trains_as_without_and_the_average_is_a_copy():
    model, average, states = trained(5, tn.ema)
    other = network()
    optimizer = tn.optim.SGD(other.parameters(), 0.5)
    for _ in range(5):
        optimizer.zero_grad()
        tn.cross_entropy(other(X), Y).backward()
        optimizer.step()
    assert same(states[-1], other.state_dict())
    before = average.model.state_dict()
    for w in model.weights().values():
        w.data[...] = 7
    assert same(average.model.state_dict(), before)


def test_the_averaged_model_is_frozen_and_predicts_in_inference_mode():
    model, average, _ = trained(3, tn.ema)
    assert not average.model.training and not average.model.parameters()
    assert model.training and len(model.parameters()) == 5
    y = average.model(X)
    assert not y.requires_grad
    numpy.testing.assert_array_equal(y.numpy(), tn.predict(average.model, X))
    with pytest.raises(ValueError, match="nothing to train"):
        tn.fit(average.model, tn.data.batches(X, Y), "cross_entropy", DUMMY, epochs=1)


DUMMY = tn.optim.SGD([tn.Tensor([1.0], requires_grad=True)], 0.1)


def test_what_is_frozen_and_what_is_no_float_stays_what_it_is():
    class Counts(tn.Module):
        def __init__(self):
            self.out = Dense(3)
            self.seen = tn.Tensor(numpy.array([1, 2]))

        def forward(self, x):
            return self.out(x)

    model = Counts().build((4,), seeded())
    model.out.kernel.data[...] = seeded(1).random((4, 3))
    average = tn.ema(model)
    kernel = model.out.kernel.numpy().copy()
    model.seen.data[...] = [3, 4]
    for _ in range(3):
        average.update()
    assert average.model.out.kernel.numpy().tobytes() == kernel.tobytes()
    assert average.model.seen.numpy().tolist() == [3, 4]
    assert average.model.seen.dtype == model.seen.dtype


def test_a_part_of_a_model_has_an_average_too():
    generator, judge = Dense(4), Dense(1)
    both = tn.Sequential([generator, judge], input_shape=(4,), rng=seeded())
    average = tn.ema(generator, 0.5)
    for w in both.weights().values():
        w.data[...] = 1
    average.update()
    assert list(average.model.weights()) == ["kernel", "bias"]
    numpy.testing.assert_allclose(average.model.bias.numpy(), 0.9, rtol=1e-6)


def test_it_works_on_either_device(device):
    model = network().to(device)
    average = tn.ema(model, 0.5)
    for w in model.weights().values():
        w.data[...] = 2
    average.update()
    assert average.model.device == device
    numpy.testing.assert_allclose(average.model[3].bias.numpy(), 1.8, rtol=1e-6)


# -- in fit, and in files --------------------------------------------------------------------------


def fit(model, epochs, callbacks, **more):
    optimizer = tn.optim.Adam(model.parameters(), 0.05)
    data = tn.data.batches(X, Y, size=4, rng=seeded(1))
    tn.fit(
        *(model, data, "cross_entropy", optimizer, epochs),
        callbacks=callbacks,
        progress=False,
        **more,
    )


def test_as_a_callback_it_is_updated_after_each_batch():
    class Loop(tn.callbacks.Callback):
        def after_batch(self, run):
            by_hand.update()

    model = network()
    average, by_hand = tn.ema(model, 0.9), tn.ema(model, 0.9)
    fit(model, 2, [average, Loop()])
    assert average.updates == by_hand.updates == 6
    assert same(average.model.state_dict(), by_hand.model.state_dict())
    assert repr(average) == "Average(Sequential, decay=0.9, updates=6)"


def test_a_resumed_training_has_the_same_average_to_the_bit(tmp_path):
    whole = network()
    expected = tn.ema(whole, 0.9)
    fit(whole, 3, [expected, tn.callbacks.SaveState(tmp_path / "other.npz")])
    first = network()
    fit(first, 1, [tn.ema(first, 0.9), tn.callbacks.SaveState(tmp_path / "run.npz")])
    second = network(1)
    average = tn.ema(second, 0.9)
    path = tmp_path / "run.npz"
    fit(second, 3, [average, tn.callbacks.SaveState(path)], resume=path)
    assert average.updates == expected.updates == 9
    assert same(average.model.state_dict(), expected.model.state_dict())
    assert same(second.state_dict(), whole.state_dict())


@pytest.mark.parametrize("ending", ["npz", "safetensors"])
def test_an_average_is_saved_and_goes_on(ending, tmp_path):
    model, average, _ = trained(4, lambda model: tn.ema(model, 0.9))
    path = tn.save(tmp_path / f"average.{ending}", average)
    other = tn.load(path, tn.ema(model, 0.9))
    assert other.updates == 4
    for one in (average, other):
        one.update()
    assert same(average.model.state_dict(), other.model.state_dict())
    weights = tn.load(tn.save(tmp_path / f"weights.{ending}", average.model), network(1))
    assert same(weights.state_dict(), average.model.state_dict())


# -- bad input -------------------------------------------------------------------------------------

STATE = {"decay": 0.9, "updates": 3}
ERRORS = {
    "a model that was not built": (
        lambda: tn.ema(tn.Sequential([Dense(3)])),
        ValueError,
        "Dense 'dense': it has no weights yet, as it has seen no input. Give the model "
        "input_shape= and rng=, call build(input_shape, rng), or call it once.",
    ),
    "parameters in the place of a model": (
        lambda: tn.ema(network().parameters()[:0]),
        TypeError,
        "ema: model is []. Give a model, for example tn.Sequential.",
    ),
    "a decay of 1": (
        lambda: tn.ema(network(), 1),
        ValueError,
        "ema: decay must be in [0, 1), received 1.",
    ),
    "a word that is another library's": (
        lambda: tn.ema(network(), ema_momentum=0.9),
        TypeError,
        "ema: there is no argument 'ema_momentum'. Write decay=.",
    ),
    "a layer that came later": (
        lambda: grown().update(),
        ValueError,
        "ema: Sequential has other weights than when the average was made. Make the average once "
        "the model is complete.",
    ),
    "weights alone": (
        lambda: tn.ema(network()).load_state_dict(network().state_dict()),
        ValueError,
        "ema: the state must hold decay, updates and model. Give what state_dict() returned; "
        "weights alone go into average.model.",
    ),
    "another decay": (
        lambda: tn.ema(network()).load_state_dict(STATE | {"model": network().state_dict()}),
        ValueError,
        "ema: decay is 0.999 here, and 0.9 in what is loaded. Give what was given then.",
    ),
    "half an update": (
        lambda: tn.ema(network(), 0.9).load_state_dict(STATE | {"updates": 0.5, "model": {}}),
        ValueError,
        "ema: updates must be a whole number of at least 0, received 0.5.",
    ),
}


def grown():
    model = network()
    average = tn.ema(model)
    model.add(Dense(2))
    return average


@pytest.mark.parametrize("case", ERRORS)
def test_the_message_says_where_what_and_how_to_mend_it(case):
    make, kind, message = ERRORS[case]
    with pytest.raises(kind, match=f"^{re.escape(message)}$"):
        make()


def test_a_state_of_another_model_changes_nothing():
    _, average, _ = trained(3, lambda model: tn.ema(model, 0.9))
    before = average.model.state_dict()
    state = tn.ema(tn.Sequential([Dense(3)], (4,), rng=seeded()), 0.9).state_dict()
    with pytest.raises(ValueError, match="the state does not fit"):
        average.load_state_dict(state)
    assert average.updates == 3
    assert same(average.model.state_dict(), before)


def test_an_update_that_does_not_fit_is_not_counted():
    average = grown()
    with pytest.raises(ValueError, match="has other weights"):
        average.update()
    assert average.updates == 0
