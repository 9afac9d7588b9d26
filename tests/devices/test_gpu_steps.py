"""What a training step costs on a GPU: launches, waits and copies, counted on the pretended one."""

from __future__ import annotations

import math
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy
import pytest

import tinynet as tn
from lessons import parts
from lessons.autoencode.boltzmann import RBM
from lessons.autoencode.rbm import bits, divergence
from tests import strict_cupy
from tests.strict_cupy import counts
from tinynet.devices import checks, form, plain
from tinynet.layers import (
    GRU,
    LSTM,
    BatchNormalization,
    Bidirectional,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    Masking,
    MaxPooling2D,
    SimpleRNN,
)

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
    """And the launches do not grow with the number of parameters."""
    models = [with_batch_normalization(), fashion()]
    found = [step_of(model, clip_norm=1.0) for model in models]
    assert all(set(counted) == {"launches"} for counted in found)
    more = [n["launches"] - step_of(m)["launches"] for n, m in zip(found, models, strict=True)]
    assert more[0] == more[1] <= 12


def test_sgd_takes_two_launches():
    model = fashion()
    steps = tn.optim.SGD(model.parameters(), 0.01, momentum=0.9, nesterov=True)
    tn.cross_entropy(model(tn.Tensor(X, device="gpu")), LABELS).backward()
    counts.clear()
    steps.step()
    assert dict(counts) == {"launches": 2}


def test_an_autoencoder_waits_for_nothing():
    layers = [Flatten(), Dense(8, activation="relu"), Dense(784)]
    rng = numpy.random.default_rng(0)
    model = tn.Sequential(layers, input_shape=(28, 28, 1), rng=rng).to("gpu")
    found = step_of(model, tn.bce_with_logits, target=X.reshape(24, -1))
    assert set(found) == {"launches"}


def test_a_boltzmann_machine_waits_for_nothing():
    rng = numpy.random.default_rng(0)
    model = RBM(784, 20, rng).to("gpu")
    loss = lambda h, v: divergence(model, v, rng)
    x = bits(X)
    assert set(step_of(model, loss, x, x)) == {"launches"}


class Counted:
    """Batches that note what was counted since the last one."""

    def __init__(self, batches):
        self.batches, self.found = batches, []

    def __iter__(self):
        for batch in self.batches:
            self.found.append(dict(counts))
            counts.clear()
            yield batch


def words():
    layers = [Embedding(20, 8), Flatten(), Dense(10)]
    rng = numpy.random.default_rng(0)
    return tn.Sequential(layers, input_shape=(7,), rng=rng).to("gpu")


def test_an_embedding_waits_for_nothing():
    found = step_of(words(), x=RNG.integers(0, 20, (24, 7)))
    assert found.pop("launches") > 0
    assert not found


@pytest.mark.parametrize("wrong", [20, -1])
def test_an_index_without_a_row_is_told_late(wrong):
    scores = words()(tn.Tensor(numpy.full((1, 7), wrong), device="gpu"))
    text = (
        f"Embedding 'embedding': index {wrong} is out of range: there are 20 rows, 0 to 19. Count "
        "indices from 0, or give a larger input_dim. The GPU tells this late: it may be of an "
        "earlier call."
    )
    with pytest.raises(ValueError, match=f"^{text}$"):
        scores.numpy()


# -- sequences with padding ------------------------------------------------------------------------

WORDS = RNG.integers(1, 20, (24, 7)) * (numpy.arange(7) < RNG.integers(1, 8, (24, 1)))
LAYERS = {
    "SimpleRNN": [Embedding(20, 8, mask_zero=True), SimpleRNN(8), Dense(10)],
    "GRU": [Embedding(20, 8, mask_zero=True), GRU(8), Dense(10)],
    "LSTM": [Embedding(20, 8, mask_zero=True), LSTM(8), Dense(10)],
    "Masking": [Embedding(20, 8), Masking(), Bidirectional(LSTM(8)), Dense(10)],
}


