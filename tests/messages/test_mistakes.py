"""The commonest mistakes, and what is said of each: a row for each, as a person writes it.

The cure must stand in the first 120 characters, whether it comes as an error or as a warning.
"""

from __future__ import annotations

import abc
import copy
import subprocess
import sys
import warnings
from typing import Protocol

import numpy as np
import pytest

import tinynet as tn
from tinynet.layers import (
    BatchNormalization,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    LeakyReLU,
    MaxPooling2D,
)

RNG = np.random.default_rng(0)
X = np.float32(RNG.random((64, 4)))
LABELS = RNG.integers(0, 3, 64)
PICTURES = np.float32(RNG.random((64, 8, 8, 1)))
STEPS = np.ones((2, 3, 4), np.float32)


def model(*layers, shape=(4,)):
    return tn.Sequential(layers or [Dense(3)], input_shape=shape, rng=np.random.default_rng(0))


def optimizer(network):
    return tn.optim.SGD(network.parameters(), lr=0.01)


def fit(x=X, target=LABELS, loss=tn.cross_entropy, network=None, **settings):
    network = network or model(shape=np.shape(x)[1:])
    data = settings.pop("data", None) or tn.data.batches(x, target, rng=np.random.default_rng(0))
    settings = {"epochs": 1, "progress": False} | settings
    return tn.fit(network, data, loss, optimizer(network), **settings)


def set_attribute(thing, name, value):
    setattr(thing, name, value)


def tensor(*shape, grad=True):
    return tn.Tensor(np.ones(shape or (2, 3), np.float32), requires_grad=grad)


def predicted_in_training():
    with tn.no_grad():
        model(Dense(3), Dropout(0.5))(X)


def trained_in_inference():
    network = model(Dense(3), BatchNormalization()).eval()
    sgd = optimizer(network)
    sgd.zero_grad()
    tn.cross_entropy(network(X), LABELS).backward()
    sgd.step()


def moved_too_early():
    w = tensor(3, 2)
    sgd = tn.optim.SGD([w], lr=0.1)
    first, second = ((tensor(4, 3, grad=False) @ w).sum() for _ in range(2))
    first.backward()
    sgd.step()
    second.backward()


class Returns(tn.Module):
    def __init__(self, part=None, name="part"):
        setattr(self, name, part or Dense(2))

    def forward(self, x):
        self.part(x)


class Listed(Returns):
    def forward(self, x):
        return x


NAN = np.where(np.arange(4) == 2, np.nan, X)
SORTED = tn.data.batches(X, np.sort(LABELS), size=32)
ONE_CLASS = np.zeros(64, int)
BATCHES = "tn.data.batches(x, "

