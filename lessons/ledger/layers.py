"""The ledger's rows of the chapter classify that are about layers and models in general."""

from __future__ import annotations

import numpy as np

import tinynet as tn

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
    from ..classify.fashion import model

    try:
        model(np.random.default_rng(0))(np.zeros((1, 32, 32, 1), np.float32))
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


def batches_of_one_epoch():
    """The size that batches have if nobody says."""
    return len(next(iter(tn.data.batches(np.zeros((100, 1)))))[0])


# -- the rows --------------------------------------------------------------------------------------

ROWS = [
    statement("A04", "000:75", "softmax converts the output into probabilities", "probabilities",
              sums_to_one),
    statement("A05", "000:81", "dropout sets inputs to zero in training, and only there",
              "during training", lambda: np.array_equal(np.sign(dropout_drops(0.5)), [1, 0])),
    statement("A06a", "000:103", "a network for 28 x 28, given 32 x 32", "fixed size",
              refuses_another_size),
    computed("A06b", "000:103", "with global pooling before the dense layer, given 28 x 28 and "
             "32 x 32: output", [(1, 10), (1, 10)], global_pooling_takes_any_size),
    statement("C08a", "002:206", "softmax, summed over the classes", "1", sums_to_one),
    statement("C09a", "002:290", "L2 regularization", "lambda sum w^2",
              lambda: penalty(tn.regularizers.L2, np.square)),
    statement("C09b", "002:312", "L1 regularization", "lambda sum |w|",
              lambda: penalty(tn.regularizers.L1, np.abs)),
    erratum(21, "C09c", "002:288", "what regularization avoids", "under overfitting",
            "overfitting", None, why="A slip of the pen: line 296 has it right."),
    reproduced("C10", "002:324", "default batch size", 32, batches_of_one_epoch,
               why="That it is Keras' too cannot be seen from here."),
    reproduced("C13", "002:491", "pixels of a digit of 28 x 28, as a vector", 784,
               lambda: tn.layers.Flatten().output_shape((28, 28, 1))[0]),
    reproduced("C14c", "002:499", "layers of the example", 3, lambda: len(three_layers().layers)),
    erratum(20, "C14d", "002:523", "the third layer, in y = ...(layer2(layer1(x)))",
            "keras.layers.Layer3", "layer3", called_one_by_one),
    erratum(20, "C14e", "002:557", "where the weights of one layer are", "Layer.layers.weights",
            "Layer.weights", where_the_weights_are),
    computed("C14f", "002:547", "add = push, pop = remove: layers after each", [4, 3],
             add_pushes_and_pop_removes),
    reproduced("D24a", "003:906", "dropout with this rate: share of zeros in training", 0.5,
               lambda: dropout_drops(0.5)[0], 1),
    statement("D24b", "003:908", "dropout at test time changes nothing", "not applied",
              lambda: dropout_drops(0.5)[1] == 0),
    reproduced("D25a", "003:944", "batch-norm's momentum", 0.99,
               lambda: tn.layers.BatchNormalization().momentum),
    reproduced("D25b", "003:944", "batch-norm's epsilon", 0.001,
               lambda: tn.layers.BatchNormalization().epsilon),
    computed("D25c", "003:938", '"two trainable parameters to each layer" are two for each '
             "channel: of 32", 64, lambda: sum(
                 p.size for p in tn.layers.BatchNormalization().build(
                     (26, 26, 32), np.random.default_rng(0)).parameters())),
    statement("D29", "003:1054", "a convolution layer is conv2d, bias and activation",
              "automatically", layer_adds_bias_and_activation),
]  # fmt: skip
