"""Layers one by one: shapes, weights, generators, penalties and what they say to bad input.

That outputs and gradients are right is held to Keras in test_keras.py, and the operations below
them to plain loops in test_operations.py.
"""

from __future__ import annotations

import re

import numpy
import pytest

import tinynet as tn
from tinynet.layers import (
    GRU,
    LSTM,
    Activation,
    Add,
    AveragePooling2D,
    BatchNormalization,
    Bidirectional,
    Concatenate,
    Conv2D,
    Conv2DTranspose,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GaussianNoise,
    GlobalAveragePooling2D,
    GroupNormalization,
    Layer,
    LayerNormalization,
    LeakyReLU,
    Masking,
    MaxPooling2D,
    Reshape,
    SimpleRNN,
    Softmax,
    SpatialDropout2D,
    TimeDistributed,
    UpSampling2D,
    ZeroPadding2D,
)
from tinynet.layers.regularizers import L1, L2


def seeded(seed=0):
    return numpy.random.default_rng(seed)


def ones(*shape, dtype="float32"):
    return numpy.ones(shape, dtype)


class Integers(tuple):
    """A shape of inputs that are integers, from 0 to 4."""


PICTURE = (7, 6, 3)
# layer, the shape of one input, of one output, and the shapes of the weights
TABLE = {
    "dense": (lambda: Dense(5), (3,), (5,), {"kernel": (3, 5), "bias": (5,)}),
    "dense without bias": (lambda: Dense(5, use_bias=False), (3,), (5,), {"kernel": (3, 5)}),
    "dense on pictures": (lambda: Dense(5), PICTURE, (7, 6, 5), {"kernel": (3, 5), "bias": (5,)}),
    "convolution": (
        lambda: Conv2D(4, 3),
        PICTURE,
        (5, 4, 4),
        {"kernel": (3, 3, 3, 4), "bias": (4,)},
    ),
    "convolution with all": (
        lambda: Conv2D(4, (3, 2), strides=(2, 3), padding="same", use_bias=False),
        PICTURE,
        (4, 2, 4),
        {"kernel": (3, 2, 3, 4)},
    ),
    "convolution with a border": (
        lambda: Conv2D(4, 3, padding=((1, 0), (2, 2))),
        PICTURE,
        (6, 8, 4),
        {"kernel": (3, 3, 3, 4), "bias": (4,)},
    ),
    "transposed": (
        lambda: Conv2DTranspose(4, (3, 2)),
        PICTURE,
        (9, 7, 4),
        {"kernel": (3, 2, 4, 3), "bias": (4,)},
    ),
    "transposed same": (
        lambda: Conv2DTranspose(4, 3, strides=(2, 1), padding="same", use_bias=False),
        PICTURE,
        (14, 6, 4),
        {"kernel": (3, 3, 4, 3)},
    ),
    "transposed, stride above kernel": (
        lambda: Conv2DTranspose(4, 2, strides=3),
        PICTURE,
        (21, 18, 4),
        {"kernel": (2, 2, 4, 3), "bias": (4,)},
    ),
    "largest": (lambda: MaxPooling2D(), PICTURE, (3, 3, 3), {}),
    "largest, same": (lambda: MaxPooling2D(3, 2, "same"), PICTURE, (4, 3, 3), {}),
    "mean": (lambda: AveragePooling2D((2, 3), strides=1), PICTURE, (6, 4, 3), {}),
    "mean of all": (lambda: GlobalAveragePooling2D(), PICTURE, (3,), {}),
    "flatten": (lambda: Flatten(), PICTURE, (126,), {}),
    "flatten numbers": (lambda: Flatten(), (), (1,), {}),
    "reshape": (lambda: Reshape((6, -1)), PICTURE, (6, 21), {}),
    "reshape to a row": (lambda: Reshape(126), PICTURE, (126,), {}),
    "border": (lambda: ZeroPadding2D(((1, 2), (0, 4))), PICTURE, (10, 10, 3), {}),
    "larger": (lambda: UpSampling2D((2, 3), "bilinear"), PICTURE, (14, 18, 3), {}),
    "normalization": (
        lambda: BatchNormalization(),
        PICTURE,
        PICTURE,
        {"gamma": (3,), "beta": (3,), "moving_mean": (3,), "moving_variance": (3,)},
    ),
    "normalization without": (
        lambda: BatchNormalization(center=False, scale=False),
        (3,),
        (3,),
        {"moving_mean": (3,), "moving_variance": (3,)},
    ),
    "normalization of rows": (
        lambda: LayerNormalization(),
        PICTURE,
        PICTURE,
        {"gamma": (3,), "beta": (3,)},
    ),
    "normalization of rows without": (
        lambda: LayerNormalization(center=False, scale=False),
        (3,),
        (3,),
        {},
    ),
    "normalization of groups": (
        lambda: GroupNormalization(3),
        (7, 6, 12),
        (7, 6, 12),
        {"gamma": (12,), "beta": (12,)},
    ),
    "normalization of groups without beta": (
        lambda: GroupNormalization(2, center=False),
        (4,),
        (4,),
        {"gamma": (4,)},
    ),
    "embedding": (lambda: Embedding(5, 3), Integers(()), (3,), {"embeddings": (5, 3)}),
    "embedding of sequences": (
        lambda: Embedding(6, 3),
        Integers((4, 2)),
        (4, 2, 3),
        {"embeddings": (6, 3)},
    ),
    "activation": (lambda: Activation("tanh"), PICTURE, PICTURE, {}),
    "no activation": (lambda: Activation("linear"), PICTURE, PICTURE, {}),
    "leaky": (lambda: LeakyReLU(), PICTURE, PICTURE, {}),
    "softmax": (lambda: Softmax(), PICTURE, PICTURE, {}),
    "dropout": (lambda: Dropout(0.5), PICTURE, PICTURE, {}),
    "dropout of channels": (lambda: SpatialDropout2D(0.5), PICTURE, PICTURE, {}),
    "noise": (lambda: GaussianNoise(0.5), PICTURE, PICTURE, {}),
    "plain recurrent": (
        lambda: SimpleRNN(5),
        (4, 3),
        (5,),
        {"kernel": (3, 5), "recurrent_kernel": (5, 5), "bias": (5,)},
    ),
    "gated recurrent unit, all steps": (
        lambda: GRU(5, return_sequences=True),
        (4, 3),
        (4, 5),
        {"kernel": (3, 15), "recurrent_kernel": (5, 15), "bias": (2, 15)},
    ),
    "long short-term memory, backwards without bias": (
        lambda: LSTM(5, use_bias=False, go_backwards=True),
        (4, 3),
        (5,),
        {"kernel": (3, 20), "recurrent_kernel": (5, 20)},
    ),
    "both directions": (
        lambda: Bidirectional(SimpleRNN(2, return_sequences=True)),
        (4, 3),
        (4, 4),
        {
            f"{way}_layer.{weight}": shape
            for way in ("forward", "backward")
            for weight, shape in (("kernel", (3, 2)), ("recurrent_kernel", (2, 2)), ("bias", (2,)))
        },
    ),
    "at every step": (
        lambda: TimeDistributed(Conv2D(2, 3)),
        (4, *PICTURE),
        (4, 5, 4, 2),
        {"layer.kernel": (3, 3, 3, 2), "layer.bias": (2,)},
    ),
    "without padding": (lambda: Masking(), (4, 3), (4, 3), {}),
    "sum": (lambda: Add(), [(3,), (3,), (3,)], (3,), {}),
    "side by side": (lambda: Concatenate(), [(4, 3), (4, 1)], (4, 4), {}),
    "one above the other": (lambda: Concatenate(1), [(4, 3), (2, 3)], (6, 3), {}),
}