# what is written: what must be said in the first 120 characters
TABLE = {
    # -- names ----------------------------------------------------------------------------------
    "tn.Sequental": (lambda: tn.Sequental, "Did you mean Sequential?"),
    "tn.Dense": (lambda: tn.Dense, "tn.layers.Dense"),
    "tn.Linear": (lambda: tn.Linear, "tn.layers.Dense(units)"),
    "tn.ReLU": (lambda: tn.ReLU, 'activation="relu"'),
    "tn.tensor": (lambda: tn.tensor([1.0]), "Did you mean Tensor?"),
    "tn.MaxPool2D": (lambda: tn.MaxPool2D, "tn.layers.MaxPooling2D"),
    "tn.DataLoader": (lambda: tn.DataLoader, BATCHES),
    "tn.nn": (lambda: tn.nn.Linear, "Layers are in tn.layers"),
    "tn.MSELoss": (lambda: tn.MSELoss(), "tn.mse(prediction, target)"),
    "tn.cat": (lambda: tn.cat, "tn.concatenate"),
    "tn.manual_seed": (lambda: tn.manual_seed(0), "rng=numpy.random.default_rng(0)"),
    "layers.Dens": (lambda: tn.layers.Dens, "Did you mean Dense?"),
    "layers.Linear": (lambda: tn.layers.Linear(3), "tn.layers.Dense(units)"),
    "layers.Conv2d": (lambda: tn.layers.Conv2d(3, 3), "Did you mean Conv2D?"),
    "layers.BatchNorm2d": (lambda: tn.layers.BatchNorm2d(3), "tn.layers.BatchNormalization"),
    "layers.ConvLSTM2D": (lambda: tn.layers.ConvLSTM2D(3), "There are GRU, LSTM, Activation, Add"),
    "nn.RNN": (lambda: tn.RNN(3, 4), "Write tn.layers.SimpleRNN(units)."),
    "LSTM(hidden_size=)": (lambda: tn.layers.LSTM(hidden_size=3), "Write units=."),
    "LSTM(batch_first=)": (
        lambda: tn.layers.LSTM(3, batch_first=True),
        "Leave it out: sequences are always (N, T, D).",
    ),
    "LSTM(num_layers=)": (
        lambda: tn.layers.LSTM(3, num_layers=2),
        "one layer after another, all but the last with return_sequences=True",
    ),
    "LSTM(bidirectional=)": (
        lambda: tn.layers.LSTM(3, bidirectional=True),
        "Write Bidirectional(LSTM(...)).",
    ),
    "GRU(stateful=)": (lambda: tn.layers.GRU(3, stateful=True), "Write return_state=True"),
    "Embedding(padding_idx=)": (
        lambda: tn.layers.Embedding(3, 2, padding_idx=0),
        "Write mask_zero=True",
    ),
    "ctc_loss(input_lengths=)": (
        lambda: tn.ctc_loss(STEPS, [[1], [1]], input_lengths=[3, 3]),
        "Write logit_lengths=.",
    ),
    "ctc_loss(target_lengths=)": (
        lambda: tn.ctc_loss(STEPS, [[1], [1]], target_lengths=[1, 1]),
        "Write label_lengths=.",
    ),
    "optim.adam": (lambda: tn.optim.adam, "Did you mean Adam?"),
    "metrics.acuracy": (lambda: tn.metrics.acuracy, "Did you mean accuracy?"),
    "callbacks.ModelCheckpoint": (lambda: tn.callbacks.ModelCheckpoint, "tn.callbacks.BestModel"),
    # -- arguments --------------------------------------------------------------------------------
    "Adam(learning_rate=)": (
        lambda: tn.optim.Adam(model().parameters(), learning_rate=1e-3),
        "Write lr=.",
    ),
    "Adam(model)": (lambda: tn.optim.Adam(model()), "Give model.parameters()."),
    "batches(batch_size=)": (lambda: tn.data.batches(X, batch_size=8), "Write size=."),
    "batches(shuffle=)": (
        lambda: tn.data.batches(X, shuffle=True),
        "Give rng=numpy.random.default_rng(0)",
    ),
    "fit(validation_data=)": (lambda: fit(validation_data=(X, LABELS)), "Write validation=."),
    "fit(batch_size=)": (lambda: fit(batch_size=8), BATCHES),
    "fit(model, x, y)": (
        lambda: tn.fit(model(), X, LABELS, tn.cross_entropy, epochs=1),
        BATCHES,
    ),
    "fit(..., 'adam')": (
        lambda: tn.fit(model(), tn.data.batches(X, LABELS), tn.cross_entropy, "adam", epochs=1),
        "tn.optim.Adam(model.parameters())",
    ),
    "fit(loss=keras' name)": (
        lambda: fit(loss="sparse_categorical_crossentropy"),
        "cross_entropy",
    ),
    "sum(dim=)": (lambda: tensor().sum(dim=1), "Write axis=."),
    "mean(keepdim=)": (lambda: tensor().mean(keepdim=True), "Write keepdims=."),
    "softmax(dim=)": (lambda: tn.softmax(tensor(), dim=1), "Write axis=."),
    "Conv2D(1, 16, 3)": (lambda: Conv2D(1, 16, 3), "arguments have names"),
    "Dense(784, 10)": (lambda: Dense(784, 10), "Dense(10)"),
    "Dense(in_features=)": (lambda: Dense(in_features=3, units=2), "Leave it out"),
    "Dense(input_shape=)": (lambda: Dense(3, input_shape=(4,)), "It belongs to the model"),
    "Dropout(p=)": (lambda: Dropout(p=0.5), "Write rate=."),
    "LeakyReLU(alpha=)": (lambda: LeakyReLU(alpha=0.1), "Write negative_slope=."),
    "activation='leaky_relu'": (lambda: Dense(3, activation="leaky_relu"), "tn.leaky_relu"),
    # -- attributes and methods -------------------------------------------------------------------
    "layer.trianable": (lambda: set_attribute(Dense(3), "trianable", False), "trainable?"),
    "optimizer.learning_rate": (
        lambda: set_attribute(optimizer(model()), "learning_rate", 5),
        "Did you mean lr?",
    ),
    "model.fit": (lambda: model().fit(X, LABELS), "tn.fit(model, tn.data.batches("),
    "model.predict": (lambda: model().predict(X), "tn.predict(model, x)"),
    "model.evaluate": (lambda: model().evaluate(X, LABELS), "tn.evaluate(model, (x, target)"),
    "model.compile": (lambda: model().compile("adam"), "go to tn.fit(model, ...)"),
    "model.save": (lambda: model().save("m.h5"), 'tn.save("model.npz", model)'),
    "model.get_weights": (lambda: model().get_weights(), "model.state_dict()"),
    "model.count_params": (lambda: model().count_params(), "sum(w.size for w in"),
    "model.cuda": (lambda: model().cuda(), 'model.to("gpu")'),
    "x.view": (lambda: tensor().view(6), "x.reshape(...)"),
    "x.unsqueeze": (lambda: tensor().unsqueeze(0), "x[None]"),
    "x.relu": (lambda: tensor().relu(), "tn.relu(x)"),
    "np.exp(x)": (lambda: np.exp(tensor()), "tn.exp(x)"),
    "np.sum(x)": (lambda: np.sum(tensor()), "x.sum()"),
    # -- shapes and dtypes ------------------------------------------------------------------------
    "float64 beside float32": (lambda: tensor() * np.ones(3), 'array.astype("float32")'),
    "a masked array": (lambda: tn.Tensor(np.ma.array([1.0], mask=[True])), "give x.filled(0)."),
    "a mask in an operation": (
        lambda: tn.exp(np.ma.array([1.0], mask=[True])),
        "give x.filled(0).",
    ),
    "masked examples": (lambda: tn.data.batches(np.ma.array(X), LABELS), "give x.filled(0)."),
    "pictures without channels": (
        lambda: Conv2D(4, 3, rng=RNG)(np.ones((5, 28, 28), np.float32)),
        "x[..., None]",
    ),
    "one picture": (lambda: Conv2D(4, 3, rng=RNG)(np.ones((28, 28, 1), np.float32)), "x[None]"),
    "channels first": (
        lambda: Conv2D(4, 3, rng=RNG)(np.ones((5, 1, 28, 28), np.float32)),
        "x.transpose(0, 2, 3, 1)",
    ),
    "channels first, padded": (
        lambda: Conv2D(4, 3, padding="same", rng=RNG)(np.ones((5, 3, 32, 32), np.float32)),
        "x.transpose(0, 2, 3, 1)",
    ),
    "channels first, later": (
        lambda: model(Conv2D(4, 3), shape=(32, 32, 3))(np.ones((5, 3, 32, 32), np.float32)),
        "x.transpose(0, 2, 3, 1)",
    ),
    "a window larger than the picture": (
        lambda: model(Conv2D(4, 3), MaxPooling2D(8), shape=(8, 8, 1)),
        "Use padding='same'",
    ),
    "pictures into Dense": (
        lambda: model(Dense(3), shape=(64,))(PICTURES),
        "Put Flatten() before it.",
    ),
    # -- modes and loops --------------------------------------------------------------------------
    "predicting in training mode": (predicted_in_training, "Call model.eval() before"),
    "training in inference mode": (trained_in_inference, "Call model.train() before the loop"),
    "step() before backward()": (moved_too_early, "call it before step()"),
    "softmax before cross_entropy": (
        lambda: tn.cross_entropy(tn.softmax(tensor()), [0, 1]),
        "Leave softmax out",
    ),
    "softmax before ctc_loss": (
        lambda: tn.ctc_loss(tn.softmax(STEPS), [[1], [1]]),
        "Leave softmax out",
    ),
    "sigmoid before bce_with_logits": (
        lambda: tn.bce_with_logits(tn.sigmoid(tensor()), np.ones((2, 3), np.float32)),
        "Leave sigmoid out",
    ),
    "forward returns nothing": (lambda: Returns().build((4,), RNG), "End it with `return y`."),
    "a layer behind an underscore": (lambda: Listed(Dense(2), "_part").build((4,)), "Call it part"),
    # -- data -------------------------------------------------------------------------------------
    "pixels of 0 to 255": (lambda: fit(PICTURES * 255, network=picture_model()), "/ 255"),
    "a target that a sigmoid cannot reach": (
        lambda: fit(X, X * 255, tn.mse, model(Dense(4, activation="sigmoid"))),
        "Scale the target",
    ),
    "NaN in the data": (lambda: fit(NAN), "NaN"),
    "labels of one class": (lambda: fit(target=ONE_CLASS), "one class"),
    "sorted labels": (lambda: fit(data=SORTED), "shuffle"),
}


