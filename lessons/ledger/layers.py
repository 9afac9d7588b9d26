"""The ledger's rows of the chapter classify that are about layers and models in general."""

from __future__ import annotations

import numpy as np

import tinynet as tn

from .networks import network
from .row import computed, erratum, reproduced, statement

# -- what the rows call: tinynet's layers, models and batches --------------------------------------


def layer_adds_bias_and_activation():
    rng = np.random.default_rng(0)
    layer = tn.layers.Conv2D(4, 3, activation="relu").build((8, 8, 2), rng)
    layer.load_state_dict({"kernel": layer.kernel.numpy(), "bias": np.float32([1, -1, 0.5, 2])})
    x = tn.Tensor(rng.normal(size=(1, 8, 8, 2)).astype(np.float32))
    by_hand = tn.relu(tn.conv2d(x, layer.kernel) + layer.bias)
    return np.array_equal(layer(x).numpy(), by_hand.numpy())


def dropout_drops(rate):
    """The share of zeros in training, and in evaluation."""
    layer = tn.layers.Dropout(rate, rng=np.random.default_rng(0))
    x = tn.Tensor(np.ones((100, 100), np.float32))
    shares = [float((layer.train()(x).numpy() == 0).mean())]
    return [*shares, float((layer.eval()(x).numpy() == 0).mean())]


def refuses_another_size():
    try:
        network("fashion")(np.zeros((1, 32, 32, 1), np.float32))
        return False
    except ValueError:
        return True


def global_pooling_takes_any_size():
    layers = [tn.layers.Conv2D(8, 3), tn.layers.GlobalAveragePooling2D(), tn.layers.Dense(10)]
    model = tn.Sequential(layers, input_shape=(28, 28, 1), rng=np.random.default_rng(0))
    return [model(np.zeros((1, side, side, 1), np.float32)).shape for side in (28, 32)]


def three_layers():
    return tn.Sequential(
        [tn.layers.Dense(units, name=f"layer{i}") for i, units in enumerate((2, 3, 4), 1)],
        input_shape=(3,),
        rng=np.random.default_rng(0),
    )


def called_one_by_one():
    """layer3(layer2(layer1(x))) is model(x)."""
    model = three_layers()
    layer1, layer2, layer3 = model.layers
    x = tn.Tensor(np.ones((3, 3), np.float32))
    same = np.array_equal(layer3(layer2(layer1(x))).numpy(), model(x).numpy())
    return layer3.name if same else "another"


def where_the_weights_are():
    """Of one layer, Dense(4)."""
    layer = tn.layers.Dense(4).build((3,), np.random.default_rng(0))
    return "Layer.layers.weights" if hasattr(layer, "layers") else f"Layer.{layer.weights.__name__}"


def add_pushes_and_pop_removes():
    model = three_layers()
    model.add(tn.layers.Dense(5))
    heights = [len(model.layers)]
    model.pop()
    return [*heights, len(model.layers)]


def penalty(regularizer, formula):
    w = np.array([1.5, -2.0, 0.25])
    return bool(np.isclose(regularizer(0.1)(tn.Tensor(w)).item(), 0.1 * formula(w).sum()))


def sums_to_one():
    p = tn.softmax(tn.Tensor(np.random.default_rng(0).normal(0, 5, (100, 10)))).numpy()
    return bool((p > 0).all() and np.allclose(p.sum(axis=-1), 1))


def normalized():
    """Mean and deviation after batch-norm, in training, of numbers around 5."""
    x = np.random.default_rng(0).normal(5, 3, (64, 8, 8, 1)).astype(np.float32)
    layer = tn.layers.BatchNormalization().build((8, 8, 1), np.random.default_rng(0))
    y = layer.train()(tn.Tensor(x)).numpy()
    return [y.mean(), y.std()]


def batch_norm_parameters(channels):
    layer = tn.layers.BatchNormalization()
    return layer.build((26, 26, channels), np.random.default_rng(0)).parameters()


