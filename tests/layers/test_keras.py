"""Layers held to Keras itself: same weights, same outputs, same gradients, same words and defaults.

Keras is a test-only extra, on the torch backend; without it these tests are skipped.  Both sides
are built from the same row of a table, so that a row also says that the arguments mean the same.
"""

from __future__ import annotations

import inspect
import os

import numpy
import pytest

import tinynet as tn
from tinynet.models.names import names_of

pytestmark = pytest.mark.slow  # importing Keras alone takes seconds


@pytest.fixture(scope="module")
def keras(tmp_path_factory):
    """Keras, imported for the tests that run, and not when tests are only collected."""
    pytest.importorskip("torch")
    os.environ.setdefault("KERAS_BACKEND", "torch")
    os.environ.setdefault("KERAS_HOME", str(tmp_path_factory.mktemp("keras")))  # it writes there
    keras = pytest.importorskip("keras")
    if keras.backend.backend() != "torch":
        pytest.skip(f"Keras computes with {keras.backend.backend()}, and not with torch.")
    return keras


class Integers(tuple):
    """A shape, with the batch, of inputs that are integers, from 0 to 4."""


class Inner:
    """A layer that is an argument of another: it is made in each library."""

    def __init__(self, kind, *arguments, **settings):
        self.make = lambda layers: getattr(layers, kind)(*arguments, **settings)