@pytest.fixture(params=TABLE, ids=str)
def row(request):
    return TABLE[request.param]


def batch(shape, n=4, seed=0, device="cpu"):
    """A random batch, on that device, or a list of them for a list of shapes."""
    if isinstance(shape, list):
        return [batch(s, n, seed + i, device) for i, s in enumerate(shape)]
    if isinstance(shape, Integers):
        return tn.Tensor(seeded(seed).integers(0, 5, (n, *shape))).to(device)
    x = seeded(seed).standard_normal((n, *shape), numpy.float32)
    return tn.Tensor(x).to(device)


def test_every_layer_stands_in_the_table():
    assert {type(make()).__name__ for make, *_ in TABLE.values()} == set(tn.layers.__all__) - {
        "Layer"
    }


def test_what_comes_out_has_the_shape_that_the_layer_says(row):
    make, shape, out, _ = row
    layer = make()
    assert layer.output_shape(shape) == out
    assert not layer.built  # asking costs no weights
    layer.build(shape, seeded())
    y = layer(batch(shape))
    assert layer.output_shape(shape) == layer.made_shape == out
    assert layer.input_shape == shape
    assert (y.shape, y.dtype) == ((4, *out), numpy.float32)


def test_the_first_call_builds_as_build_does(row):
    make, shape, _, _ = row
    called, built = make(), make().build(shape, seeded())
    called.rng = seeded()
    called.eval(), built.eval()
    assert called(batch(shape)).numpy().tobytes() == built(batch(shape)).numpy().tobytes()


def test_weights_have_these_names_and_shapes(row):
    make, shape, _, weights = row
    layer = make().build(shape, seeded())
    assert {name: w.shape for name, w in layer.weights().items()} == weights
    assert list(layer.weights()) == list(weights)
    for name, w in layer.weights().items():
        assert w.dtype == numpy.float32
        assert w.requires_grad == (not name.startswith("moving"))


def test_float32_stays_on_the_way_back(row, device):
    make, shape, _, _ = row
    layer = make().build(shape, seeded()).to(device)
    x = batch(shape, device=device)
    inputs = [t for t in (x if isinstance(x, list) else [x]) if t.dtype.kind == "f"]
    for t in inputs:
        t.requires_grad = True
    y = layer(x)
    assert y.device == device
    y.backward(tn.Tensor(ones(*y.shape)).to(device).data)
    for t in [*layer.parameters(), *inputs]:
        assert t.grad.dtype == numpy.float32
        assert t.grad.shape == t.shape


def test_the_same_seed_gives_the_same_weights_and_another_others(row):
    make, shape, _, weights = row

    def drawn(seed):
        return [w.numpy().tobytes() for w in make().build(shape, seeded(seed)).weights().values()]

    assert drawn(1) == drawn(1)
    random = {name.rpartition(".")[2] for name in weights} & {"kernel", "embeddings"}
    assert bool(random) == (drawn(1) != drawn(2))


def test_it_takes_an_empty_batch_in_inference(row):
    make, shape, out, _ = row
    layer = make().build(shape, seeded()).eval()
    assert layer(batch(shape, n=0)).shape == (0, *out)


# -- weights ---------------------------------------------------------------------------------------


def parameters_of(layer, shape):
    return sum(w.size for w in layer.build(shape, seeded()).weights().values())


@pytest.mark.parametrize(
    ("layer", "shape", "number"),
    [
        (Conv2D(32, 3), (28, 28, 1), 320),
        (Conv2D(32, 5), (28, 28, 1), 832),
        (Conv2D(64, 5), (14, 14, 32), 51_264),
        (Dense(1024), (3136,), 3_212_288),
        (Conv2DTranspose(3, 3), (8, 8, 32), 867),
        (BatchNormalization(), (8, 8, 32), 128),
        (Dense(1), (1,), 2),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, tn.Module) else str(value),
)
def test_the_number_of_parameters_is_the_lectures(layer, shape, number):
    assert parameters_of(layer, shape) == number


def test_three_dense_layers_of_the_lecture_have_8_and_9_and_16_parameters():
    layers = [Dense(2), Dense(3), Dense(4)]
    numbers = [parameters_of(layer, (n,)) for layer, n in zip(layers, (3, 2, 3), strict=True)]
    assert (numbers, sum(numbers)) == ([8, 9, 16], 33)


def test_dense_is_x_times_kernel_plus_bias():
    layer = Dense(3).build((4,), seeded())
    layer.kernel.data[...] = numpy.arange(1, 13).reshape(4, 3)
    layer.bias.data[...] = [1, 2, 3]
    numpy.testing.assert_array_equal(layer(ones(1, 4)).numpy(), [[23, 28, 33]])
    numpy.testing.assert_array_equal(layer([[1, 2, 3, 4]]).numpy(), [[71, 82, 93]])


def test_flatten_goes_row_by_row():
    x = numpy.float32([[[[6], [8]], [[3], [4]]]])
    numpy.testing.assert_array_equal(Flatten()(x).numpy(), [[6, 8, 3, 4]])


def test_the_activation_comes_last():
    layer = Dense(2, activation="relu", bias_initializer=tn.init.constant(-1.5)).build(
        (1,), seeded()
    )
    layer.kernel.data[...] = 1
    numpy.testing.assert_array_equal(layer([[1], [2]]).numpy(), [[0, 0], [0.5, 0.5]])
    for make in (Conv2D, Conv2DTranspose):
        layer = make(2, 1, activation=lambda x: x * 0 + 7, rng=seeded())
        assert (layer(ones(1, 2, 2, 1)).numpy() == 7).all()


def test_initializers_by_name_and_by_function():
    layer = Dense(
        400,
        kernel_initializer="he_normal",
        bias_initializer=lambda shape, rng: numpy.full(shape, 3, numpy.float32),
        rng=seeded(),
    ).build((200,))
    assert layer.kernel.numpy().std() == pytest.approx(0.1, rel=0.02)  # sqrt(2 / 200)
    assert (layer.bias.numpy() == 3).all()
    kernel = Dense(400).build((200,), seeded()).kernel.numpy()
    assert abs(kernel).max() == pytest.approx(0.1, rel=0.01)  # sqrt(6 / (200 + 400))


def test_weights_of_a_layer_with_a_name_say_whose_they_are():
    assert Dense(2, name="head").build((3,), seeded()).kernel.name == "head.kernel"
    assert Dense(2).build((3,), seeded()).bias.name == "bias"


def test_weights_of_zeros_and_ones_need_no_generator():
    layer = Dense(2, kernel_initializer="zeros").build((3,))
    assert not layer(ones(1, 3)).numpy().any()
    BatchNormalization().build((3,))


def test_another_picture_size_is_no_other_layer():
    layer = Conv2D(2, 3, rng=seeded())
    layer(ones(1, 5, 5, 1))
    kernel = layer.kernel
    assert layer(ones(1, 9, 4, 1)).shape == (1, 7, 2, 2)
    assert layer.kernel is kernel
    assert (layer.input_shape, layer.made_shape) == ((5, 5, 1), (3, 3, 2))  # built for