def batches_of_one_epoch():
    """The size that batches have if nobody says."""
    return len(next(iter(tn.data.batches(np.zeros((100, 1)))))[0])


# -- the rows --------------------------------------------------------------------------------------

ROWS = [
    statement("A04", "000:75", "Softmax makes probabilities: positive, with the sum 1.",
              "probabilities", sums_to_one),
    statement("A05", "000:81", "Dropout sets inputs to zero in training, and only then.",
              "during training", lambda: np.array_equal(np.sign(dropout_drops(0.5)), [1, 0])),
    statement("A06a", "000:103", "A network for 28 x 28 refuses 32 x 32.", "a fixed size",
              refuses_another_size),
    computed("A06b", "000:103", "With global pooling before the dense layer it takes both: output",
             [(1, 10), (1, 10)], global_pooling_takes_any_size),
    statement("C08a", "002:206", "Softmax over all classes has the sum 1.", "1", sums_to_one),
    statement("C09a", "002:290", "L2 regularization", "lambda sum w^2",
              lambda: penalty(tn.regularizers.L2, np.square),
              why='The text has "to avoid under overfitting" here. The first word was probably '
              'struck out by hand: eight lines further on it says "to avoid overfitting".'),
    statement("C09b", "002:312", "L1 regularization", "lambda sum |w|",
              lambda: penalty(tn.regularizers.L1, np.abs)),
    reproduced("C10", "002:324", "default batch size", 32, batches_of_one_epoch,
               why="It is that of tinynet, which took it from Keras."),
    reproduced("C13", "002:491", "pixels of a digit of 28 x 28, as a vector", 784,
               lambda: tn.layers.Flatten().output_shape((28, 28, 1))[0]),
    reproduced("C14c", "002:499", "layers of the example", 3, lambda: len(three_layers().layers)),
    erratum("C14d", "002:523", "the third layer, in y = model(...(layer2(layer1(x))))",
            "keras.layers.Layer3", "layer3", called_one_by_one,
            "A layer is called by the name of its variable. There is no keras.layers.Layer3."),
    erratum("C14e", "002:557", "where the weights of one layer are", "Layer.layers.weights",
            "Layer.weights", where_the_weights_are,
            "Here Layer is the variable of one Dense layer. A single layer has weights, and no "
            "layers."),
    computed("C14f", "002:547", "layers after one add, and after one pop", [4, 3],
             add_pushes_and_pop_removes, printed="add = push, pop"),
    reproduced("D24a", "003:906", "share of zeros in training, with this dropout rate", 0.5,
               lambda: dropout_drops(0.5)[0], 1),
    statement("D24b", "003:908", "Dropout at test time changes nothing.", "not applied",
              lambda: dropout_drops(0.5)[1] == 0),
    reproduced("D25a", "003:944", "batch-norm's momentum", 0.99,
               lambda: tn.layers.BatchNormalization().momentum),
    reproduced("D25b", "003:944", "batch-norm's epsilon", 0.001,
               lambda: tn.layers.BatchNormalization().epsilon),
    reproduced("D25c", "003:938", "trainable parameters that batch-norm adds to a layer", 2,
               lambda: len(batch_norm_parameters(32)),
               why="These are two vectors, with a number for each channel."),
    computed("D25d", "003:938", "numbers in these two, for 32 channels", 64,
             lambda: sum(p.size for p in batch_norm_parameters(32))),
    reproduced("D25e", "003:940", "mean and deviation after batch-norm, in training",
               [0, 1], normalized, 3),
    statement("D29a", "003:1054", "A convolution layer is conv2d, bias and activation.",
              "automatically", layer_adds_bias_and_activation),
    reproduced("D29b", "003:1058", "stride of a convolution layer if nobody says it", (1, 1),
               lambda: tn.layers.Conv2D(1, 3).strides),
]  # fmt: skip