@pytest.mark.parametrize("name", LAYERS)
def test_layers_of_sequences_wait_for_nothing(name):
    rng = numpy.random.default_rng(0)
    model = tn.Sequential(LAYERS[name], input_shape=(7,), rng=rng).to("gpu")
    assert set(step_of(model, x=WORDS)) == {"launches"}


class Attends(tn.Module):
    def __init__(self, rng):
        self.table, self.dense = Embedding(20, 8, rng=rng), Dense(20, rng=rng)
        self.nothing = Masking()  # by itself it looks for padding, to tell that it does nothing

    def forward(self, words):
        x = self.nothing(self.table(words))
        return self.dense(tn.attention(x, x, x, words.data != 0))


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("labels", ["class numbers", "one-hot"])
def test_a_mask_in_a_loss_and_in_attention_waits_for_nothing(reduction, labels):
    model = Attends(numpy.random.default_rng(0))
    model.build((7,))
    target = WORDS if labels == "class numbers" else numpy.eye(20, dtype="float32")[WORDS]
    mask = tn.Tensor(WORDS != 0, device="gpu")
    loss = lambda y, q: tn.cross_entropy(y, q, reduction, mask)
    assert set(step_of(model.to("gpu"), loss, WORDS, target)) == {"launches"}


def test_ctc_waits_for_nothing():
    model = tn.Sequential([Embedding(20, 5)], input_shape=(7,), rng=numpy.random.default_rng(0))
    labels, lengths = RNG.integers(1, 5, (24, 2)), RNG.integers(3, 8, 24)
    sizes = RNG.integers(0, 3, 24)
    given = {
        name: tn.Tensor(x, device="gpu")
        for name, x in (("logit_lengths", lengths), ("label_lengths", sizes))
    }
    loss = lambda y, q: tn.ctc_loss(y, q, **given)
    assert set(step_of(model.to("gpu"), loss, WORDS, labels)) == {"launches"}


STEPS = numpy.ones((2, 4, 3), "float32")
HALF = numpy.array([[True] * 4, [False] * 4])  # the first example alone has steps that count
MISTAKES = {
    "cross_entropy: mask": lambda x: tn.cross_entropy(x, x.data, mask=HALF & ~HALF),
    "cross_entropy: labels": lambda x: tn.cross_entropy(x, [[-1] * 4, [7, 5, 9, 9]], mask=~HALF),
    "cross_entropy: rows": lambda x: tn.cross_entropy(x, 2 * x.data, mask=HALF),
    "attention: example": lambda x: tn.attention(x, x, x, HALF),
    "attention: query": lambda x: tn.attention(x, x, x, numpy.arange(32).reshape(2, 4, 4) < 20),
    "simple_rnn": lambda x: SimpleRNN(2).run(weights_of(x), HALF),
    "gru": lambda x: GRU(2).run(weights_of(x, 3, (2,)), HALF),
    "lstm": lambda x: LSTM(2).run(weights_of(x, 4, (), 2), HALF),
    "ctc_loss: logit_lengths": lambda x: tn.ctc_loss(x, [[1], [2]], [0, 5]),
    "ctc_loss: label_lengths": lambda x: tn.ctc_loss(x, [[1], [2]], label_lengths=[-1, 1]),
    "ctc_loss: labels": lambda x: tn.ctc_loss(x, [[9, 9], [4, 9]], label_lengths=[0, 1]),
    "ctc_loss: padding": lambda x: tn.ctc_loss(x, [[1, 2], [2, -1]]),
    "ctc_loss: blank": lambda x: tn.ctc_loss(x, [[1, 1], [2, 0]]),
    "ctc_loss: size": lambda x: tn.ctc_loss(x, [[1, 2, 1], [2, 2, 2]]),
    "ctc_decode: lengths": lambda x: tn.ctc_decode(x, logit_lengths=numpy.array([4, 5])),
}  # fmt: skip