# -- training and inference ------------------------------------------------------------------------


@pytest.mark.parametrize("make", [Dropout, SpatialDropout2D, GaussianNoise])
def test_noise_is_nothing_in_inference_nor_where_there_is_none(make):
    x = batch(PICTURE)
    assert make(0.5, rng=seeded()).eval()(x) is x
    assert make(0, rng=seeded()).train()(x) is x
    assert make(0.5, rng=seeded()).train()(x) is not x


def test_dropout_drops_its_share_and_scales_the_rest(device):
    x = tn.Tensor(ones(100, 200), requires_grad=True).to(device)
    y = Dropout(0.25, rng=seeded())(x)
    y = tn.Tensor(y.data).numpy()
    numpy.testing.assert_allclose(y[y != 0], 4 / 3, rtol=1e-6)
    assert (y == 0).mean() == pytest.approx(0.25, abs=0.01)


def test_dropout_of_channels_drops_all_pixels_of_a_channel():
    y = SpatialDropout2D(0.5, rng=seeded())(ones(8, 4, 5, 16)).numpy()
    assert (y == y[:, :1, :1]).all()
    assert 0.3 < (y[:, 0, 0] == 0).mean() < 0.7
    assert set(numpy.unique(y)) == {0, 2}


def test_noise_is_other_noise_in_each_call_and_the_same_for_the_same_seed():
    x = ones(4, 50)
    for make in (Dropout, GaussianNoise):
        one, other = make(0.5, rng=seeded()), make(0.5, rng=seeded())
        first, second = one(x).numpy(), one(x).numpy()
        assert (first != second).any()
        assert first.tobytes() == other(x).numpy().tobytes()


@pytest.mark.parametrize("make", [Dropout, GaussianNoise])
def test_noise_takes_no_numbers_from_what_is_drawn_after_it(make):
    def drawn(layers, calls):
        rng = seeded()
        model = tn.Sequential(layers, input_shape=(5,), rng=rng)
        for _ in range(calls):
            model(ones(2, 5))
        return Dense(4, rng=rng).build((3,)).kernel.numpy().tobytes()

    expected = drawn([Dense(3)], 0)
    assert drawn([Dense(3), make(0.5)], 0) == expected
    assert drawn([Dense(3), make(0.5)], 7) == expected


def test_two_noise_layers_of_one_generator_draw_different_noise():
    rng = seeded()
    one, other = (Dropout(0.5, rng=rng) for _ in range(2))
    assert (one(ones(4, 50)).numpy() != other(ones(4, 50)).numpy()).any()


def test_normalization_takes_the_batch_in_training_and_what_it_kept_in_inference():
    layer = BatchNormalization(momentum=0.9, epsilon=1e-6)
    x = numpy.float32([[1, 10], [3, 30]])  # mean 2, 20; variance 1, 100
    numpy.testing.assert_allclose(layer(x).numpy(), [[-1, -1], [1, 1]], rtol=1e-5)
    numpy.testing.assert_allclose(layer.moving_mean.numpy(), [0.2, 2], rtol=1e-6)
    numpy.testing.assert_allclose(layer.moving_variance.numpy(), [1, 10.9], rtol=1e-6)
    layer.eval()
    layer.moving_mean.data[...] = [1, 2]
    layer.moving_variance.data[...] = [4, 16]
    numpy.testing.assert_allclose(layer(x).numpy(), [[0, 2], [1, 7]], rtol=1e-5)
    numpy.testing.assert_array_equal(layer.moving_mean.numpy(), [1, 2])
    numpy.testing.assert_array_equal(layer.moving_variance.numpy(), [4, 16])


@pytest.mark.parametrize("bad", [numpy.nan, numpy.inf])
def test_a_batch_with_nan_does_not_spoil_what_is_kept_for_inference(bad):
    layer = BatchNormalization(momentum=0.9)
    layer(batch((4, 2)))
    before = [a.tobytes() for a in (layer.moving_mean.numpy(), layer.moving_variance.numpy())]
    x = batch((4, 2)).numpy().copy()
    x[1, 0] = bad
    with numpy.errstate(invalid="ignore"):
        assert numpy.isnan(layer(x).numpy()[:, 0]).any()  # it is seen, and not mended
    after = [a.tobytes() for a in (layer.moving_mean.numpy(), layer.moving_variance.numpy())]
    assert after == before
    layer(batch((4, 2)))
    assert layer.moving_mean.numpy().tobytes() != before[0]


def test_gamma_and_beta_stretch_and_shift():
    layer = BatchNormalization(epsilon=1e-6).build((2,))
    layer.gamma.data[...] = [2, 3]
    layer.beta.data[...] = [10, 20]
    y = layer(numpy.float32([[1, 10], [3, 30]])).numpy()
    numpy.testing.assert_allclose(y, [[8, 17], [12, 23]], rtol=1e-5)


@pytest.mark.parametrize(("center", "scale"), [(False, True), (True, False), (False, False)])
def test_without_beta_or_gamma_they_are_0_and_1(center, scale):
    layer = BatchNormalization(center=center, scale=scale)
    y = layer(batch((3,))).numpy()
    numpy.testing.assert_allclose(y, BatchNormalization()(batch((3,))).numpy(), rtol=1e-6)
    assert (layer.beta is None, layer.gamma is None) == (not center, not scale)


def test_leaky_relu_and_softmax_take_their_settings():
    numpy.testing.assert_allclose(LeakyReLU(0.1)([[-2.0, 3]]).numpy(), [[-0.2, 3]], rtol=1e-6)
    numpy.testing.assert_allclose(Softmax(axis=1)(batch((3, 4))).sum(axis=1).numpy(), 1, rtol=1e-6)


@pytest.mark.parametrize(
    "make", [LayerNormalization, lambda **how: GroupNormalization(2, **how)], ids=["layer", "group"]
)
def test_each_example_is_normalized_alone_and_by_the_weights_of_its_layer(make):
    x = batch((2, 2, 4), n=3)
    layer = make(epsilon=0.1).build((2, 2, 4))
    layer.gamma.data[...], layer.beta.data[...] = [1, 2, 3, 4], [5, 6, 7, 8]
    y = layer(x).numpy()
    for i in range(3):
        numpy.testing.assert_allclose(layer(x[i : i + 1]).numpy()[0], y[i], rtol=1e-6)
    assert (layer.eval()(x).numpy() == y).all()
    plain = make(epsilon=0.1, center=False, scale=False)(x).numpy()
    numpy.testing.assert_allclose(y, plain * [1, 2, 3, 4] + [5, 6, 7, 8], rtol=1e-5, atol=1e-5)
    groups = [[0, 1, 2, 3]] if make is LayerNormalization else [[0, 1], [2, 3]]
    axes = -1 if make is LayerNormalization else (1, 2, 3)
    for group in groups:
        a = x.numpy().astype("float64")[..., group]
        away = a - a.mean(axis=axes, keepdims=True)
        expected = away / numpy.sqrt((away * away).mean(axis=axes, keepdims=True) + 0.1)
        numpy.testing.assert_allclose(plain[..., group], expected, rtol=1e-5, atol=1e-6)