def picture_model():
    return model(Flatten(), Dense(3), shape=(8, 8, 1))


@pytest.mark.parametrize("mistake", TABLE)
def test_the_cure_comes_within_120_characters(mistake):
    make, cure = TABLE[mistake]
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        try:
            make()
        except Exception as error:
            said = [str(error)]
        else:
            said = []
    said += [str(warning.message) for warning in found]
    assert any(cure in text[:120] for text in said), said or "nothing is said"


def test_there_are_sixty_mistakes_at_least():
    assert len(TABLE) >= 60


# -- warnings --------------------------------------------------------------------------------------


def test_a_warning_points_at_the_line_of_the_person_and_comes_once_there(tmp_path):
    script = tmp_path / "mine.py"
    script.write_text(
        "import numpy as np, tinynet as tn\n"
        "x = tn.Tensor(np.ones((2, 3), np.float32), requires_grad=True)\n"
        "for _ in range(3):\n"
        "    tn.cross_entropy(tn.softmax(x), [0, 1])  # here\n"
    )
    run = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    first, code = run.stderr.splitlines()
    assert "mine.py:4: MistakeWarning: cross_entropy: its input" in first
    assert code.strip().endswith("# here")


def test_a_warning_can_be_silenced():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", tn.MistakeWarning)
        predicted_in_training()


