"""What a training step costs on a GPU: launches, waits and copies, counted on the pretended one."""

from __future__ import annotations

import numpy
import pytest

import tinynet as tn
from lessons import parts
from tests.strict_cupy import counts
from tinynet.devices import checks, form, plain
from tinynet.layers import BatchNormalization, Conv2D, Dense, Dropout, Flatten, MaxPooling2D

pytestmark = [
    pytest.mark.usefixtures("pretended_gpu"),
    pytest.mark.skipif(form.chosen is plain, reason="TINYNET_PLAIN=1 turns the kernels off"),
]
RNG = numpy.random.default_rng(0)
X = RNG.random((24, 28, 28, 1), dtype=numpy.float32)
LABELS = RNG.integers(0, 10, 24)


@pytest.fixture(autouse=True)
def _nothing_found():
    checks.forget()
    yield
    checks.forget()


def fashion():
    return parts("fashion").model(numpy.random.default_rng(0)).to("gpu")


def with_batch_normalization():
    layers = [
        Conv2D(8, 3), BatchNormalization(), MaxPooling2D(), Dropout(0.25), Flatten(), Dense(10),
    ]  # fmt: skip
    rng = numpy.random.default_rng(0)
    return tn.Sequential(layers, input_shape=(28, 28, 1), rng=rng).to("gpu")


def step_of(model, loss=tn.cross_entropy, x=X, target=LABELS, **settings):
    """A training step by hand, with the batch on the GPU, and what it counts from the second on."""
    optimizer = tn.optim.Adam(model.parameters(), **settings)
    batch = [tn.Tensor(a, device="gpu") for a in (x, target)]

    def step():
        optimizer.zero_grad()
        value = loss(model(batch[0]), batch[1])
        value.backward()
        optimizer.step()
        return value

    step()
    counts.clear()
    value = step()
    found = dict(counts)
    assert numpy.isfinite(value.item())
    return found


def test_a_step_of_the_fashion_network_takes_45_launches_and_no_wait():
    found = step_of(fashion())
    assert found.pop("launches") <= 45
    assert not found


def test_a_step_with_batch_normalization_waits_for_nothing():
    found = step_of(with_batch_normalization())
    assert found.pop("launches") <= 50
    assert not found


def test_clipping_the_gradients_waits_for_nothing():
    found = step_of(with_batch_normalization(), clip_norm=1.0)
    assert set(found) == {"launches"}


def test_an_autoencoder_waits_for_nothing():
    layers = [Flatten(), Dense(8, activation="relu"), Dense(784)]
    rng = numpy.random.default_rng(0)
    model = tn.Sequential(layers, input_shape=(28, 28, 1), rng=rng).to("gpu")
    found = step_of(model, tn.bce_with_logits, target=X.reshape(24, -1))
    assert set(found) == {"launches"}


class Counted:
    """Batches that note what was counted since the last one."""

    def __init__(self, batches):
        self.batches, self.found = batches, []

    def __iter__(self):
        for batch in self.batches:
            self.found.append(dict(counts))
            counts.clear()
            yield batch


@pytest.mark.parametrize("there", [False, True], ids=["data on the host", "data on the GPU"])
def test_fit_waits_for_nothing_between_its_batches(there):
    model = fashion()
    data = [tn.Tensor(a, device="gpu") for a in (X, LABELS)] if there else [X, LABELS]
    rng = numpy.random.default_rng(0)
    batches = Counted(tn.data.batches(*data, size=4, rng=rng, device="gpu"))
    history = tn.fit(model, batches, "cross_entropy", tn.optim.Adam(model.parameters()), 2)
    assert len(history["loss"]) == 2 and history["loss"][1] < history["loss"][0]
    between = batches.found[2:6] + batches.found[8:12]  # without the first one, and the ends
    assert len(between) == 8
    for found in between:
        found.pop("launches")
        assert found == ({} if there else {"to the device": 2})  # x and the labels


def test_what_a_check_found_is_told_when_a_number_comes_to_the_host():
    model = fashion()
    wrong = tn.Tensor(numpy.full(24, 10), device="gpu")
    loss = tn.cross_entropy(model(tn.Tensor(X, device="gpu")), wrong)
    loss.backward()
    with pytest.raises(ValueError, match=r"^cross_entropy: labels must be in \[0, 10\) for logits"):
        loss.item()
    assert numpy.isnan(loss.item())  # told once
    z = tn.Tensor(X, device="gpu")
    loss = tn.bce_with_logits(z, z * 2)
    with pytest.raises(
        ValueError, match=r"^bce_with_logits: target must be in \[0, 1\], and holds"
    ):
        loss.item()


def test_a_check_waits_at_last(monkeypatch):
    monkeypatch.setattr(checks, "MOST", 3)
    z, target = tn.Tensor(X, device="gpu"), tn.Tensor(2 * X, device="gpu")
    tn.bce_with_logits(z, target)
    tn.bce_with_logits(z, target)
    with pytest.raises(ValueError, match="target must be in"):
        tn.bce_with_logits(z, target)


def test_a_loss_that_is_not_finite_is_named_with_its_batch():
    model = with_batch_normalization()
    x = X.copy()
    x[9] = numpy.nan
    batches = tn.data.batches(x, LABELS, size=4, device="gpu")
    with pytest.raises(FloatingPointError, match=r"^fit: the loss is nan in epoch 1, batch 3\. "):
        tn.fit(model, batches, "cross_entropy", tn.optim.Adam(model.parameters()), 1)


def test_gradients_that_are_not_finite_are_told_where_they_are_clipped():
    w = tn.Tensor([1.0], requires_grad=True, device="gpu")
    adam = tn.optim.Adam([w], clip_norm=1.0)
    (w * tn.Tensor([numpy.inf], device="gpu")).sum().backward()
    adam.step()
    with pytest.raises(
        FloatingPointError, match=r"^Adam: a gradient was not finite, and clip_norm"
    ):
        w.numpy()