def test_one_group_normalizes_whole_pictures_and_as_many_as_channels_each_channel():
    x = batch((5, 4, 6), n=2)
    whole = GroupNormalization(1, epsilon=1e-6)(x).numpy()
    each = GroupNormalization(6, epsilon=1e-6)(x).numpy()
    numpy.testing.assert_allclose(whole.mean(axis=(1, 2, 3)), 0, atol=1e-6)
    numpy.testing.assert_allclose(whole.std(axis=(1, 2, 3)), 1, rtol=1e-4)
    assert abs(whole.mean(axis=(1, 2))).max() > 0.05
    numpy.testing.assert_allclose(each.mean(axis=(1, 2)), 0, atol=1e-6)
    numpy.testing.assert_allclose(each.std(axis=(1, 2)), 1, rtol=1e-4)


def test_an_embedding_gives_the_rows_and_sums_the_gradients_of_each(device):
    layer = Embedding(5, 2, rng=seeded()).build((3,)).to(device)
    table = layer.embeddings.numpy()
    index = numpy.array([[0, 4, 0], [0, 2, 4]])
    y = layer(tn.Tensor(index).to(device))
    assert (y.numpy() == table[index]).all()
    dy = seeded(1).standard_normal(y.shape, numpy.float32)
    y.backward(tn.Tensor(dy).to(device).data)
    expected = numpy.zeros((5, 2))
    for place in numpy.ndindex(index.shape):
        expected[index[place]] += dy[place]
    assert (expected[[1, 3]] == 0).all() and expected[0].all()
    found = tn.Tensor(layer.embeddings.grad).numpy()
    numpy.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)


def test_the_gradient_of_an_embedding_in_float64():
    layer = Embedding(5, 2, rng=seeded()).build((3,))

    def through(table):
        layer.embeddings = table
        return layer([[0, 4, 0], [0, 2, 4]])

    tn.gradcheck(through, layer.embeddings.numpy().astype("float64"))


@pytest.mark.parametrize("dtype", ["uint8", "int32", "int64"])
def test_indices_are_integers_of_any_kind_and_lists_of_them(dtype):
    layer = Embedding(200, 2, rng=seeded())
    expected = layer([[3, 199]]).numpy()
    assert (layer(numpy.array([[3, 199]], dtype)).numpy() == expected).all()
    assert expected.tobytes() == layer.embeddings.numpy()[[3, 199]].tobytes()


def test_an_embedding_starts_as_in_keras():
    table = Embedding(300, 40, rng=seeded()).build(()).embeddings.numpy()
    assert abs(table).max() <= 0.05
    assert table.std() == pytest.approx(0.05 / 3**0.5, rel=0.02)
    ones = Embedding(3, 2, embeddings_initializer="ones").build(())
    assert (ones.embeddings.numpy() == 1).all()
    assert repr(Embedding(3, 2)) == "Embedding(input_dim=3, output_dim=2)"
    wide = Embedding(3, 2, embeddings_initializer=tn.init.uniform(0.1))
    assert "embeddings_initializer='uniform(0.1)'" in repr(wide)


def test_a_model_that_is_tried_with_zeros_may_begin_with_an_embedding(capsys):
    class Words(tn.Module):
        def __init__(self):
            self.table = Embedding(7, 4)
            self.out = Dense(3)

        def forward(self, x):
            return self.out(self.table(x).mean(axis=1))

    model = Words().build((5,), seeded())
    assert (model.made_shape, model(numpy.full((2, 5), 6)).shape) == ((3,), (2, 3))
    assert [row.parameters for row in tn.cost(model).rows if row.parameters] == [28, 15]


@pytest.mark.parametrize("name", ["LayerNormalization", "GroupNormalization", "Embedding"])
def test_they_are_what_pytorch_computes(name):
    torch = pytest.importorskip("torch")
    F = torch.nn.functional
    shape = Integers((5, 4)) if name == "Embedding" else (5, 4, 6)
    layer = {
        "LayerNormalization": LayerNormalization(),
        "GroupNormalization": GroupNormalization(3),
        "Embedding": Embedding(5, 6),
    }[name].build(shape, seeded())
    x = batch(shape, n=3)
    x.requires_grad = x.dtype.kind == "f"
    twin = torch.tensor(x.numpy(), requires_grad=x.requires_grad)
    for w in layer.parameters():
        w.data[...] = seeded(3).uniform(0.5, 1.5, w.shape)
    weights = [torch.tensor(w.numpy(), requires_grad=True) for w in layer.parameters()]
    if name == "LayerNormalization":
        z = F.layer_norm(twin, (6,), *weights, eps=0.001)
    elif name == "GroupNormalization":
        z = F.group_norm(twin.permute(0, 3, 1, 2), 3, *weights, eps=0.001).permute(0, 2, 3, 1)
    else:
        z = F.embedding(twin, *weights)
    y = layer(x)
    dy = seeded(2).standard_normal(y.shape, numpy.float32)
    y.backward(dy)
    z.backward(torch.tensor(dy))
    pairs = [(y.numpy(), z.detach())]
    pairs += [(w.grad, v.grad) for w, v in zip(layer.parameters(), weights, strict=True)]
    for ours, theirs in pairs + [(x.grad, twin.grad)] * x.requires_grad:
        numpy.testing.assert_allclose(ours, theirs.numpy(), rtol=1e-5, atol=1e-5)


# -- penalties -------------------------------------------------------------------------------------


def test_the_penalty_of_a_kernel_is_its_regularizers_and_leaves_the_bias_out():
    layer = Dense(2, kernel_regularizer=L2(0.5), bias_initializer="ones").build((2,), seeded())
    layer.kernel.data[...] = [[1, 2], [3, 4]]
    for _ in range(2):  # each time
        assert layer.penalty().item() == 15
    layer.penalty().backward()
    numpy.testing.assert_array_equal(layer.kernel.grad, [[1, 2], [3, 4]])
    assert layer.bias.grad is None


@pytest.mark.parametrize(
    "make", [lambda **s: Conv2D(2, 1, **s), lambda **s: Conv2DTranspose(2, 1, **s)]
)
def test_kernels_of_convolutions_have_penalties(make):
    layer = make(kernel_regularizer=L1(1), kernel_initializer="ones").build((2, 2, 3))
    assert layer.penalty().item() == 6


def test_the_penalty_of_activity_is_over_the_examples_and_is_taken_once():
    layer = LeakyReLU(activity_regularizer=L1(0.5))
    x = tn.Tensor(2 * ones(4, 3), requires_grad=True)
    layer(x)
    penalty = layer.penalty()
    assert penalty.item() == 0.5 * 24 / 4
    penalty.backward()
    numpy.testing.assert_array_equal(x.grad, numpy.full((4, 3), 0.125))
    assert layer.penalty() == 0.0
    layer(ones(4, 3)), layer(2 * ones(4, 3))  # two calls: both
    assert layer.penalty().item() == 0.5 * (12 + 24) / 4


def test_there_is_no_penalty_of_activity_in_inference_nor_where_nothing_is_recorded():
    layer = LeakyReLU(activity_regularizer=L1(0.5))
    layer.eval()(ones(4, 3))
    with tn.no_grad():
        layer.train()(ones(4, 3))
    assert layer.penalty() == 0.0
    layer(ones(0, 3))
    assert layer.penalty().item() == 0.0  # no examples