PICTURE = (4, 7, 6, 3)  # one side odd, one even
SEQUENCE = (4, 6, 3)
TABLE = {  # layer, its arguments, the shape of its input with the batch (a list: several inputs)
    "dense": ("Dense", (5,), {}, (4, 3)),
    "dense without bias": ("Dense", (5,), {"use_bias": False}, (4, 3)),
    "dense on pictures": ("Dense", (5,), {}, PICTURE),
    "dense on sequences": ("Dense", (2,), {"activation": "tanh"}, (4, 5, 3)),
    **{
        f"dense with {name}": ("Dense", (5,), {"activation": name}, (4, 3))
        for name in (*tn.layers.activations.ACTIVATIONS, "linear")
    },
    "convolution": ("Conv2D", (4, 3), {}, PICTURE),
    "convolution same": ("Conv2D", (4, 3), {"padding": "same"}, PICTURE),
    "convolution without bias": ("Conv2D", (4, (2, 3)), {"use_bias": False}, PICTURE),
    "convolution and relu": ("Conv2D", (4, 3), {"padding": "valid", "activation": "relu"}, PICTURE),
    "convolution, kernel 1": ("Conv2D", (4, 1), {"strides": 2}, PICTURE),
    **{
        f"convolution {k} by {s}, {padding}": (
            "Conv2D",
            (2, k),
            {"strides": s, "padding": padding},
            PICTURE,
        )
        for k in (2, 3, (4, 5))
        for s in (2, 3, (1, 2))
        for padding in ("valid", "same")
    },
    "transposed": ("Conv2DTranspose", (4, 3), {}, PICTURE),
    "transposed without bias": ("Conv2DTranspose", (4, 3), {"use_bias": False}, PICTURE),
    "transposed and sigmoid": ("Conv2DTranspose", (2, 3), {"activation": "sigmoid"}, PICTURE),
    **{
        f"transposed {k} by {s}, {padding}": (
            "Conv2DTranspose",
            (2, k),
            {"strides": s, "padding": padding},
            PICTURE,
        )
        for k in (2, 3, (4, 5))
        for s in (1, 2, 3, (1, 2))
        for padding in ("valid", "same")
    },
    **{
        f"{name} {arguments}": (name, (), arguments, PICTURE)
        for name in ("MaxPooling2D", "AveragePooling2D")
        for arguments in (
            {"pool_size": 2},
            {"pool_size": 2, "padding": "same"},
            {"pool_size": 3},
            {"pool_size": 3, "strides": 1},
            {"pool_size": 3, "strides": 2, "padding": "same"},
            {"pool_size": (2, 3), "strides": (3, 1)},
            {"pool_size": (2, 3), "strides": (2, 1), "padding": "same"},
        )
        # Keras on torch repeats the edge where one side gets more than the other; Keras elsewhere
        # leaves the border out of the mean, as tinynet does
        if name == "MaxPooling2D" or "padding" not in arguments
    },
    "mean of 3 by 2, same": (
        "AveragePooling2D",
        (3, 2, "same"),
        {},
        (4, 7, 9, 3),  # a row above and below, a column left and right
    ),
    "mean of 3 by 1, same": ("AveragePooling2D", (3, 1, "same"), {}, PICTURE),
    "pooling by default": ("MaxPooling2D", (), {}, PICTURE),
    "global mean": ("GlobalAveragePooling2D", (), {}, PICTURE),
    "flatten": ("Flatten", (), {}, PICTURE),
    "flatten rows": ("Flatten", (), {}, (4, 3)),
    "flatten numbers": ("Flatten", (), {}, (4,)),
    "reshape": ("Reshape", ((6, 21),), {}, PICTURE),
    "reshape with -1": ("Reshape", ((3, -1, 2),), {}, PICTURE),
    "reshape to a row": ("Reshape", ((-1,),), {}, PICTURE),
    "padding": ("ZeroPadding2D", (), {}, PICTURE),
    "padding by 2": ("ZeroPadding2D", (2,), {}, PICTURE),
    "padding by a pair": ("ZeroPadding2D", ((2, 1),), {}, PICTURE),
    "padding by side": ("ZeroPadding2D", (((2, 1), (0, 3)),), {}, PICTURE),
    "upsampling": ("UpSampling2D", (), {}, PICTURE),
    "upsampling by a pair": ("UpSampling2D", ((3, 2),), {}, PICTURE),
    "upsampling, bilinear": ("UpSampling2D", (2,), {"interpolation": "bilinear"}, PICTURE),
    "normalization": ("BatchNormalization", (), {}, PICTURE),
    "normalization of rows": ("BatchNormalization", (), {}, (6, 3)),
    "normalization, other numbers": (
        "BatchNormalization",
        (),
        {"momentum": 0.5, "epsilon": 0.1},
        PICTURE,
    ),
    "normalization without beta": ("BatchNormalization", (), {"center": False}, PICTURE),
    "normalization without gamma": ("BatchNormalization", (), {"scale": False}, PICTURE),
    "rows normalized": ("LayerNormalization", (), {}, PICTURE),
    "rows normalized, other numbers": ("LayerNormalization", (), {"epsilon": 0.1}, (6, 3)),
    "rows normalized without beta": ("LayerNormalization", (), {"center": False}, PICTURE),
    "rows normalized without gamma": ("LayerNormalization", (), {"scale": False}, PICTURE),
    "groups normalized": ("GroupNormalization", (3,), {}, (*PICTURE[:3], 12)),
    "groups normalized by default": ("GroupNormalization", (), {}, (2, 3, 64)),
    "groups of rows normalized": ("GroupNormalization", (2,), {"epsilon": 0.1}, (6, 8)),
    "groups normalized without beta": ("GroupNormalization", (1,), {"center": False}, PICTURE),
    "groups normalized without gamma": ("GroupNormalization", (3,), {"scale": False}, PICTURE),
    "embedding": ("Embedding", (5, 3), {}, Integers((4,))),
    "embedding of sequences": ("Embedding", (5, 3), {}, Integers((4, 7))),
    "activation": ("Activation", ("softplus",), {}, PICTURE),
    "leaky": ("LeakyReLU", (), {}, PICTURE),
    "leaky, 0.1": ("LeakyReLU", (0.1,), {}, PICTURE),
    "softmax": ("Softmax", (), {}, PICTURE),
    "softmax along columns": ("Softmax", (), {"axis": 1}, PICTURE),
    **{
        f"{name} {settings or ''}": (name, (5,), settings, SEQUENCE)
        for name in ("SimpleRNN", "GRU", "LSTM")
        for settings in (
            {},
            {"return_sequences": True},
            {"go_backwards": True, "use_bias": False},
            {"go_backwards": True, "return_sequences": True},
        )
    },
    "plain recurrent with relu": ("SimpleRNN", (5, "relu"), {}, SEQUENCE),
    **{
        f"both directions, {mode}, sequences {sequences}": (
            "Bidirectional",
            (Inner("GRU", 2, return_sequences=sequences), mode),
            {},
            SEQUENCE,
        )
        for mode in ("concat", "sum", "mul", "ave")
        for sequences in (False, True)
    },
    "at every step": ("TimeDistributed", (Inner("Conv2D", 2, 3),), {}, (2, 3, 5, 4, 2)),
    "dense at every step": ("TimeDistributed", (Inner("Dense", 2),), {}, SEQUENCE),
    "without padding": ("Masking", (), {}, SEQUENCE),
    "sum of two": ("Add", (), {}, [PICTURE, PICTURE]),
    "sum of three": ("Add", (), {}, [(4, 3)] * 3),
    "side by side": ("Concatenate", (), {}, [(4, 3), (4, 5)]),
    "one above the other": ("Concatenate", (), {"axis": 1}, [(4, 2, 6, 3), (4, 5, 6, 3)]),
}
NOISE = {  # what these do in training is random
    "Dropout": (0.3, {}),
    "SpatialDropout2D": (0.3, {}),
    "GaussianNoise": (0.3, {}),
}