def test_monte_carlo_dropout_says_that_it_means_it():
    network = model(Dense(64), Dropout(0.5)).eval()
    with tn.no_grad():
        one, other = (network(X, training=True).numpy() for _ in range(2))
    assert (one == 0).any() and (one != other).any()
    assert not network.training
    assert (network(X).numpy() == network.train()(X, training=False).numpy()).all()
    layer = network.layers[1]
    assert (layer(X, training=False).numpy() == X).all()
    assert (layer.eval()(X, training=True).numpy() == 0).any()


def test_what_is_meant_is_not_told():
    network = model(Dense(3), BatchNormalization()).eval()
    sgd = optimizer(network)
    tn.cross_entropy(network(X, training=False), LABELS).backward()
    sgd.step()  # asked for
    sgd.zero_grad()
    x = tn.Tensor(X, requires_grad=True)
    network(x).sum().backward()  # the gradient of the input, for a picture of it
    network.train()
    sgd.zero_grad()
    tn.cross_entropy(network(X), LABELS).backward()
    sgd.step()
    frozen = model(Dense(3), BatchNormalization())
    frozen.layers[1].trainable = False  # as for fine-tuning
    sgd = optimizer(frozen)
    tn.cross_entropy(frozen(X), LABELS).backward()
    sgd.step()


# -- attributes ------------------------------------------------------------------------------------


def test_ones_own_classes_hold_what_they_like():
    class Mine(Dense):
        pass

    class Model(tn.Sequential):
        pass

    for thing in (Mine(3), Model([Dense(3)]), tn.Module()):
        thing.anything = 5
        assert thing.anything == 5
    with pytest.raises(AttributeError, match=r"^Dense has no attribute 'anything'\.$"):
        Dense(3).anything = 5
    with pytest.raises(AttributeError, match=r"no attribute 'trianable'\. Did you mean trainable"):
        model().trianable = False
    tn.Module().trainer = 5  # no mistake


def test_layers_take_float64_inputs_as_their_own_dtype():
    network = model(Flatten(), Dense(3), BatchNormalization())
    y = network(X.astype(float))
    assert y.dtype == np.float32
    assert (y.numpy() == network(X).numpy()).all()
    result = tn.Tensor(X.astype(float), requires_grad=True) * 2
    with pytest.raises(TypeError, match=r"x is float64 and w 'dense\.kernel' is float32"):
        network(result)


# -- from the review by fresh fingers --------------------------------------------------------------


class Tied(tn.Module):
    def __init__(self):
        self.one, self.other = Dense(4), Dense(4)
        self.other.kernel = self.one.kernel