def test_penalties_that_nobody_takes_are_an_error_in_the_end():
    layer = LeakyReLU(activity_regularizer=L1(0.5))
    with pytest.raises(
        RuntimeError,
        match=r"^LeakyReLU: the penalties of its last 32 calls were not taken\. Add "
        r"model\.penalty\(\) to the loss, or call the model under tn\.no_grad\(\)\.$",
    ):
        for _ in range(33):
            layer(ones(1, 1))


def test_a_forward_that_fails_leaves_no_penalty():
    class Fails(Layer):
        def forward(self, x):
            if failing.pop():
                raise KeyboardInterrupt
            return x

    first = LeakyReLU(activity_regularizer=L1(0.5))
    model = tn.Sequential([tn.Sequential([first]), Fails()], input_shape=(3,), rng=seeded())
    failing = [False, True]
    with pytest.raises(KeyboardInterrupt):
        model(ones(4, 3))
    model(ones(4, 3))
    assert model.penalty().item() == 0.5 * 12 / 4


def test_a_layer_without_regularizers_has_the_penalty_0():
    assert Dense(2).build((3,), seeded()).penalty() == 0.0


# -- layers of one's own ---------------------------------------------------------------------------


class Scale(Layer):
    """One factor for each feature."""

    def create(self, shape):
        self.factor = self.draw("factor", tn.init.ones, shape)

    def forward(self, x):
        return x * self.factor


def test_a_layer_is_an_activation_and_is_built_with_the_layer_that_it_belongs_to():
    model = tn.Sequential([Dense(3, activation=LeakyReLU(0.5))], input_shape=(2,), rng=seeded())
    x = batch((5, 2))
    plain = x @ model.layers[0].kernel.numpy()
    expected = numpy.where(plain > 0, plain, 0.5 * plain)
    numpy.testing.assert_allclose(model(x).numpy(), expected, rtol=1e-5, atol=1e-6)
    layer = Conv2D(4, 1, activation=Scale()).build((3, 3, 1), seeded())
    assert list(layer.weights()) == ["kernel", "bias", "activation.factor"]
    assert layer.activation.input_shape == (3, 3, 4)
    wrapped = Activation(Scale()).build((5,))
    assert list(wrapped.weights()) == ["activation.factor"]


@pytest.mark.parametrize("own", [True, False], ids=["own", "given"])
def test_an_activation_that_draws_has_the_generator_of_its_layer(own):
    layer = Dense(50, activation=Dropout(0.5), rng=seeded() if own else None)
    layer.build((3,), None if own else seeded())
    y = layer(ones(4, 3)).numpy()
    assert 0.2 < (y == 0).mean() < 0.8
    assert layer.eval()(ones(4, 3)).numpy().all()


def test_a_layer_of_ones_own_has_create_and_forward():
    model = tn.Sequential([Dense(3), Scale()], input_shape=(2,), rng=seeded())
    assert list(model.weights()) == ["dense.kernel", "dense.bias", "scale.factor"]
    assert model.layers[1].factor.name == "scale.factor"
    model.layers[1].factor.data[...] = 0
    assert not model(ones(4, 2)).numpy().any()


# -- bad input -------------------------------------------------------------------------------------