def both(keras, name, arguments=(), settings=None, shape=PICTURE):
    """The layer here and in Keras, built for that input, with the same random weights."""
    settings, shapes = settings or {}, shape if isinstance(shape, list) else [shape]
    rng = numpy.random.default_rng(1)
    ours = make(tn.layers, name, arguments, rng=rng, **settings)
    theirs = make(keras.layers, name, arguments, **settings)
    without_batch = [tuple(s[1:]) for s in shapes]
    ours.build(without_batch if isinstance(shape, list) else without_batch[0])
    theirs.build(shape)
    same_weights(ours, theirs, numpy.random.default_rng(2))
    return ours, theirs


def make(layers, name, arguments, **settings):
    arguments = [a.make(layers) if isinstance(a, Inner) else a for a in arguments]
    return getattr(layers, name)(*arguments, **settings)


def same_weights(ours, theirs, rng):
    """Random weights for both, all positive where a variance must be."""
    weights = ours.weights()
    assert [path.rpartition(".")[2] for path in weights] == [w.name for w in theirs.weights]
    for w, twin in zip(weights.values(), theirs.weights, strict=True):
        assert w.shape == tuple(twin.shape)
        assert w.requires_grad == twin.trainable
        w.data[...] = rng.uniform(0.5, 1.5, w.shape) - 0.9 * ("kernel" in twin.name)
        twin.assign(w.data)


def draw(shape, rng):
    shapes = shape if isinstance(shape, list) else [shape]
    return [
        rng.integers(0, 5, s) if isinstance(s, Integers) else rng.standard_normal(s, numpy.float32)
        for s in shapes
    ]


def given(arrays, make):
    made = [make(x) for x in arrays]
    return made, made if len(made) > 1 else made[0]


def assert_close(got, expected, tolerance=1e-5):
    """Equal shapes and dtypes, and values near each other, relative to the largest."""
    expected = expected.detach().numpy() if hasattr(expected, "detach") else expected
    assert (got.shape, got.dtype) == (expected.shape, numpy.float32)
    scale = max(1.0, float(numpy.abs(expected).max(initial=0)))
    numpy.testing.assert_allclose(got, expected, rtol=0, atol=tolerance * scale)