def weights_of(x, gates=1, biases=(), states=1):
    """The inputs of a recurrent operation with 2 units."""
    shapes = *[(2, 2)] * states, (3, 2 * gates), (2, 2 * gates), (*biases, 2 * gates)
    return x, *(tn.zeros(shape, device=x.device) for shape in shapes)


@pytest.mark.parametrize("name", MISTAKES)
def test_a_gpu_tells_late_what_the_cpu_tells_at_once(name):
    with pytest.raises(ValueError) as at_once:
        MISTAKES[name](tn.Tensor(STEPS))
    with pytest.raises(ValueError) as late:
        MISTAKES[name](tn.Tensor(STEPS, device="gpu"))
        logits().numpy()
    assert str(late.value) == str(at_once.value) + checks.LATE
    assert str(late.value).startswith(name.partition(":")[0] + ": ")


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


def test_metrics_are_measured_when_the_losses_are_read(monkeypatch):
    def trained(device):
        model = parts("fashion").model(numpy.random.default_rng(0)).to(device)
        batches = Counted(tn.data.batches(X, LABELS, size=4, device=device))
        metrics = ["accuracy", tn.metrics.top_k]
        history = tn.fit(
            model, batches, "cross_entropy", tn.optim.Adam(model.parameters()), 2,
            metrics=metrics, progress=False,
        )  # fmt: skip
        return batches, history

    batches, there = trained("gpu")
    for found in batches.found[2:6] + batches.found[8:12]:
        assert set(found) == {"launches", "to the device"}
    _, here = trained("cpu")
    for name in ("loss", "accuracy", "top_k"):
        numpy.testing.assert_allclose(there[name], here[name], rtol=1e-4)
    monkeypatch.setattr("tinynet.training.loop.MOST_KEPT", 10)
    batches, at_once = trained("gpu")
    assert batches.found[3]["waits"] > 0 and at_once.epochs == there.epochs


def wrong_labels(count=24, wrong=10):
    return tn.Tensor(numpy.full(count, wrong), device="gpu")


def logits(count=24):
    return tn.Tensor(numpy.zeros((count, 10), "float32"), device="gpu")


def test_a_check_keeps_no_labels_and_tells_what_they_were():
    labels = wrong_labels()
    held = weakref.ref(labels.data)
    tn.cross_entropy(logits(), labels)
    labels.data[...] = 3  # a buffer that is used again
    del labels
    assert held() is None
    with pytest.raises(ValueError, match="received 10 to 10") as caught:
        logits().numpy()
    assert str(caught.value).endswith(checks.LATE)


@pytest.mark.parametrize(
    ("labels", "received"),
    [
        ([3, -1, 5, -1], "received -1 to 5. Where -1 is padding, give mask="),
        ([3, -1, 5, -2], "received -2 to 5."),
        ([3, -1, 10, -1], "received -1 to 10."),
    ],
)
def test_what_is_told_of_labels(labels, received):
    tn.cross_entropy(logits(4), tn.Tensor(numpy.array(labels), device="gpu"))
    with pytest.raises(ValueError) as caught:
        logits().numpy()
    text = str(caught.value).removesuffix(checks.LATE)
    assert received in text and ("padding" in text) == ("padding" in received)


def test_a_late_error_has_the_name_of_its_own_operation(monkeypatch):
    tn.cross_entropy(logits(), wrong_labels())
    monkeypatch.setattr(checks, "MOST", 2)
    z = tn.Tensor(X, device="gpu")
    with pytest.raises(ValueError, match=r"^cross_entropy: labels must be in"):
        tn.bce_with_logits(z, z)
    tn.cross_entropy(logits(), wrong_labels())
    with pytest.raises(ValueError, match=r"^cross_entropy: labels must be in"):
        tn.one_hot(wrong_labels(wrong=3), 10)