NO_PICTURE = "and it takes pictures, (N, H, W, C)."
ONE_PICTURE = "One gray picture is x[None, ..., None]."
ACTIVATIONS = (
    "There are 'log_softmax', 'relu', 'sigmoid', 'softmax', 'softplus', 'tanh'; any function of a "
    "tensor will do, for example tn.leaky_relu."
)
BORDERS = (
    'padding must be "valid", "same", a number of pixels, (vertical, horizontal) or '
    "((top, bottom), (left, right)), at least 0, received "
)
ZEROS = (
    "ZeroPadding2D: padding must be a number of pixels, (vertical, horizontal) or "
    "((top, bottom), (left, right)), at least 0, received "
)
TARGET = (
    "Reshape: target_shape must be whole numbers of at least 1 without the batch, at most one of "
    "them -1, received "
)
NO_GENERATOR = "Give the model, or the layer, rng=numpy.random.default_rng(0)."
SHAPE = (
    "Dense: input_shape must be whole numbers of at least 1 without the batch, for example "
    "(28, 28, 1), received "
)
INTEGERS = "and must be integers. Give array.astype(int); a list that became a Tensor is float32."
UNBUILT = (
    "it has no weights yet, as it has seen no input. Give the model input_shape= and rng=, call "
    "build(input_shape, rng), or call it once."
)
ERRORS = {
    # -- arguments of all layers --------------------------------------------------------------
    "a name with a dot": (
        lambda: Dense(2, name="a.b"),
        ValueError,
        "Dense: name must be a printable word without dots and slashes, received 'a.b'.",
    ),
    "a seed as generator": (
        lambda: Dense(2, rng=0),
        TypeError,
        "Dense: rng is int. Give a generator, numpy.random.default_rng(0).",
    ),
    "a seed as generator of build": (
        lambda: Dense(2).build((3,), 0),
        TypeError,
        "Dense: rng is int. Give a generator, numpy.random.default_rng(0).",
    ),
    "a word as activity regularizer": (
        lambda: Flatten(name="f", activity_regularizer="l1"),
        TypeError,
        "Flatten 'f': activity_regularizer is 'l1'. Give tn.regularizers.L1(1e-5), or a function "
        "of a tensor.",
    ),
    "a number as kernel regularizer": (
        lambda: Dense(2, kernel_regularizer=0.1),
        TypeError,
        "Dense: kernel_regularizer is 0.1. Give tn.regularizers.L2(1e-4), or a function of a "
        "tensor.",
    ),
    "an activation nearly right": (
        lambda: Dense(2, activation="rely"),
        ValueError,
        f"Dense: there is no activation 'rely'. Did you mean 'relu'? {ACTIVATIONS}",
    ),
    "an unknown activation": (
        lambda: Activation("step"),
        ValueError,
        f"Activation: there is no activation 'step'. {ACTIVATIONS}",
    ),
    "the shape of the input, which is the model's": (
        lambda: Dense(2, input_shape=(3,)),
        TypeError,
        "Dense: there is no argument 'input_shape'. It belongs to the model: tn.Sequential([...], "
        "input_shape=(784,), rng=rng).",
    ),
    "a word that was another's": (
        lambda: LeakyReLU(alpha=0.2),
        TypeError,
        "LeakyReLU: there is no argument 'alpha'. Write negative_slope=.",
    ),
    "noise of a shape": (
        lambda: Dropout(0.5, noise_shape=(1, 1)),
        TypeError,
        "Dropout: there is no argument 'noise_shape'. Whole channels are dropped by "
        "SpatialDropout2D.",
    ),
    "an unknown argument": (
        lambda: Conv2D(2, 3, colour="red"),
        TypeError,
        "Conv2D: there is no argument 'colour'. There are filters, kernel_size, strides, padding, "
        "activation, use_bias, kernel_initializer, bias_initializer, kernel_regularizer, name, "
        "rng, activity_regularizer.",
    ),
    "a number as activation": (
        lambda: Conv2D(2, 3, activation=3, name="c"),
        TypeError,
        "Conv2D 'c': activation is 3. Give a name, for example 'relu', or a function.",
    ),
    "an unknown initializer": (
        lambda: Dense(2, name="d", kernel_initializer="he"),
        ValueError,
        "Dense 'd': kernel_initializer: there is no initializer 'he'. There "
        "are 'glorot_normal', 'glorot_uniform', 'he_normal', 'he_uniform', 'lecun_normal', "
        "'lecun_uniform', 'normal', 'ones', 'orthogonal', 'random_normal', 'random_uniform', "
        "'uniform', 'zeros'.",
    ),
    "a number as initializer": (
        lambda: Dense(2, bias_initializer=0.1),
        TypeError,
        "Dense: bias_initializer: 0.1 is neither a name nor a function (shape, rng) -> array. Use "
        '"glorot_uniform".',
    ),
    "an initializer of another shape": (
        lambda: Dense(2, kernel_initializer=lambda s, r: ones(2, 3), rng=RNG).build((3,)),
        ValueError,
        "Dense: kernel_initializer gave (2, 3) float32, and the kernel is (3, 2) float32. Return "
        "an array of that shape, .astype('float32').",
    ),
    "an initializer in float64": (
        lambda: Conv2D(2, 1, bias_initializer=lambda s, r: numpy.ones(s), rng=RNG).build((3, 3, 1)),
        ValueError,
        "Conv2D: bias_initializer gave (2,) float64, and the bias is (2,) float32. Return an array "
        "of that shape, .astype('float32').",
    ),
    "an initializer that gives a number": (
        lambda: Dense(2, bias_initializer=lambda s, r: 0.5, rng=RNG).build((3,)),
        ValueError,
        "Dense: bias_initializer gave 0.5, and the bias is (2,) float32. Return an array of that "
        "shape, .astype('float32').",
    ),
    # -- arguments of some --------------------------------------------------------------------
    "no units": (
        lambda: Dense(0),
        ValueError,
        "Dense: units must be a whole number of at least 1, received 0.",
    ),
    "half a filter": (
        lambda: Conv2D(0.5, 3),
        ValueError,
        "Conv2D: filters must be a whole number of at least 1, received 0.5.",
    ),
    "a kernel of three sizes": (
        lambda: Conv2D(2, (3, 3, 3), name="c"),
        ValueError,
        "Conv2D 'c': kernel_size must be a whole number of at least 1 or a pair of them, received "
        "(3, 3, 3).",
    ),
    "strides of 0": (
        lambda: Conv2DTranspose(2, 3, strides=0),
        ValueError,
        "Conv2DTranspose: strides must be a whole number of at least 1 or a pair of them, received "
        "0.",
    ),
    "padding full": (
        lambda: Conv2D(2, 3, padding="full"),
        ValueError,
        f"Conv2D: {BORDERS}'full'.",
    ),
    "a transposed padding of 1": (
        lambda: Conv2DTranspose(2, 3, padding=1),
        ValueError,
        'Conv2DTranspose: padding must be "valid" or "same", received 1.',
    ),
    "windows of 0": (
        lambda: MaxPooling2D(0),
        ValueError,
        "MaxPooling2D: pool_size must be a whole number of at least 1 or a pair of them, received "
        "0.",
    ),
    "windows that move by 0": (
        lambda: AveragePooling2D(2, strides=0),
        ValueError,
        "AveragePooling2D: strides must be a whole number of at least 1 or a pair of them, "
        "received 0.",
    ),
    "padding SAME": (
        lambda: MaxPooling2D(padding="SAME"),
        ValueError,
        f"MaxPooling2D: {BORDERS}'SAME'.",
    ),
    "a border as wide as the window": (
        lambda: MaxPooling2D(2, padding=2),
        ValueError,
        "MaxPooling2D: padding=2 must be smaller than the window (2, 2), or some windows would see "
        "nothing but border.",
    ),
    "a rate of 1": (
        lambda: Dropout(1),
        ValueError,
        "Dropout: rate must be in [0, 1), received 1. It is the share to drop.",
    ),
    "a rate that is NaN": (
        lambda: SpatialDropout2D(float("nan")),
        ValueError,
        "SpatialDropout2D: rate must be in [0, 1), received nan. It is the share to drop.",
    ),
    "less than no noise": (
        lambda: GaussianNoise(-1),
        ValueError,
        "GaussianNoise: stddev must be at least 0 and finite, received -1.",
    ),
    "a momentum above 1": (
        lambda: BatchNormalization(momentum=1.1),
        ValueError,
        "BatchNormalization: momentum must be in [0, 1], received 1.1.",
    ),
    "an epsilon of 0": (
        lambda: BatchNormalization(epsilon=0),
        ValueError,
        "BatchNormalization: epsilon must be positive and finite, received 0.",
    ),
    "a channel axis that is not the last": (
        lambda: BatchNormalization(axis=1),
        ValueError,
        "BatchNormalization: axis must be -1, received 1. Channels are last, (N, ..., C).",
    ),
    "rows that are not the last axis": (
        lambda: LayerNormalization(axis=(1, 2)),
        ValueError,
        "LayerNormalization: axis must be -1, received (1, 2). Channels are last, (N, ..., C).",
    ),
    "no groups": (
        lambda: GroupNormalization(0),
        ValueError,
        "GroupNormalization: groups must be a whole number of at least 1, received 0.",
    ),
    "no rows in an embedding": (
        lambda: Embedding(0, 3),
        ValueError,
        "Embedding: input_dim must be a whole number of at least 1, received 0.",
    ),
    "half a number in a row": (
        lambda: Embedding(3, 0.5),
        ValueError,
        "Embedding: output_dim must be a whole number of at least 1, received 0.5.",
    ),
    "a number as initializer of an embedding": (
        lambda: Embedding(3, 2, embeddings_initializer=0.1),
        TypeError,
        "Embedding: embeddings_initializer: 0.1 is neither a name nor a function (shape, rng) -> "
        'array. Use "glorot_uniform".',
    ),
    "a word for whether there is a beta": (
        lambda: BatchNormalization(center="no"),
        TypeError,
        "BatchNormalization: center must be True or False, received 'no'.",
    ),
    "a word for whether there is a gamma": (
        lambda: BatchNormalization(scale="no"),
        TypeError,
        "BatchNormalization: scale must be True or False, received 'no'.",
    ),
    "a number for whether there is a bias": (
        lambda: Dense(2, use_bias=1),
        TypeError,
        "Dense: use_bias must be True or False, received 1.",
    ),
    "a slope below 0": (
        lambda: LeakyReLU(-0.1),
        ValueError,
        "LeakyReLU: negative_slope must be at least 0 and finite, received -0.1.",
    ),
    "an axis that is a word": (
        lambda: Softmax("last"),
        ValueError,
        "Softmax: axis must be a whole number, received 'last'.",
    ),
    "a target of 0": (lambda: Reshape((0, 3)), ValueError, f"{TARGET}(0, 3)."),
    "two unknown sizes": (lambda: Reshape((-1, -1)), ValueError, f"{TARGET}(-1, -1)."),
    "a target with None": (lambda: Reshape((None, 3)), ValueError, f"{TARGET}(None, 3)."),
    "a border below 0": (lambda: ZeroPadding2D(-1), ValueError, f"{ZEROS}-1."),
    "0 times as large": (
        lambda: UpSampling2D(0),
        ValueError,
        "UpSampling2D: size must be a whole number of at least 1 or a pair of them, received 0.",
    ),
    "an unknown interpolation": (
        lambda: UpSampling2D(interpolation="bicubic"),
        ValueError,
        'UpSampling2D: interpolation must be "nearest" or "bilinear", received \'bicubic\'.',
    ),
    "side by side along the batch": (
        lambda: Concatenate(0),
        ValueError,
        "Concatenate: axis must be a whole number other than 0, received 0. Axis 0 is the batch.",
    ),
    # -- inputs -------------------------------------------------------------------------------
    "one number": (
        lambda: Dense(2, rng=RNG)(3.0),
        ValueError,
        "Dense: the input is one number. Give a batch, (N, ...).",
    ),
    "a vector into dense": (
        lambda: Dense(2, rng=RNG)(ones(3)),
        ValueError,
        "Dense: input (N,) has no features, and it takes (N, D). One example is x[None]; N of one "
        "feature each are x[:, None].",
    ),
    "a vector to normalize": (
        lambda: BatchNormalization()(ones(3)),
        ValueError,
        "BatchNormalization: input (N,) has no channels. It takes (N, ..., C).",
    ),
    "channels that make no groups": (
        lambda: GroupNormalization(name="gn")(ones(1, 8, 8, 48)),
        ValueError,
        "GroupNormalization 'gn': 48 channels do not make 32 equal groups. Give groups=24, or "
        "another number that divides 48.",
    ),
    "fewer channels than groups": (
        lambda: GroupNormalization().build((8, 8, 6)),
        ValueError,
        "GroupNormalization: 6 channels do not make 32 equal groups. Give groups=6, or another "
        "number that divides 6.",
    ),
    "an index as large as the table": (
        lambda: Embedding(10, 2, name="words", rng=RNG)([[3, 10, 11]]),
        ValueError,
        "Embedding 'words': index 11 is out of range: there are 10 rows, 0 to 9. Count indices "
        "from 0, or give a larger input_dim.",
    ),
    "an index below 0": (
        lambda: Embedding(10, 2, rng=RNG)(numpy.array([0, -1])),
        ValueError,
        "Embedding: index -1 is out of range: there are 10 rows, 0 to 9. Count indices from 0, or "
        "give a larger input_dim.",
    ),
    "whole numbers in float32 as indices": (
        lambda: Embedding(10, 2, rng=RNG)(ones(1, 3)),
        TypeError,
        f"Embedding: indices are float32, {INTEGERS}",
    ),
    "a list of fractions as indices": (
        lambda: Embedding(10, 2, rng=RNG)([0.5]),
        TypeError,
        f"Embedding: indices are float32, {INTEGERS}",
    ),
    "a mask as indices": (
        lambda: Embedding(10, 2, rng=RNG)(ones(1, 3) > 0),
        TypeError,
        f"Embedding: indices are bool, {INTEGERS}",
    ),
    "indices that a layer gave": (
        lambda: Embedding(10, 2, rng=RNG)(Dense(2, rng=RNG)(ones(1, 3))),
        TypeError,
        f"Embedding: indices are float32, {INTEGERS}",
    ),
    "float64 into dense": (
        lambda: Dense(2, name="head", rng=RNG)(tn.Tensor(ones(1, 3, dtype="float64"), True)),
        TypeError,
        "Dense 'head': x is float64 and w 'head.kernel' is float32. Convert the array of x before "
        'it becomes a Tensor: array.astype("float32").',
    ),
    "float64 to normalize": (
        lambda: BatchNormalization()(tn.Tensor(ones(4, 3, dtype="float64"), True)),
        TypeError,
        "BatchNormalization: x is float64 and gamma 'gamma' is float32. Convert the array of x "
        'before it becomes a Tensor: array.astype("float32").',
    ),
    "a word": (
        lambda: Dense(2, rng=RNG)("abc"),
        TypeError,
        "Tensor: 'abc' is not numbers. Give a number or a list of numbers.",
    ),
    "a list of two inputs": (
        lambda: Dense(2, rng=RNG)([ones(1, 3), ones(1, 3)]),
        TypeError,
        "Dense: it takes one input, received a list of 2. Join them first, Concatenate()([a, b]). "
        "If a layer with return_state=True gave it, take [0], or leave return_state out.",
    ),
    "a gray picture without channels": (
        lambda: Conv2D(2, 3, rng=RNG)(ones(1, 28, 28)),
        ValueError,
        f"Conv2D: input (N, 28, 28), {NO_PICTURE} Give gray pictures a channel: x[..., None].",
    ),
    "rows as pictures": (
        lambda: Conv2DTranspose(2, 3).build((784,), RNG),
        ValueError,
        f"Conv2DTranspose: input (N, 784), {NO_PICTURE} {ONE_PICTURE}",
    ),
    "rows to pool": (
        lambda: MaxPooling2D()(ones(1, 9)),
        ValueError,
        f"MaxPooling2D: input (N, 9), {NO_PICTURE} {ONE_PICTURE}",
    ),
    "rows to pool whole": (
        lambda: GlobalAveragePooling2D()(ones(1, 9)),
        ValueError,
        f"GlobalAveragePooling2D: input (N, 9), {NO_PICTURE} {ONE_PICTURE}",
    ),
    "rows to enlarge": (
        lambda: UpSampling2D()(ones(1, 9)),
        ValueError,
        f"UpSampling2D: input (N, 9), {NO_PICTURE} {ONE_PICTURE}",
    ),
    "rows to surround": (
        lambda: ZeroPadding2D()(ones(1, 9)),
        ValueError,
        f"ZeroPadding2D: input (N, 9), {NO_PICTURE} {ONE_PICTURE}",
    ),
    "channels of rows to drop": (
        lambda: SpatialDropout2D(0.5)(ones(1, 9)),
        ValueError,
        f"SpatialDropout2D: input (N, 9), {NO_PICTURE} {ONE_PICTURE}",
    ),
    "a picture smaller than the kernel": (
        lambda: Conv2D(2, 3, name="conv_3", rng=RNG)(ones(1, 2, 2, 64)),
        ValueError,
        "Conv2D 'conv_3': input (N, 2, 2, C) is smaller than the window (3, 3). "
        "Use padding='same', a smaller window, or one pooling less.",
    ),
    "a picture smaller than the pooling": (
        lambda: AveragePooling2D(3)(ones(1, 2, 2, 1)),
        ValueError,
        "AveragePooling2D: input (N, 2, 2, C) is smaller than the window (3, 3). "
        "Use padding='same', a smaller window, or one pooling less.",
    ),
    "numbers that do not fill the target": (
        lambda: Reshape((2, 2))(ones(1, 3)),
        ValueError,
        "Reshape: input (N, 3) has 3 numbers an example, and target_shape (2, 2) holds 4.",
    ),
    "numbers that do not divide": (
        lambda: Reshape((2, -1))(ones(1, 3)),
        ValueError,
        "Reshape: input (N, 3) has 3 numbers an example, and target_shape (2, -1) holds a multiple "
        "of 2.",
    ),
    "a batch of one row to normalize": (
        lambda: BatchNormalization(name="bn")(ones(1, 3)),
        ValueError,
        "BatchNormalization 'bn': x (1, 3) has 1 value(s) a channel, and a variance needs at least "
        "2. Give a larger batch (of data.batches, drop_last=True), or training=False.",
    ),
    "an axis that is not there": (
        lambda: Softmax(5)(ones(1, 3)),
        ValueError,
        "Softmax: axis 5 is out of bounds for array of dimension 2",
    ),
    "one input to add": (
        lambda: Add()(ones(1, 3)),
        TypeError,
        "Add: it joins several inputs, received ndarray. Give a list of at least two, [a, b].",
    ),
    "a list of one to add": (
        lambda: Add()([ones(1, 3)]),
        TypeError,
        "Add: it joins several inputs, received list of 1. Give a list of at least two, [a, b].",
    ),
    "one shape to add": (
        lambda: Add().build((3,)),
        TypeError,
        "Add: it joins several inputs, received the shape (3,). Give it a list of inputs, in a "
        "graph of tn.Input and tn.Model.",
    ),
    "shapes that are not equal": (
        lambda: Add()([ones(1, 3), ones(1, 4)]),
        ValueError,
        "Add: inputs (N, 3), (N, 4) must have equal shapes. Make them equal first, with Dense or a "
        "1x1 Conv2D.",
    ),
    "shapes without that axis": (
        lambda: Concatenate(2)([ones(1, 3), ones(1, 4)]),
        ValueError,
        "Concatenate: inputs (N, 3), (N, 4) have no axis 2.",
    ),
    "shapes that differ elsewhere": (
        lambda: Concatenate(1)([ones(1, 3, 2), ones(1, 4, 1)]),
        ValueError,
        "Concatenate: inputs (N, 3, 2), (N, 4, 1) must be equal along every axis but 1. Make them "
        "equal first.",
    ),
    # -- after it was built -------------------------------------------------------------------
    "other features": (
        lambda: Dense(2, name="head").build((3,), RNG)(ones(1, 4)),
        ValueError,
        "Dense 'head': input (N, 4) has 4 features, and its kernel takes 3. Give it (N, ..., 3).",
    ),
    "pictures where rows were": (
        lambda: Dense(2).build((784,), RNG)(ones(1, 28, 28, 1)),
        ValueError,
        "Dense: input (N, 28, 28, 1) has 1 features, and its kernel takes 784. Put Flatten() "
        "before it.",
    ),
    "other channels": (
        lambda: Conv2D(2, 3).build((8, 8, 3), RNG)(ones(1, 8, 8, 1)),
        ValueError,
        "Conv2D: input (N, 8, 8, 1) has 1 channels, and its kernel takes 3.",
    ),
    "other channels, transposed": (
        lambda: Conv2DTranspose(2, 3).build((8, 8, 3), RNG)(ones(1, 8, 8, 2)),
        ValueError,
        "Conv2DTranspose: input (N, 8, 8, 2) has 2 channels, and its kernel takes 3.",
    ),
    "other channels to normalize": (
        lambda: BatchNormalization().build((8, 8, 3))(ones(2, 4)),
        ValueError,
        "BatchNormalization: input (N, 4) has 4 channels, and it was built for 3.",
    ),
    "other channels to normalize in groups": (
        lambda: GroupNormalization(2).build((8, 8, 4))(ones(2, 6)),
        ValueError,
        "GroupNormalization: input (N, 6) has 6 channels, and it was built for 4.",
    ),
    # -- before it was built ------------------------------------------------------------------
    "weights before the first input": (lambda: Dense(2).weights(), ValueError, f"Dense: {UNBUILT}"),
    "parameters before the first input": (
        lambda: Conv2D(2, 3, name="c").parameters(),
        ValueError,
        f"Conv2D 'c': {UNBUILT}",
    ),
    "no generator for weights": (
        lambda: Dense(2)(ones(1, 3)),
        ValueError,
        f"Dense: there is no generator to draw its kernel with. {NO_GENERATOR[:-1]}; a Module "
        "of your own takes it in build(input_shape, rng).",
    ),
    "no generator for a bias": (
        lambda: Dense(2, kernel_initializer="zeros", bias_initializer="normal")(ones(1, 3)),
        ValueError,
        f"Dense: there is no generator to draw its bias with. {NO_GENERATOR[:-1]}; a Module "
        "of your own takes it in build(input_shape, rng).",
    ),
    "no generator for noise": (
        lambda: Dropout(0.5, name="drop")(ones(1, 3)),
        ValueError,
        f"Dropout 'drop': there is no generator for its noise. {NO_GENERATOR}",
    ),
    "a shape with the batch as None": (
        lambda: Dense(2).build((None, 3)),
        ValueError,
        f"{SHAPE}(None, 3). If None is the batch, leave it out. A length is a number, the longest; "
        "a Sequential takes shorter ones too.",
    ),
    "no forward": (
        lambda: Layer(name="mine")(ones(1, 3)),
        NotImplementedError,
        "Layer 'mine': it has no forward(x). Write one.",
    ),
}
RNG = seeded()