def compare(ours, theirs, arrays, training, rng):
    """Outputs, and gradients of inputs and weights for a random upstream gradient."""
    import torch

    ours.train() if training else ours.eval()
    inputs, x = given(arrays, lambda a: tn.Tensor(a, requires_grad=a.dtype.kind == "f"))
    twins, twin = given(arrays, lambda a: torch.tensor(a, requires_grad=a.dtype.kind == "f"))
    has_mode = "training" in inspect.signature(theirs.call).parameters
    y, z = ours(x), theirs(twin, **({"training": training} if has_mode else {}))
    assert y.shape[1:] == ours.output_shape(ours.input_shape)
    shapes = [a.shape for a in arrays]
    assert y.shape == tuple(theirs.compute_output_shape(shapes if len(shapes) > 1 else shapes[0]))
    assert_close(y.numpy(), z)

    dy = rng.standard_normal(y.shape, numpy.float32)
    y.backward(dy)
    z.backward(torch.tensor(dy))
    for a, b in zip(inputs, twins, strict=True):
        if a.requires_grad:
            assert_close(a.grad, b.grad)
    for w, b in zip(ours.parameters(), theirs.trainable_weights, strict=True):
        assert_close(w.grad, b.value.grad)
        w.grad = b.value.grad = None


@pytest.mark.parametrize("training", [False, True], ids=["inference", "training"])
@pytest.mark.parametrize("row", TABLE)
def test_same_weights_give_the_same_outputs_and_gradients(keras, row, training, rng):
    name, arguments, settings, shape = TABLE[row]
    ours, theirs = both(keras, name, arguments, settings, shape)
    compare(ours, theirs, draw(shape, rng), training, rng)


def test_every_layer_stands_in_a_table():
    tested = {name for name, *_ in TABLE.values()} | set(NOISE)
    assert tested == set(tn.layers.__all__) - {"Layer"}


# -- masks and states ------------------------------------------------------------------------------


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("name", ["SimpleRNN", "GRU", "LSTM"])
def test_states_and_masks_are_those_of_keras(keras, name, masked, backwards, rng):
    import torch

    settings = {"return_sequences": True, "return_state": True, "go_backwards": backwards}
    ours, theirs = both(keras, name, (5,), settings, SEQUENCE)
    x, *states = (
        rng.standard_normal(shape, numpy.float32)
        for shape in (SEQUENCE, *[(4, 5)] * (1 + (name == "LSTM")))
    )
    mask = numpy.arange(6) < numpy.array([[6], [4], [1], [3]])
    mask[0, 2] = False  # a hole
    inputs = [tn.Tensor(a, requires_grad=True) for a in (x, *states)]
    twins = [torch.tensor(a, requires_grad=True) for a in (x, *states)]
    ys = ours(inputs[0], initial_state=inputs[1:], mask=mask if masked else None)
    zs = theirs(twins[0], initial_state=twins[1:], mask=torch.tensor(mask) if masked else None)
    assert len(ys) == len(zs) == 1 + len(states)
    # before the first step that counts, Keras' output is 0, and ours is the initial state
    counted = numpy.logical_or.accumulate(mask[:, ::-1] if backwards else mask, axis=1)
    loss, twin = 0, 0
    for y, z in zip(ys, zs, strict=True):
        where = counted[..., None] if y.ndim == 3 and masked else numpy.float32(1)
        assert_close((y * where).numpy(), z * torch.tensor(where))
        dy = rng.standard_normal(y.shape, numpy.float32) * where
        loss, twin = loss + (y * dy).sum(), twin + (z * torch.tensor(dy)).sum()
    loss.backward()
    twin.backward()
    for a, b in zip(inputs, twins, strict=True):
        assert_close(a.grad, b.grad)
    for w, b in zip(ours.parameters(), theirs.trainable_weights, strict=True):
        assert_close(w.grad, b.value.grad)


@pytest.mark.parametrize("sequences", [False, True])
def test_a_model_hands_the_mask_on_as_keras_does(keras, sequences, rng):
    def made(layers, model, **more):
        back = layers.Bidirectional(layers.LSTM(4, return_sequences=True))
        last = layers.GRU(3, return_sequences=sequences)
        parts = [
            layers.Masking(),
            layers.Dense(5),
            back,
            layers.TimeDistributed(layers.Dense(4)),
            last,
        ]
        return model(parts, **more)

    ours = made(tn.layers, tn.Sequential, input_shape=(6, 3), rng=numpy.random.default_rng(1))
    theirs = made(keras.layers, keras.Sequential)
    theirs.build((None, 6, 3))
    same_weights(ours, theirs, rng)
    x = rng.standard_normal(SEQUENCE, numpy.float32)
    x[1, 4:] = x[2, 1:] = x[3, :2] = 0
    assert_close(tn.predict(ours, x), theirs(x))
    words = rng.integers(1, 5, (4, 6))
    words[0, 3:] = words[1, 1:] = 0
    ours, theirs = (
        model([layers.Embedding(5, 3, mask_zero=True), layers.SimpleRNN(4)])
        for layers, model in ((tn.layers, tn.Sequential), (keras.layers, keras.Sequential))
    )
    theirs.build((None, 6))
    ours.build((6,), rng=numpy.random.default_rng(1))
    same_weights(ours, theirs, rng)
    assert_close(ours.eval()(tn.Tensor(words)).numpy(), theirs(words))