def test_a_thread_looks_at_its_own_checks():
    with ThreadPoolExecutor(1) as thread:
        thread.submit(tn.cross_entropy, logits(), wrong_labels()).result()
        assert logits().numpy().shape == (24, 10)
        with pytest.raises(ValueError, match=r"^cross_entropy: labels must be in"):
            thread.submit(logits().numpy).result()


def test_one_hot_labels_wait_for_nothing():
    one_hot = numpy.eye(10, dtype="float32")[LABELS]
    assert set(step_of(fashion(), target=one_hot)) == {"launches"}
    tn.cross_entropy(logits(), tn.Tensor(2 * one_hot, device="gpu"))
    with pytest.raises(ValueError, match=r"labels \(\.\.\., K\) must be one-hot"):
        logits().numpy()


def test_labels_of_another_type_take_one_launch_more():
    few, more = (
        step_of(fashion(), target=LABELS.astype(dtype))["launches"] for dtype in ("int64", "uint8")
    )
    assert more == few + 1


@pytest.mark.parametrize("wrong", ["NaN in x", "a label"])
def test_fit_that_is_stopped_in_an_epoch_tells_what_the_gpu_found(wrong):
    model, x, labels = with_batch_normalization(), X.copy(), LABELS.copy()
    if wrong == "NaN in x":
        x[9] = numpy.nan
    else:
        labels[9] = 10

    class Stops(tn.callbacks.Callback):
        def after_batch(self, run):
            run.stop = run.batch == 5

    batches = tn.data.batches(x, labels, size=4, device="gpu")
    error = FloatingPointError if wrong == "NaN in x" else ValueError
    with pytest.raises(error, match="batch 3" if wrong == "NaN in x" else "received 0 to 10|to 10"):
        tn.fit(
            model, batches, "cross_entropy", tn.optim.Adam(model.parameters()), 1,
            callbacks=[Stops()], progress=False,
        )  # fmt: skip


def test_fit_tells_first_what_an_earlier_call_left():
    model = fashion()
    batches = tn.data.batches(X, LABELS, size=4, device="gpu")
    before = {name: w.numpy() for name, w in fashion().weights().items()}
    tn.cross_entropy(logits(), wrong_labels())
    with pytest.raises(ValueError, match="received 10 to 10"):
        tn.fit(model, batches, "cross_entropy", tn.optim.Adam(model.parameters()), 1)
    for name, w in model.weights().items():
        assert (w.numpy() == before[name]).all()


def test_tanh_on_the_gpu():
    x = numpy.linspace(-3, 3, 7, dtype="float32")
    found = tn.tanh(tn.Tensor(x, device="gpu")).numpy()
    numpy.testing.assert_allclose(found, numpy.tanh(x), rtol=1e-6)


ROOM = r"out of memory on the GPU\. It asked for .* GiB, and 1 of 16 GiB are free\."


@pytest.mark.parametrize("batch", [24, 1])
def test_a_layer_for_which_there_is_no_room(batch, monkeypatch):
    model, x = fashion(), tn.Tensor(X[:batch], device="gpu")
    monkeypatch.setitem(strict_cupy.room, "bytes", 1000)
    advice = r" The batch has 24 examples\. Try 8\." if batch > 1 else ""
    with pytest.raises(MemoryError, match=f"^Conv2D 'conv2d': {ROOM}{advice}$"):
        model(x)


def test_a_way_back_for_which_there_is_no_room(monkeypatch):
    model = fashion()
    batches = tn.data.batches(X, LABELS, size=24, device="gpu")

    def loss(outputs, labels):
        strict_cupy.room["bytes"] = 1000
        return tn.cross_entropy(outputs, labels)

    monkeypatch.setitem(strict_cupy.room, "bytes", math.inf)
    with pytest.raises(MemoryError, match=f"^fit: {ROOM} The batch has 24 examples"):
        tn.fit(model, batches, loss, tn.optim.SGD(model.parameters(), 0.1), 1, progress=False)


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
