"""conv2d_transpose beside Keras, whose sizes and placement it takes over: where does "same" cut?

Where Keras is not installed, the loops of oracles.py stand for it: test_operations.py and
test_shapes.py.  Two examples small enough to be done by hand need neither.
"""

from __future__ import annotations

import warnings

import numpy
import pytest

import tinynet as tn

from .test_shapes import close, gradients, normal, torch_gradients

SIZES = [(1, 1), (1, 4), (4, 5), (3, 6)]  # single, odd, even and unequal


@pytest.fixture(scope="module")
def keras(tmp_path_factory):
    """Keras on PyTorch, which differentiates in float64 too.  It writes its settings elsewhere."""
    pytest.importorskip("torch")
    with pytest.MonkeyPatch.context() as environment, warnings.catch_warnings():
        environment.setenv("KERAS_BACKEND", "torch")
        environment.setenv("KERAS_HOME", str(tmp_path_factory.mktemp("keras")))
        warnings.simplefilter("ignore")  # what other people's packages warn of as they load
        keras = pytest.importorskip("keras", minversion="3")
    if keras.backend.backend() != "torch":
        pytest.skip("Keras was loaded before, with another backend")
    with keras.device("cpu"):
        yield keras


@pytest.mark.slow
@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("stride", [1, 2, 3, (1, 2), (3, 2)])
@pytest.mark.parametrize("kernel", [(1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (2, 5), (4, 3)])
def test_values_and_gradients_are_those_of_keras(keras, kernel, stride, padding):
    how = {"padding": padding}
    for size in SIZES:
        x, w = normal(0, (2, *size, 3), (*kernel, 2, 3))

        def ours(x, w):
            return tn.conv2d_transpose(x, w, stride=stride, **how)

        def theirs(x, w):
            return keras.ops.conv_transpose(x, w, strides=stride, **how)

        (dy,) = normal(1, ours(x, w).shape)
        expected = torch_gradients(theirs, dy, x, w)
        for got, right in zip(gradients(ours, dy, x, w), expected, strict=True):
            close(got, right)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # how Keras makes arrays
@pytest.mark.parametrize("padding", ["valid", "same"])
def test_the_layer_of_keras_has_this_kernel_and_this_bias(keras, padding):
    layer = keras.layers.Conv2DTranspose(4, (3, 2), 2, padding, bias_initializer="random_normal")
    (x,) = normal(0, (2, 3, 5, 3))
    x = x.astype("float32")
    expected, kernel, bias = map(keras.ops.convert_to_numpy, (layer(x), layer.kernel, layer.bias))
    y = tn.conv2d_transpose(x, kernel, bias, stride=2, padding=padding)
    numpy.testing.assert_allclose(y.data, expected, atol=1e-5)


def line(*values):
    """Numbers as a picture one pixel high."""
    return numpy.array(values, dtype=float).reshape(1, 1, -1, 1)


def test_every_pixel_lays_down_the_kernel_and_overlaps_add():
    y = tn.conv2d_transpose(line(1, 10), line(1, 2, 3).reshape(1, 3, 1, 1), stride=(1, 2))
    assert y.data.ravel().tolist() == [1, 2, 3 + 10, 20, 30]


@pytest.mark.parametrize(
    ("kernel", "stride", "expected"),
    [
        ([1, 2, 3], 1, [2 + 10, 3 + 20]),  # 1 12 23 30: one is cut off at either end
        ([1, 2, 3], 2, [1, 2, 3 + 10, 20]),  # the odd one at the end
        ([1, 2], 2, [1, 2, 10, 20]),
        ([1], 3, [1, 0, 0, 10, 0, 0]),  # a stride beyond the kernel leaves zeros
    ],
    ids=str,
)
def test_same_gives_the_input_times_the_stride(kernel, stride, expected):
    w = line(*kernel).reshape(1, -1, 1, 1)
    y = tn.conv2d_transpose(line(1, 10), w, stride=(1, stride), padding="same")
    assert y.data.ravel().tolist() == expected


def test_valid_with_a_stride_beyond_the_kernel_ends_in_zeros_as_keras_does():
    y = tn.conv2d_transpose(line(1, 10), line(1).reshape(1, 1, 1, 1), stride=(1, 3))
    assert y.data.ravel().tolist() == [1, 0, 0, 10, 0, 0]