@pytest.mark.parametrize("case", ERRORS)
def test_the_message_says_where_what_and_how_to_mend_it(case):
    make, kind, message = ERRORS[case]
    with pytest.raises(kind, match=f"^{re.escape(message)}$"):
        make()


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (lambda: Dense(numpy.int64(5), use_bias=numpy.bool_(True)), (3,)),
        (lambda: Conv2D(numpy.int64(2), numpy.int32(3), strides=numpy.int64(1)), PICTURE),
        (lambda: MaxPooling2D(numpy.int64(2)), PICTURE),
        (lambda: Reshape((numpy.int64(6), -1)), PICTURE),
        (lambda: Concatenate(numpy.int64(1)), [(3,), (3,)]),
        (lambda: Softmax(numpy.int64(-1)), (3,)),
        (lambda: Dropout(numpy.float64(0.5)), (3,)),
        (lambda: BatchNormalization(momentum=numpy.float32(0.5)), (3,)),
        (lambda: GroupNormalization(numpy.int64(3)), (3,)),
        (lambda: Embedding(numpy.int64(5), numpy.int32(2)), Integers((3,))),
    ],
    ids=lambda value: "",
)
def test_numbers_of_numpy_are_numbers(layer, shape):
    layer = layer().build(shape, seeded())
    assert layer(batch(shape)).dtype == numpy.float32
    assert not any(isinstance(value, numpy.generic) for value in vars(layer).values())