# -- what lasts and what is random -----------------------------------------------------------------


@pytest.mark.parametrize("settings", [{}, {"momentum": 0.6}], ids=str)
@pytest.mark.parametrize("shape", [PICTURE, (6, 3)], ids=str)
def test_moving_statistics_are_keras_after_several_steps(keras, shape, settings, rng):
    ours, theirs = both(keras, "BatchNormalization", (), settings, shape)
    for _ in range(4):
        compare(ours, theirs, [3 * x + 2 for x in draw(shape, rng)], True, rng)
        assert_close(ours.moving_mean.numpy(), theirs.moving_mean.value)
        assert_close(ours.moving_variance.numpy(), theirs.moving_variance.value)
    before = ours.moving_mean.numpy().copy()
    compare(ours, theirs, draw(shape, rng), False, rng)
    assert (ours.moving_mean.numpy() == before).all()
    assert_close(before, theirs.moving_mean.value)


@pytest.mark.parametrize("name", NOISE)
def test_noise_is_nothing_in_inference_in_either(keras, name, rng):
    value, settings = NOISE[name]
    ours, theirs = both(keras, name, (value,), settings)
    compare(ours, theirs, draw(PICTURE, rng), False, rng)


def noisy(keras, name, value, shape):
    ours, theirs = both(keras, name, (value,), shape=shape)
    x = numpy.full(shape, 2.0, numpy.float32)
    return ours.train()(x).numpy(), theirs(x, training=True).detach().numpy()


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.75])
def test_dropout_leaves_as_much_as_keras_and_scales_it_alike(keras, rate):
    for y in noisy(keras, "Dropout", rate, (50, 20, 20, 3)):
        kept = y[y != 0]
        numpy.testing.assert_allclose(
            kept, 2 / (1 - rate), rtol=1e-6 + 2**-17 / (1 - rate)
        )  # ours rounds it
        assert kept.size / y.size == pytest.approx(1 - rate, abs=0.01)


def test_spatial_dropout_drops_whole_channels_in_both(keras):
    for y in noisy(keras, "SpatialDropout2D", 0.25, (200, 3, 2, 20)):
        numpy.testing.assert_array_equal(y, numpy.broadcast_to(y[:, :1, :1], y.shape))
        kept = y[:, 0, 0][y[:, 0, 0] != 0]
        numpy.testing.assert_allclose(kept, 2 / 0.75, rtol=1e-6)
        assert kept.size / 4000 == pytest.approx(0.75, abs=0.03)


def test_gaussian_noise_has_the_same_mean_and_spread_in_both(keras):
    for y in noisy(keras, "GaussianNoise", 0.3, (50, 20, 20, 3)):
        assert y.mean() == pytest.approx(2, abs=0.01)
        assert y.std() == pytest.approx(0.3, abs=0.01)


# -- words ----------------------------------------------------------------------------------------


def defaults(cls):
    """Each argument of the constructor and its default, from the class and what it derives."""
    found = {}
    for base in cls.__mro__:
        if "__init__" in vars(base) and base is not object:
            for p in inspect.signature(base.__init__).parameters.values():
                if p.kind is p.POSITIONAL_OR_KEYWORD:
                    found.setdefault(p.name, p.default)
    return found


