"""What fit says of its first batch: each mistake once, with its cure; nothing of what is meant."""

from __future__ import annotations

import re
import warnings

import numpy
import pytest

import tinynet as tn
from tinynet.layers import (
    GRU,
    Activation,
    BatchNormalization,
    Concatenate,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    LayerNormalization,
    Masking,
    Reshape,
)
from tinynet.training import loop

DATA = numpy.random.default_rng(5)
BYTES = DATA.integers(0, 256, (40, 8, 8, 1)).astype(numpy.uint8)
BYTES[0, 0, 0] = 255
X = (BYTES / 255).astype(numpy.float32)
FLAT = X.reshape(40, 64)
Y = DATA.integers(0, 3, 40)
SORTED = numpy.sort(Y)


def generator():
    return numpy.random.default_rng(0)


def network(*layers, shape=(8, 8, 1)):
    return tn.Sequential(layers, input_shape=shape, rng=generator())


def classifier(shape=(8, 8, 1), outputs=3):
    return network(Flatten(), Dense(outputs), shape=shape)


def said(model, data, loss="cross_entropy", epochs=2, **settings):
    """The warnings of a training, each of this file."""
    optimizer = tn.optim.SGD(model.parameters(), 1e-6)
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        tn.fit(model, data, loss, optimizer, epochs, progress=False, **settings)
    assert {(w.category, w.filename) for w in found} <= {(tn.MistakeWarning, __file__)}
    return [str(w.message) for w in found]


def shuffled(*arrays, size=32):
    return tn.data.batches(*arrays, size=size, rng=generator())


# -- pictures that were not scaled -----------------------------------------------------------------


class Scaling(tn.Module):
    """Code of a person's own, which may do anything with its input."""

    def forward(self, x):
        return x * (1 / 255)


class Network(tn.Module):
    def __init__(self):
        self.dense = Dense(3)

    def forward(self, x):
        return self.dense(x.reshape(len(x), -1) * (1 / 255))


def branches():
    one = tn.Input((8, 8, 1))
    both = Concatenate()([Flatten()(one), Flatten()(Conv2D(2, 3)(one))])
    return tn.Model(one, Dense(3)(both), rng=generator())


@pytest.mark.parametrize(
    ("model", "x", "reach"),
    [
        (classifier(), BYTES, 255),
        (classifier(), numpy.minimum(BYTES, 200).astype(numpy.float32), 200),
        (network(Conv2D(2, 3, activation="relu"), Flatten(), Dense(3)), BYTES, 255),
        (network(Dropout(0.1), Reshape((64,)), Dense(3)), BYTES, 255),
        (network(network(Flatten()), network(Dense(3), shape=(64,))), BYTES, 255),
        (branches(), BYTES, 255),
        (classifier((64,)), BYTES.reshape(40, 64), 255),
        (classifier((64,)), 255 * numpy.round(FLAT), 255),
    ],
    ids=["bytes", "floats", "Conv2D", "Dropout", "nested", "graph", "flat", "flat floats"],
)
@pytest.mark.parametrize("kind", ["batches", "list"])
def test_pictures_in_bytes_are_to_be_scaled(model, x, reach, kind):
    data = shuffled(x, Y, size=40) if kind == "batches" else [(x, Y)]
    assert said(model, data) == [
        f'fit: the inputs reach {reach}. Scale pictures to [0, 1]: x.astype("float32") / 255.'
    ]


@pytest.mark.parametrize(
    ("model", "x"),
    [
        (classifier(), X),
        (classifier(), 2 * X - 1),
        (classifier(), (BYTES % 65)),  # counts, up to 64
        (classifier(), 300.0 * X),
        (classifier(), 255.0 * X - 1),
        (classifier((64,)), 254.5 * FLAT),  # measured, 64 numbers each
        (classifier((63,)), BYTES.reshape(40, 64)[:, :63]),
        (classifier((8, 8)), BYTES[..., 0]),
        (network(Scaling(), Flatten(), Dense(3)), BYTES),
        (network(Flatten(), Activation(lambda x: x * (1 / 255)), Dense(3)), BYTES),
        (network(BatchNormalization(), Flatten(), Dense(3)), BYTES),
        (network(LayerNormalization(), Flatten(), Dense(3)), BYTES),
        (network(Embedding(256, 2), Flatten(), Dense(3), shape=(64,)), BYTES.reshape(40, 64)),
        (Network().build((8, 8, 1), generator()), BYTES),
    ],
    ids=[
        *(
            "scaled",
            "to [-1, 1]",
            "counts",
            "above 255",
            "below 0",
            "fractions",
            "few",
            "sequences",
        ),
        *("own layer", "own function", "BatchNormalization", "LayerNormalization", "indices"),
        "own model",
    ],
)
def test_inputs_that_may_be_meant_are_no_matter(model, x):
    assert said(model, shuffled(x, Y)) == []