def test_a_layer_that_could_not_be_built_can_still_be():
    layer = Dense(2)
    with pytest.raises(ValueError, match="there is no generator"):
        layer(ones(1, 3))
    layer.rng = seeded()
    assert layer(ones(1, 3)).shape == (1, 2)


def test_one_number_is_no_batch_of_numbers():
    layer = Flatten()
    assert layer(ones(3)).shape == (3, 1)
    with pytest.raises(ValueError, match=r"^Flatten: the input is one number"):
        layer(tn.Tensor(3.0))


def test_an_error_says_where_once():
    class Picky(Layer):
        def forward(self, x):
            return tn.conv2d(x, x)

    with pytest.raises(ValueError, match=r"^Picky 'p': the kernel has shape \(2, 3\)"):
        tn.Sequential([Picky(name="p")])(ones(2, 3))


def test_an_input_that_does_not_fit_changes_nothing():
    layer = Conv2D(2, 3).build((8, 8, 3), seeded())
    kernel = layer.kernel
    with pytest.raises(ValueError, match="has 1 channels"):
        layer(ones(1, 8, 8, 1))
    assert layer.kernel is kernel
    assert layer.input_shape == (8, 8, 3)


def test_a_built_convolution_tells_pictures_without_channels_from_other_channels():
    layer = Conv2D(2, 3, rng=seeded())
    layer(ones(1, 28, 28, 1))
    with pytest.raises(ValueError, match=r"Give gray pictures a channel: x\[\.\.\., None\]"):
        layer(ones(4, 28, 28))
