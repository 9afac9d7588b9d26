"""The PyTorch twins of layers: the same numbers and gradients, in both layouts of memory."""

from __future__ import annotations

import numpy
import pytest

import tinynet as tn
from benchmarks.twins import agreement
from benchmarks.twins.in_torch import LAYOUTS, Twin
from tinynet.layers import (
    Activation,
    BatchNormalization,
    Conv2D,
    Conv2DTranspose,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePooling2D,
    LeakyReLU,
    MaxPooling2D,
    Reshape,
)

from .works import work_of


@pytest.fixture
def torch():
    return pytest.importorskip("torch")


def assert_same(torch, network, x):
    for layout in LAYOUTS:
        work = agreement.in_float64(work_of(network, x))
        for parameter in network.parameters():
            parameter.grad = None
        found = agreement.differences("m", work, Twin(torch, layout))
        assert max(found) < 1e-9, layout


@pytest.mark.parametrize("size", [6, 8])
@pytest.mark.parametrize("kernel", [1, 2, 3, 4, 5])
@pytest.mark.parametrize(("strides", "padding"), [(1, "valid"), (2, "valid"), (2, "same")])
@pytest.mark.parametrize("layer", [Conv2D, Conv2DTranspose])
def test_convolutions_have_a_twin(layer, strides, padding, kernel, size, torch, rng):
    if layer is Conv2DTranspose and kernel < strides:
        pytest.skip("PyTorch has none: see the errors")
    convolution = layer(3, kernel, strides=strides, padding=padding, activation="relu")
    network = tn.Sequential([convolution], input_shape=(size, size + 2, 2), rng=rng)
    network.layers[0].bias.data[...] = rng.random(3)
    assert_same(torch, network, rng.random((2, size, size + 2, 2), dtype=numpy.float32))


@pytest.mark.parametrize("size", [6, 7, 8])
@pytest.mark.parametrize(("pool", "strides"), [(2, None), (3, 2), (3, None), (3, 1)])
@pytest.mark.parametrize("padding", ["valid", "same"])
def test_pooling_has_a_twin(padding, pool, strides, size, torch, rng):
    layers = [Conv2D(2, 1), MaxPooling2D(pool, strides, padding, name="pool")]
    network = tn.Sequential(layers, input_shape=(size, size + 1, 2), rng=rng)
    assert_same(torch, network, rng.random((2, size, size + 1, 2), dtype=numpy.float32))


def dropping(rng):
    layers = [Conv2D(3, 2), Dropout(0.3), Flatten(), Dropout(0.5), Dense(4), Dropout(0.2)]
    return tn.Sequential(layers, input_shape=(4, 5, 2), rng=rng)


def test_the_twin_drops_what_the_model_drops(torch, rng):
    assert_same(torch, dropping(rng), rng.random((3, 4, 5, 2), dtype=numpy.float32))


def test_dropout_of_training_is_pytorchs_own(torch, rng):
    network = dropping(rng)
    before = network.layers[1].rng.bit_generator.state
    twin = Twin(torch)
    module, x = twin.module(network), twin.batch(rng.random((3, 4, 5, 2), dtype=numpy.float32))
    first, second, again = (torch.manual_seed(seed) and module(x) for seed in (0, 1, 0))
    assert first.equal(again) and not first.equal(second)
    assert network.layers[1].rng.bit_generator.state == before


def test_the_way_from_pictures_to_a_code_and_back_has_a_twin(torch, rng):
    x = tn.Input((8, 12, 2))
    h = LeakyReLU(0.2)(BatchNormalization()(Conv2D(3, 3, strides=2, padding="same")(x)))
    code = Dense(5, activation="tanh")(Activation("sigmoid")(Flatten()(h)))
    h = Reshape((4, 6, 3))(LeakyReLU()(Dense(72, activation="softplus")(code)))
    y = Conv2DTranspose(2, 3, strides=2, padding="same", activation="sigmoid")(h)
    network = tn.Model(x, y, rng=rng)
    for parameter in network.parameters():  # no two numbers alike: a wrong order is seen
        parameter.data[...] = rng.normal(0, 0.5, parameter.shape)
    assert_same(torch, network, rng.random((4, 8, 12, 2), dtype=numpy.float32))