def test_of_several_inputs_none_is_judged():
    one, two = tn.Input((64,)), tn.Input((64,))
    model = tn.Model([one, two], Dense(3)(Concatenate()([one, two])), rng=generator())
    x = BYTES.reshape(40, 64)
    assert said(model, shuffled(x, x, Y)) == []


# -- a target that the outputs cannot reach --------------------------------------------------------


def decoder(activation):
    return network(Flatten(), Dense(64), Activation(activation))


@pytest.mark.parametrize(
    ("activation", "target", "message"),
    [
        ("sigmoid", 255 * FLAT, "from 0 to 255, and the outputs of a sigmoid stay in [0, 1]."),
        ("sigmoid", 2 * FLAT - 1, "from -1 to 1, and the outputs of a sigmoid stay in [0, 1]."),
        ("softmax", 4 * FLAT, "from 0 to 4, and the outputs of a softmax stay in [0, 1]."),
        ("tanh", 255 * FLAT, "from 0 to 255, and the outputs of a tanh stay in [-1, 1]."),
        ("relu", 2 * FLAT - 1, "from -1 to 1, and the outputs of a relu stay in [0, infinity)."),
    ],
)
@pytest.mark.parametrize("loss", ["mse", tn.mae])
def test_a_target_that_the_outputs_cannot_reach(activation, target, message, loss):
    target[0, 0], target[1, 1] = target.min(), target.max()
    assert said(decoder(activation), [(X, target)], loss) == [
        f"fit: the target goes {message} Scale the target, or leave the {activation} out."
    ]


def test_a_layer_with_its_activation_too():
    model = network(Flatten(), Dense(64, activation="sigmoid"))
    (message,) = said(model, shuffled(X, 255 * FLAT), "mse")
    assert message.startswith("fit: the target goes from 0 to 255")


@pytest.mark.parametrize(
    ("model", "target"),
    [
        (decoder("sigmoid"), FLAT),
        (decoder("sigmoid"), 1.8 * FLAT - 0.4),  # with noise
        (decoder("tanh"), 2 * FLAT - 1),
        (decoder("relu"), 255 * FLAT),
        (decoder("softplus"), 4 * FLAT - 2),
        (network(Flatten(), Dense(64)), 255 * FLAT),
        (network(Flatten(), Dense(64, activation="relu")), FLAT - 2),  # it cannot be seen
    ],
    ids=["sigmoid", "noise", "tanh", "relu", "softplus", "none", "in the layer"],
)
def test_a_target_that_may_be_meant_is_no_matter(model, target):
    assert said(model, shuffled(X, target), "mse") == []


def test_labels_of_a_softmax_are_no_target_of_its_shape():
    model = network(Flatten(), Dense(3, activation="softmax"))
    found = said(model, shuffled(X, Y), "cross_entropy")
    assert not any("target" in text for text in found)  # cross_entropy itself speaks of softmax


def test_another_loss_may_scale_the_outputs():
    loss = lambda outputs, target: tn.mse(outputs * 255, target)
    assert said(decoder("sigmoid"), shuffled(X, 255 * FLAT), loss) == []


def test_several_outputs_are_not_judged():
    x = tn.Input((64,))
    outputs = [Dense(64, activation="sigmoid")(x), Dense(3)(x)]
    model = tn.Model(x, outputs, rng=generator())
    loss = lambda outputs, target: tn.mse(outputs[0], target) + (outputs[1] * 0).sum()
    assert said(model, shuffled(FLAT, 255 * FLAT), loss) == []


# -- labels ----------------------------------------------------------------------------------------

EQUAL = numpy.full(40, 2)
ALL_ONE = (
    "fit: all 40 labels are 2. Give examples of several classes: from labels of one class, a model "
    "learns to say nothing else."
)
UNSHUFFLED = (
    "fit: the labels are sorted, and the batches are not shuffled. Shuffle: "
    "tn.data.batches(..., rng=numpy.random.default_rng(0))."
)
FIRST = "fit: the labels of the first batch are {}. Shuffle: tn.data.batches(x, labels, rng="
FIRST += "numpy.random.default_rng(0))."