class HasMode(tn.Module):
    def __init__(self, default):
        self.part = Dense(3)
        self.forward = lambda x, training=default: self.part(x)


def kept_gradients():
    network = model()
    sgd = optimizer(network)
    for _ in range(2):
        tn.cross_entropy(network(X), LABELS).backward()
        sgd.step()


def cut_in_forward():
    class Cut(tn.Module):
        def __init__(self):
            self.first, self.last = Dense(4), Dense(3)

        def forward(self, x):
            return self.last(tn.Tensor(self.first(x).numpy()))

    fit(network=Cut().build((4,), RNG))


def keras_callback():
    class Mine(tn.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            pass


def short_schedule():
    network = model()
    sgd = tn.optim.SGD(network.parameters(), lr=tn.schedules.Cosine(0.1, 3))
    tn.fit(network, tn.data.batches(X, LABELS, rng=RNG), "cross_entropy", sgd, 3, progress=False)


def own_loss(y_true, y_pred):
    return tn.mse(y_pred, y_true)


MORE = {
    "forward(x, training=False)": (lambda: HasMode(False).build((4,), RNG), "Leave it out"),
    "tied before it is built": (Tied, "To tie weights, build both layers first"),
    "a weight that is an array": (
        lambda: set_attribute(Dense(3).build((4,), RNG), "kernel", np.ones((4, 3))),
        "kernel must stay a Tensor",
    ),
    "an embedding that is None": (
        lambda: set_attribute(tn.layers.Embedding(3, 2), "embeddings", None),
        "embeddings is set to None",
    ),
    "layers.LayerNorm": (lambda: tn.layers.LayerNorm(3), "tn.layers.LayerNormalization()"),
    "layers.GroupNorm": (lambda: tn.layers.GroupNorm(2, 4), "tn.layers.GroupNormalization("),
    "Embedding(num_embeddings=)": (
        lambda: tn.layers.Embedding(num_embeddings=3, embedding_dim=2),
        "Write input_dim=.",
    ),
    "tn.AveragedModel": (lambda: tn.AveragedModel, "tn.ema(model, 0.999)"),
    "layer.weight": (lambda: Dense(3).weight, "Write layer.kernel"),
    "zero_grad forgotten": (kept_gradients, "zero_grad()"),
    "NumPy in forward": (cut_in_forward, "got no gradient. In forward use tn. functions"),
    "a callback of Keras'": (keras_callback, "Write after_epoch(self, run)."),
    "EarlyStopping(monitor=)": (
        lambda: tn.callbacks.EarlyStopping(monitor="val_loss"),
        "Write watch=.",
    ),
    "a schedule in epochs": (short_schedule, "A schedule counts batches"),
    "a loss (y_true, y_pred)": (lambda: fit(X, X, own_loss, model(Dense(4))), "swap the param"),
    "cross_entropy(labels, logits)": (
        lambda: tn.cross_entropy(LABELS, model()(X)),
        "unless the arguments are swapped",
    ),
    "Tensor(3, 4)": (lambda: tn.Tensor(3, 4), "For a shape write tn.zeros(3, 4)."),
    "model(x, z)": (lambda: model()(X, X), "several inputs come as one list"),
    "self.weights = ...": (
        lambda: set_attribute(tn.Module(), "weights", 3),
        "Give the attribute another name",
    ),
    "optimizer.param_groups": (lambda: optimizer(model()).param_groups, "optimizer.lr = 0.01"),
    "Adam(named_parameters())": (
        lambda: tn.optim.Adam(model().named_parameters()),
        "Give model.parameters().",
    ),
    "argmax(dim=)": (lambda: tensor().argmax(dim=1), "Write axis=."),
    "concatenate(dim=)": (lambda: tn.concatenate([tensor()], dim=1), "Write axis=."),
    "x.long()": (lambda: tensor().long(), "array.astype(int)"),
    "tn.sum(x)": (lambda: tn.sum(tensor()), "Write x.sum(axis)."),
    "history.loss": (lambda: fit().loss, "Write history['loss']."),
    "save(state, path)": (lambda: tn.save(model().state_dict(), "a.npz"), "it comes first"),
    "batches((x, y))": (lambda: tn.data.batches((X, LABELS)), "Give the arrays apart"),
}
MORE |= {
    "relu before cross_entropy": (
        lambda: fit(network=model(Dense(3, activation="relu"))),
        "been through relu. Leave the",
    ),
    "sigmoid before cross_entropy": (
        lambda: fit(network=model(Dense(3, activation="sigmoid"))),
        "been through sigmoid. Leave the",
    ),
    "batches(x, y, 32)": (lambda: tn.data.batches(X, LABELS, 32), "size=32"),
    "accuracy of argmax": (lambda: tn.metrics.accuracy(LABELS, LABELS), "Leave argmax out"),
    "mse of class numbers": (
        lambda: tn.mse(tensor(4, 3), np.ones(4, np.float32)),
        "use tn.cross_entropy",
    ),
    "history['val_loss']": (lambda: fit()["val_loss"], "write history['validation loss']"),
}
TABLE |= MORE


def test_more_that_simply_works():
    history = fit(metrics=["accuracy"])
    assert history.history["loss"] == dict(history)["loss"] == history["loss"]
    network = model(Dense(1, kernel_initializer="zeros"))
    above = np.float32(LABELS > 0)[:, None]
    found = tn.evaluate(network, (X, above), tn.bce_with_logits, ["accuracy"])
    assert found["accuracy"] == (above == 0).mean()  # the logit 0 says: class 0
    path_free = tn.evaluate(network, [X, above], "bce_with_logits")
    assert path_free["loss"] == pytest.approx(np.log(2))


def test_gradients_are_added_up_before_a_step_without_a_word():
    network = model()
    sgd = optimizer(network)
    for _ in range(2):
        sgd.zero_grad()
        for _ in range(3):
            tn.cross_entropy(network(X), LABELS).backward()
        sgd.step()
    for w in network.parameters():
        w.grad = None  # instead of zero_grad()
    for _ in range(2):
        tn.cross_entropy(network(X), LABELS).backward()


def test_what_is_hidden_on_purpose_has_its_weights():
    teacher = model()
    student = Listed(teacher, "_teacher").build((4,), RNG)
    assert student.parameters() == []
    HasMode(None).build((4,), RNG)


# -- what is right is not told: each of these was a false alarm, or broke --------------------------


def test_a_gan_trains_without_a_word():
    draw, judge = model(Dense(4)), model(Dense(1))
    of_draw, of_judge = optimizer(draw), optimizer(judge)
    for _ in range(3):
        of_judge.zero_grad()
        judge(draw(X).detach()).mean().backward()
        of_judge.step()
        of_draw.zero_grad()
        judge(draw(X)).mean().backward()  # the judge gets a gradient too, which nobody uses
        of_draw.step()


def test_a_network_in_inference_mode_may_judge_what_is_trained():
    judge = model(Dense(3), BatchNormalization(), Dropout(0.5)).eval()
    picture = tn.Tensor(X, requires_grad=True)
    for trained in (tn.optim.SGD([picture], lr=0.1), optimizer(model(Dense(4)))):
        trained.zero_grad()
        judge(picture).sum().backward()
        if trained.parameters[0].grad is None:
            trained.parameters[0].grad = np.zeros_like(trained.parameters[0].data)
        trained.step()


def test_a_frozen_or_idle_layer_predicts_in_training_mode_without_a_word():
    network = model(Dense(3), BatchNormalization(), Dropout(0.0))
    network.layers[1].trainable = False
    with tn.no_grad():
        network(X)


def test_parts_that_are_found_elsewhere_are_not_told():
    class Mine(tn.Module):
        def __init__(self):
            self.blocks = [Dense(3), Dense(2)]
            self._last = self.blocks[-1]
            self.owner = [type("Plain", (), {})()]
            self.owner[0].model = self

        def forward(self, x):
            return self._last(self.blocks[0](x))

    assert len(Mine().build((4,), RNG).parameters()) == 4


def test_an_error_inside_a_property_stays_what_it_is():
    class Mine(tn.Module):
        def __init__(self):
            self.part = Dense(3)

        @property
        def code(self):
            return self.part.kernle

    with pytest.raises(AttributeError, match=r"^Dense has no kernle\. Did you mean kernel"):
        _ = Mine().code


def test_layers_and_optimizers_mix_with_other_bases():
    class Named(Protocol):
        def label_of(self) -> str: ...

    class Mine(Dense, Named):
        def __init__(self, units, **others):
            self.gain = others.pop("gain", 1.0)
            super().__init__(units, **others)

        def label_of(self):
            return "mine"

    class Abstract(tn.optim.SGD, abc.ABC):
        pass

    assert Mine(3, gain=2.0, name="n").gain == 2
    assert Abstract([tensor(2)], lr=0.1).lr == 0.1
    assert copy.deepcopy(Mine(3).build((2,), RNG)).units == 3


def test_a_number_of_numpys_is_compared_with_a_tensor():
    loss = tn.Tensor(2.0)
    assert np.mean([1.0, 2.0]) < loss
    assert (np.float64(3) - loss).dtype == np.float32
    with pytest.raises(TypeError, match=r"^numpy\.add: an array cannot be changed by a Tensor"):
        array = np.ones(3)
        array += tensor(3)


def test_a_mask_is_refused_among_labels_too():
    labels = np.ma.array([0, 1], mask=[True, False])
    for make in (lambda: tn.cross_entropy(tensor(), labels), lambda: tn.one_hot(labels, 2)):
        with pytest.raises(TypeError, match="is a masked array, and its mask would be lost"):
            make()


def test_no_repr_fails():
    network = model(Dense(3, kernel_initializer=lambda shape, rng: np.zeros(shape, "float32")))
    network.layers.append(Dense(3))  # without weights
    assert repr(network).startswith("Sequential(dense=Dense, -=Dense)")
    assert "array" not in repr(Dense(3, bias_initializer=np.zeros))


def test_feature_maps_are_no_pictures_with_channels_first():
    layers = [Conv2D(32, 3, padding="same"), MaxPooling2D(), Conv2D(32, 3, padding="same")]
    model(*layers, shape=(6, 64, 1))(np.zeros((2, 6, 64, 1), np.float32))
    with pytest.warns(tn.MistakeWarning, match="Channels are last here"):
        MaxPooling2D()(np.zeros((2, 3, 32, 32), np.float32))


def test_a_graph_has_no_mode_of_its_own():
    with pytest.raises(TypeError, match=r"a graph has no mode of its own\. Call the finished"):
        Dropout(0.5, rng=RNG)(tn.Input((4,)), training=True)


def test_an_argument_that_an_operations_own_code_gives_is_not_the_callers():
    @tn.differentiable
    def mine(x):
        return np.mean(x, foo=1), None

    with pytest.raises(TypeError, match=r"^mine: .*unexpected keyword argument 'foo'"):
        mine(tensor())


def test_modes_may_be_asked_for_one_inside_the_other():
    class Outer(tn.Module):
        def __init__(self):
            self.drop = Dropout(0.5)

        def forward(self, x):
            inside = self.drop(x, training=False)
            return inside, self.drop(x)

    inside, outside = Outer().build((4,), RNG).eval()(X, training=True)
    assert (inside.numpy() == X).all() and (outside.numpy() == 0).any()


def test_a_second_batch_in_float64_is_taken_too():
    network = model()
    assert network(X).dtype == network(X.astype(float)).dtype == np.float32


def test_only_parameters_that_moved_are_out_of_date():
    w, still = tensor(3, 2), tensor(3, 2)
    sgd = tn.optim.SGD([w, still], lr=0.1)
    other = (still * 2).sum()
    (w * 2).sum().backward()
    sgd.step()
    other.backward()
    assert (still.grad == 2).all()


def test_a_frozen_normalization_may_be_in_inference_mode_while_others_are_trained():
    network = model(Dense(3), BatchNormalization()).eval()
    network.layers[1].trainable = False
    sgd = optimizer(network)
    tn.cross_entropy(network(X), LABELS).backward()
    sgd.step()


def test_an_operation_of_ones_own_called_softmax_may_give_logits():
    @tn.differentiable
    def softmax(x):
        return 5 * x, lambda dy: 5 * dy

    tn.cross_entropy(softmax(tensor()), [0, 1])


def test_logits_that_start_at_0_have_been_through_no_relu():
    fit(network=model(Dense(3, kernel_initializer="zeros")))


def test_only_the_accuracy_has_another_threshold_for_logits():
    target = np.float32(LABELS > 0)[:, None]
    found = tn.evaluate(model(Dense(1)), (X, target), "bce_with_logits", {"zero": lambda o, t: 0.0})
    assert found["zero"] == 0