@pytest.mark.parametrize("name", sorted(set(tn.layers.__all__) - {"Layer"}))
def test_arguments_have_keras_names_and_order_and_defaults(keras, name):
    ours, theirs = getattr(tn.layers, name), getattr(keras.layers, name)
    here, there = defaults(ours), defaults(theirs)
    common = {"rng", "name", "activity_regularizer"}  # of every layer; Keras has no rng
    assert set(here) - common <= set(there)
    for key in set(here) - common:
        a, b = here[key], there[key]
        # 2 is (2, 2); and AveragePooling2D needs a size there, and has MaxPooling2D's here
        assert a == b or (a, a) == b or (b is inspect.Parameter.empty and a == 2), key

    def by_position(cls):
        owner = next(base for base in cls.__mro__ if "__init__" in vars(base))
        if owner in (tn.layers.Layer, keras.layers.Layer):
            return []
        own = inspect.signature(owner.__init__).parameters.values()
        return [p.name for p in own if p.kind is p.POSITIONAL_OR_KEYWORD]

    named = [key for key in by_position(theirs) if key in by_position(ours)]
    assert by_position(ours) == named


def test_names_are_those_that_keras_gives(keras):
    arguments = {name: a for name, a, _, _ in TABLE.values()} | {
        n: (v,) for n, (v, _) in NOISE.items()
    }
    arguments["AveragePooling2D"] = (2,)
    arguments["TimeDistributed"] = (Inner("Dense", 2, name="inside"),)
    arguments["Bidirectional"] = (Inner("GRU", 2, name="inside"),)
    keras.backend.clear_session()
    layers = []
    for name in [*arguments, *arguments, "Dense"]:
        layers.append(make(tn.layers, name, arguments[name]))
        theirs = make(keras.layers, name, arguments[name])
        names_of(layers, "here")
        assert layers[-1].name == theirs.name


def near_the_end(kernel):
    return numpy.quantile(abs(kernel), 0.995)  # a few of Keras' on torch are not truncated


def test_the_kernel_starts_with_the_same_spread(keras):
    for name, arguments, shape in (
        ("Dense", (300,), (1, 200)),
        ("Conv2D", (40, 5), (1, 9, 9, 20)),
        ("Conv2DTranspose", (40, 5), (1, 9, 9, 20)),
    ):
        for how in (
            "glorot_uniform",
            "glorot_normal",
            "he_uniform",
            "he_normal",
            "lecun_uniform",
            "lecun_normal",
        ):
            settings = {"kernel_initializer": how}
            ours = getattr(tn.layers, name)(*arguments, **settings, rng=numpy.random.default_rng(0))
            theirs = getattr(keras.layers, name)(*arguments, **settings)
            theirs.build(shape)
            a, b = ours.build(shape[1:]).kernel.numpy(), theirs.kernel.value.detach().numpy()
            assert a.std() == pytest.approx(b.std(), rel=0.03)
            assert near_the_end(a) == pytest.approx(near_the_end(b), rel=0.03)
            assert not ours.bias.numpy().any()


# -- whole models --------------------------------------------------------------------------------


def copy_weights(ours, theirs):
    for w, twin in zip(ours.weights().values(), all_weights(theirs), strict=True):
        assert w.shape == tuple(twin.shape)
        twin.assign(w.data)


def all_weights(theirs):
    """Layer by layer, as ours are ordered."""
    return [w for layer in theirs.layers for w in layer.weights]