def test_a_model_with_two_outputs_gives_both_and_a_nested_one_is_walked_into(torch, rng):
    inner = tn.Sequential([Flatten(), Dense(6, activation="relu")])
    x = tn.Input((2, 3, 2))
    h = inner(x)
    network = tn.Model(x, [Dense(4)(h), Dense(5)(h)], rng=rng)
    twin = Twin(torch)
    array = rng.random((3, 2, 3, 2), dtype=numpy.float32)
    got = twin.module(network)(twin.batch(array))
    expected = tn.predict(network, array)
    assert [tuple(y.shape) for y in got] == [(3, 4), (3, 5)]
    for ours, theirs in zip(expected, got, strict=True):
        numpy.testing.assert_allclose(theirs.detach().numpy(), ours, atol=1e-6)


def test_channels_last_lies_so_in_memory_and_the_default_does_not(torch):
    array = numpy.arange(24, dtype=numpy.float32).reshape(1, 2, 3, 4)
    first, last = (Twin(torch, layout).batch(array) for layout in LAYOUTS)
    assert first.is_contiguous() and not last.is_contiguous()
    assert last.is_contiguous(memory_format=torch.channels_last)
    assert first.equal(last)
    numpy.testing.assert_array_equal(first[0, 1], array[0, ::-1, ::-1, 1])  # turned


def test_the_twins_weights_are_its_own(torch, rng):
    network = tn.Sequential([Dense(3)], input_shape=(2,), rng=rng)
    before = network.layers[0].kernel.data.copy()
    twin = Twin(torch)
    twin.module(network)
    with torch.no_grad():
        for pair in twin.pairs:
            pair.theirs.add_(1)
    numpy.testing.assert_array_equal(network.layers[0].kernel.data, before)


ERRORS = [
    (
        lambda twin, rng: twin.module(
            tn.Sequential([GlobalAveragePooling2D()], input_shape=(4, 4, 1), rng=rng)
        ),
        "Twin: there is no twin of GlobalAveragePooling2D. Write "
        "Twin._GlobalAveragePooling2D(layer, x), which returns a function and a Value.",
    ),
    (
        lambda twin, rng: twin.module(
            tn.Sequential([Dense(2, activation=tn.exp)], input_shape=(3,), rng=rng)
        ),
        "Twin: there is no twin of the activation 'exp'. Add it to Twin.activations.",
    ),
    (
        lambda twin, rng: twin.module(
            tn.Sequential(
                [Flatten(), BatchNormalization(name="bn")], input_shape=(2, 2, 1), rng=rng
            )
        ),
        "Twin: BatchNormalization 'bn' after Flatten has no twin. Write it by hand.",
    ),
    (
        lambda twin, rng: twin.module(
            tn.Sequential(
                [Conv2DTranspose(1, 1, strides=2, name="up")], input_shape=(2, 2, 1), rng=rng
            )
        ),
        "Twin: Conv2DTranspose 'up': PyTorch has no such padding. Write it by hand.",
    ),
    (
        lambda twin, rng: twin.module(
            tn.Sequential(
                [Conv2D(1, 2, padding="same", name="even")], input_shape=(2, 2, 1), rng=rng
            )
        ),
        "Twin: Conv2D 'even': PyTorch has no such padding. Write it by hand.",
    ),
    (
        lambda twin, rng: twin.module(
            tn.Sequential([Reshape((2, 2, 1), name="r")], input_shape=(4,), rng=rng)
        ),
        "Twin: Reshape 'r' does not follow a Dense. Write it by hand.",
    ),
]


@pytest.mark.parametrize(("call", "message"), ERRORS)
def test_what_has_no_twin_is_named(call, message, torch, rng):
    with pytest.raises(TypeError) as error:
        call(Twin(torch), rng)
    assert str(error.value) == message


def test_a_layout_that_there_is_not_is_named(torch):
    with pytest.raises(ValueError) as error:
        Twin(torch, "last")
    assert str(error.value) == (
        "Twin: layout must be one of ('default layout', 'channels last'), received 'last'."
    )