@pytest.mark.parametrize(
    ("labels", "settings", "messages"),
    [
        (EQUAL, {}, [ALL_ONE]),
        (EQUAL, {"rng": generator()}, [ALL_ONE]),
        (SORTED, {}, [UNSHUFFLED]),
        (SORTED, {"size": 4}, [UNSHUFFLED]),
        (SORTED.astype(numpy.uint8), {}, [UNSHUFFLED]),
        (SORTED, {"rng": generator()}, []),
        (SORTED, {"size": 40}, []),  # one batch has no order
        (Y, {}, []),
        (SORTED[::-1], {}, []),
        (numpy.eye(3)[SORTED], {}, []),
        (EQUAL[:31], {}, []),
        (SORTED[:31], {"size": 8}, []),
    ],
    ids=[
        *("one class", "one class, shuffled", "sorted", "small batches", "uint8", "shuffled"),
        *("one batch", "mixed", "backwards", "one-hot", "few", "few sorted"),
    ],
)
def test_of_batches_all_labels_are_looked_at(labels, settings, messages):
    data = tn.data.batches(X[: len(labels)], labels, **settings)
    assert said(classifier(), data) == messages


def in_batches(labels, size=32, count=2):
    return [(X[:size], labels[:size])] * count


@pytest.mark.parametrize(
    ("data", "outputs", "messages"),
    [
        (in_batches(EQUAL), 3, [FIRST.format("all 2, as where they are sorted")]),
        (in_batches(numpy.repeat([0, 1], 20)), 3, [FIRST.format("sorted")]),
        (in_batches(EQUAL // 2), 2, []),  # the other class may be rare
        (in_batches(numpy.repeat([0, 1], 20)), 2, []),  # as many of each class, in order
        (in_batches(numpy.repeat([0, 1], [31, 9])), 3, []),  # by chance
        (in_batches(numpy.repeat([1, 0], 20)), 3, []),
        (in_batches(Y), 3, []),
        (in_batches(EQUAL, size=31), 3, []),
        (in_batches(EQUAL, count=1), 3, []),
        (in_batches(EQUAL.astype(numpy.float32)[:, None]), 1, []),
    ],
    ids=[
        *("one class", "sorted", "one of two", "two of two", "one rare", "backwards", "mixed"),
        *("few", "one batch", "no labels"),
    ],
)
def test_of_other_data_the_first_labels_are_looked_at(data, outputs, messages):
    loss = "mse" if outputs == 1 else "cross_entropy"
    assert said(classifier(outputs=outputs), data, loss) == messages


def test_data_without_a_length_is_looked_at_too():
    class Stream:
        def __iter__(self):
            return iter(in_batches(EQUAL))

    assert said(classifier(), Stream()) == [FIRST.format("all 2, as where they are sorted")]


def test_sorted_numbers_that_are_no_labels_are_not_judged():
    model = network(Flatten(), Dense(1), Reshape(()))
    assert said(model, tn.data.batches(X, SORTED), "mse") == []
    loss = lambda outputs, target: tn.mse(outputs[:, 0], target)
    assert said(classifier(), tn.data.batches(X, SORTED.astype(numpy.float32)), loss) == []
    one_hot = tn.data.batches(X, numpy.eye(3, dtype=int)[EQUAL])
    assert said(classifier(), one_hot) == []


# -- sequences -------------------------------------------------------------------------------------

WORDS = numpy.array([[1, 2, 3], [2, 1, 0]] * 4)
LOSS = "tn.cross_entropy(o, q, mask=q != 0)"


def tagger(mask_zero=True, sequences=True):
    cell = GRU(4, return_sequences=sequences)
    return network(Embedding(5, 3, mask_zero=mask_zero), cell, Dense(4), shape=(3,))


def masked(outputs, target):
    return tn.cross_entropy(outputs, target, mask=target != 0)


def test_a_loss_that_counts_padding_is_told():
    message = (
        "fit: the loss counts the steps that are padding too. Give it their mask: lambda o, q: "
        f"{LOSS}, where 0 is the padding of the target."
    )
    assert said(tagger(), shuffled(WORDS, WORDS)) == [message]
    rows = numpy.float32(WORDS[..., None] != 0)
    of_rows = network(Masking(), GRU(4, return_sequences=True), Dense(4), shape=(3, 1))
    assert said(of_rows, shuffled(rows, WORDS)) == [message]
    assert said(tagger(), shuffled(WORDS, WORDS), masked) == []
    assert said(tagger(), shuffled(WORDS[::2], WORDS[::2])) == []  # no padding
    assert said(tagger(False), shuffled(WORDS, WORDS)) == []
    assert said(tagger(sequences=False), shuffled(WORDS, WORDS[:, 0])) == []  # one label each


def test_a_padded_source_is_no_padding_of_the_output():
    source, start = tn.Input((3,)), tn.Input((2, 4))
    state = GRU(4)(Embedding(5, 3, mask_zero=True)(source))
    steps = Dense(4)(GRU(4, return_sequences=True)(start, initial_state=state))
    model = tn.Model([source, start], steps, rng=generator())
    rows = numpy.ones((8, 2, 4), numpy.float32)
    assert said(model, shuffled(WORDS, rows, WORDS[:, :2])) == []


def test_zeros_between_words_are_told():
    between = numpy.array([[1, 0, 2], [3, 1, 0]] * 4)
    assert said(tagger(sequences=False), shuffled(between, WORDS[:, 0])) == [
        "fit: a 0 stands between words, and mask_zero=True takes it for padding. Count words from "
        "1, and fill up with 0 at the end."
    ]
    for x, mask_zero in ((between, False), (WORDS, True), (WORDS[:, ::-1], True)):
        assert said(tagger(mask_zero, sequences=False), shuffled(x, WORDS[:, 0])) == []


def test_a_mask_in_the_place_of_the_target_is_told():
    with (
        pytest.warns(tn.MistakeWarning) as found,
        pytest.raises(TypeError, match="it takes one input, received a list of 2"),
    ):
        said_of = tagger(False)
        optimizer = tn.optim.SGD(said_of.parameters(), 0.1)
        data = tn.data.batches(WORDS, WORDS, WORDS != 0)
        tn.fit(said_of, data, "cross_entropy", optimizer, 1, progress=False)
    assert [str(w.message) for w in found] == [
        "fit: the last array of a batch is the target, and here it is a mask. Leave it out: it "
        f"goes into the loss, lambda o, q: {LOSS}."
    ]


# -- when ------------------------------------------------------------------------------------------


def test_the_first_batch_alone_is_looked_at_and_goes_through_the_model_once(monkeypatch):
    calls, seen = [], []
    model = classifier()
    plain = model.forward
    model.forward = lambda x: calls.append(1) or plain(x)
    look = loop.look_at_first_batch
    monkeypatch.setattr(loop, "look_at_first_batch", lambda *a: seen.append(1) or look(*a))
    assert len(said(model, [(X, Y), (BYTES, Y)])) == 0
    assert (len(calls), len(seen)) == (4, 1)


def test_a_resumed_run_is_not_looked_at_again(tmp_path):
    path = tmp_path / "run.npz"
    settings = {"callbacks": [tn.callbacks.SaveState(path)]}
    assert len(said(classifier(), shuffled(BYTES, Y), epochs=1, **settings)) == 1
    assert said(classifier(), shuffled(BYTES, Y), resume=path, **settings) == []


def test_two_mistakes_are_two_warnings():
    found = said(classifier(), tn.data.batches(BYTES, SORTED))
    assert [re.match(r"fit: the (inputs|labels)", text)[1] for text in found] == [
        "inputs",
        "labels",
    ]


def test_a_warning_that_is_an_error_ends_the_training_there():
    model = classifier()
    with pytest.raises(tn.MistakeWarning, match=r"^fit: the inputs reach 255\."):
        tn.fit(model, shuffled(BYTES, Y), "cross_entropy", tn.optim.SGD(model.parameters(), 0.1), 1)


@pytest.mark.parametrize(
    "values", [FLAT, FLAT.tolist(), tn.Tensor(FLAT)], ids=["array", "list", "tensor"]
)
def test_batches_of_any_kind_can_be_looked_at(values, device):
    model = classifier((64,)).to(device)
    data = [(values, Y.tolist())] * 2
    if device == "gpu":
        data = [(tn.Tensor(FLAT).to(device), tn.Tensor(Y).to(device))] * 2
    assert said(model, data) == []