def network(where):
    """A small network with every kind of layer that is not random."""
    make = where.layers
    return [
        make.Conv2D(4, 3, activation="relu", padding="same", name="first"),
        make.BatchNormalization(),
        make.MaxPooling2D(),
        make.Conv2D(6, 3, strides=2, padding="same", use_bias=False),
        make.BatchNormalization(momentum=0.9),
        make.LeakyReLU(),
        make.UpSampling2D(),
        make.Conv2DTranspose(3, 3, strides=2, padding="same", activation="tanh"),
        make.AveragePooling2D(3, strides=2),
        make.Flatten(),
        make.Dense(12, activation="sigmoid"),
        make.Dense(5),
    ]


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # torch's
def test_a_network_trained_for_three_steps_of_adam_has_the_same_weights(keras, rng):
    ours = tn.Sequential(network(tn), input_shape=(9, 9, 2), rng=rng)
    theirs = keras.Sequential([keras.Input((9, 9, 2)), *network(keras)])
    copy_weights(ours, theirs)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    theirs.compile(optimizer=keras.optimizers.Adam(0.01), loss=loss)
    adam = tn.optim.Adam(ours.parameters(), lr=0.01)
    before = ours.state_dict()
    for _ in range(3):
        x = rng.standard_normal((8, 9, 9, 2), numpy.float32)
        labels = rng.integers(0, 5, 8)
        cost = tn.cross_entropy(ours(x), labels)
        adam.zero_grad()
        cost.backward()
        adam.step()
        assert cost.item() == pytest.approx(float(theirs.train_on_batch(x, labels)), rel=1e-4)
    for (name, w), twin in zip(ours.weights().items(), all_weights(theirs), strict=True):
        assert_close(w.numpy(), twin.value, 1e-4)
        assert abs(w.numpy() - before[name]).max() > 1e-3
    assert_close(ours.eval()(x).numpy(), theirs(x, training=False), 1e-4)


def lines_of_summary(keras, theirs):
    """Per layer: name, class, shape and parameters, from Keras' own accounting."""
    return [
        (layer.name, type(layer).__name__, tuple(layer.output.shape[1:]), layer.count_params())
        for layer in theirs.layers
    ]


def test_the_summary_of_a_network_is_that_of_keras(keras, capsys, rng):
    keras.backend.clear_session()
    ours = tn.Sequential(network(tn), input_shape=(9, 9, 2), rng=rng)
    theirs = keras.Sequential([keras.Input((9, 9, 2)), *network(keras)])
    assert [tuple(row[:4]) for row in ours.rows()] == lines_of_summary(keras, theirs)

    def totals(text):
        return [line.strip() for line in text.splitlines() if "params:" in line]

    printed = []
    theirs.summary(print_fn=lambda text, **_: printed.append(text))
    ours.summary()
    assert totals(capsys.readouterr().out) == totals("\n".join(printed))


def test_the_summary_of_a_graph_is_that_of_keras(keras, rng):
    keras.backend.clear_session()

    def built(where, **settings):
        x = where.Input((6,))
        shared = where.layers.Dense(6, activation="relu")
        joined = where.layers.Concatenate()([shared(x), shared(shared(x))])
        return where.Model(x, where.layers.Dense(2)(joined), **settings)

    ours, theirs = built(tn, rng=rng), built(keras)
    assert sum(w.size for w in ours.weights().values()) == theirs.count_params() == 68
    copy_weights(ours, theirs)
    x = rng.standard_normal((4, 6), numpy.float32)
    assert_close(ours(x).numpy(), theirs(x))


# -- penalties -----------------------------------------------------------------------------------


def penalised(where):
    L1, L2, L1L2 = where.regularizers.L1, where.regularizers.L2, where.regularizers.L1L2
    return [
        where.layers.Dense(6, "relu", activity_regularizer=L1(0.1), kernel_regularizer=L2(0.2)),
        where.layers.Dense(4, activity_regularizer=L2(0.3), kernel_regularizer=L1L2(0.1, 0.2)),
        where.layers.LeakyReLU(activity_regularizer=L1(0.5)),
    ]


def test_the_penalty_and_its_gradient_are_keras_losses(keras, rng):
    ours = tn.Sequential(penalised(tn), input_shape=(3,), rng=rng)
    theirs = keras.Sequential([keras.Input((3,)), *penalised(keras)])
    copy_weights(ours, theirs)
    x = rng.standard_normal((5, 3), numpy.float32)
    ours(x)
    theirs(x, training=True)
    penalty, losses = ours.penalty(), sum(theirs.losses)
    assert penalty.item() == pytest.approx(losses.item(), rel=1e-5)
    penalty.backward()
    losses.backward()
    for w, twin in zip(ours.parameters(), theirs.trainable_weights, strict=True):
        assert_close(w.grad, twin.value.grad)
