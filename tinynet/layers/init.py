"""The first values of weights: functions (shape, rng) -> float32 array.

If weights are too small, a signal fades from layer to layer; if they are too large, it explodes.
The right size depends on the number of inputs that each output sums (fan-in) and the number of
outputs that each input reaches (fan-out).  Arrays are drawn on the host, so that both devices start
from the same bits.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy

from ..devices.cpu.blas import one_blas_thread
from ..messages.arguments import AT_LEAST_0, Shape, generator, known, number, shown

Initializer = Callable[[Shape, numpy.random.Generator], numpy.ndarray]

# The standard deviation of the standard normal distribution, truncated to [-2, 2].
TRUNCATED_STD = 0.87962566103423978


# -- by fan-in and fan-out -------------------------------------------------------------------------


def fans(shape: Shape) -> tuple[int, int]:
    """fan-in and fan-out of a kernel, by the position of its axes, as in Keras.

    Dense (D, M): D, M.  Convolution (KH, KW, C, O): KH * KW * C, KH * KW * O.  A vector (M,): M, M.

    The kernel of a transposed convolution is (KH, KW, O, C).  The positions decide there too, so
    its fan-in is KH * KW * O.
    """
    if not isinstance(shape, tuple | list):
        raise TypeError(f"fans: shape must be a tuple of whole numbers, received {shape!r}.")
    if len(shape) < 2:
        return (math.prod(shape),) * 2
    window = math.prod(shape[:-2])
    return window * shape[-2], window * shape[-1]


def glorot_uniform(shape: Shape, rng: numpy.random.Generator) -> numpy.ndarray:
    """Uniform, with variance 2 / (fan-in + fan-out): between +-sqrt(6 / (fan-in + fan-out)).

    For sigmoid, tanh and softmax; the default of layers, as in Keras.  Source: Glorot and Bengio,
    "Understanding the difficulty of training deep feedforward neural networks", 2010.
    """
    return _uniform("glorot_uniform", shape, rng, math.sqrt(3 / _mean_fan(shape)))


def glorot_normal(shape: Shape, rng: numpy.random.Generator) -> numpy.ndarray:
    """Normal, truncated, with variance 2 / (fan-in + fan-out).  For its use see glorot_uniform."""
    return _truncated("glorot_normal", shape, rng, math.sqrt(1 / _mean_fan(shape)))


def he_uniform(shape: Shape, rng: numpy.random.Generator) -> numpy.ndarray:
    """Uniform, with variance 2 / fan-in: between +-sqrt(6 / fan-in).

    For relu, which sets half of its inputs to 0.  Source: He et al., "Delving Deep into
    Rectifiers", 2015.
    """
    return _uniform("he_uniform", shape, rng, math.sqrt(6 / _fan_in(shape)))


def he_normal(shape: Shape, rng: numpy.random.Generator) -> numpy.ndarray:
    """Normal, truncated, with variance 2 / fan-in.  For its use see he_uniform."""
    return _truncated("he_normal", shape, rng, math.sqrt(2 / _fan_in(shape)))


def lecun_uniform(shape: Shape, rng: numpy.random.Generator) -> numpy.ndarray:
    """Uniform, with variance 1 / fan-in: between +-sqrt(3 / fan-in).

    Inputs of variance 1 give sums of variance 1.  Source: LeCun et al., "Efficient BackProp", 1998.
    """
    return _uniform("lecun_uniform", shape, rng, math.sqrt(3 / _fan_in(shape)))


def lecun_normal(shape: Shape, rng: numpy.random.Generator) -> numpy.ndarray:
    """Normal, truncated, with variance 1 / fan-in.  For its use see lecun_uniform."""
    return _truncated("lecun_normal", shape, rng, math.sqrt(1 / _fan_in(shape)))


# -- without the fans ------------------------------------------------------------------------------


def zeros(shape: Shape, rng: numpy.random.Generator | None = None) -> numpy.ndarray:
    """For biases.  A kernel of zeros never learns: all its outputs get the same gradient."""
    return numpy.zeros(shape, numpy.float32)


def ones(shape: Shape, rng: numpy.random.Generator | None = None) -> numpy.ndarray:
    """For factors, for example gamma of batch-norm."""
    return numpy.ones(shape, numpy.float32)


def normal(std: float = 0.05) -> Initializer:
    """An initializer: normal with mean 0 and standard deviation std (at least 0), not truncated.

    The default is Keras'.
    """
    std = number("normal", "std", std, AT_LEAST_0)

    def draw(shape: Shape, rng: numpy.random.Generator) -> numpy.ndarray:
        generator("normal", rng)
        return _array(rng.standard_normal(shape, numpy.float32) * std)

    return _named(draw, "normal", std)


def uniform(limit: float = 0.05) -> Initializer:
    """An initializer: uniform between -limit and limit (at least 0).  The default is Keras'."""
    limit = number("uniform", "limit", limit, AT_LEAST_0)
    return _named(lambda shape, rng: _uniform("uniform", shape, rng, limit), "uniform", limit)


def constant(value: float) -> Initializer:
    """An initializer: every element is that number."""
    value = number("constant", "value", value)

    def fill(shape: Shape, rng: numpy.random.Generator | None = None) -> numpy.ndarray:
        return numpy.full(shape, value, numpy.float32)

    return fill


def orthogonal(shape: Shape, rng: numpy.random.Generator) -> numpy.ndarray:
    """Orthogonal rows or columns of length 1: a product with it keeps lengths, step after step.

    For the recurrent kernel of recurrent layers.  All axes but the last count as rows.  Source:
    Saxe et al., "Exact solutions to the nonlinear dynamics of learning in deep linear neural
    networks", 2014.
    """
    generator("orthogonal", rng)
    rows, columns = math.prod(shape[:-1]), (shape or (1,))[-1]
    drawn = rng.standard_normal((max(rows, columns), min(rows, columns)))
    with one_blas_thread:  # the same bits for any number of threads
        q, r = numpy.linalg.qr(drawn)
    q = q * numpy.where(numpy.diag(r) < 0, -1, 1)  # else not all are equally probable
    return (q if rows >= columns else q.T).reshape(shape).astype(numpy.float32)


# -- drawing ---------------------------------------------------------------------------------------


def _fan_in(shape: Shape) -> float:
    return max(fans(shape)[0], 1)  # an empty kernel has no weights to scale


def _mean_fan(shape: Shape) -> float:
    return max(sum(fans(shape)) / 2, 1)


def _uniform(where: str, shape: Shape, rng: numpy.random.Generator, limit: float) -> numpy.ndarray:
    generator(where, rng)
    return _array((2 * rng.random(shape, numpy.float32) - 1) * limit)


def _truncated(where: str, shape: Shape, rng: numpy.random.Generator, std: float) -> numpy.ndarray:
    """Normal numbers of that standard deviation, without outliers.

    Numbers outside [-2, 2] are drawn again, which lowers the deviation; TRUNCATED_STD corrects it.
    """
    generator(where, rng)
    x = _array(rng.standard_normal(shape, numpy.float32))
    while (far := numpy.abs(x) > 2).any():
        x[far] = rng.standard_normal(numpy.count_nonzero(far), numpy.float32)
    return _array(x * (std / TRUNCATED_STD))


def _named(draw: Any, name: str, value: float) -> Initializer:
    """draw, with the name that the repr of a layer shows: uniform, or uniform(0.1)."""
    draw.__name__ = name if value == 0.05 else f"{name}({value:g})"
    return draw


def _array(x: Any) -> numpy.ndarray:
    """x as an array: for the shape () NumPy gives scalars."""
    return numpy.asarray(x)


# -- by name ---------------------------------------------------------------------------------------

INITIALIZERS: dict[str, Initializer] = {
    "glorot_normal": glorot_normal,
    "glorot_uniform": glorot_uniform,
    "he_normal": he_normal,
    "he_uniform": he_uniform,
    "lecun_normal": lecun_normal,
    "lecun_uniform": lecun_uniform,
    "normal": normal(),
    "ones": ones,
    "orthogonal": orthogonal,
    "random_normal": normal(),  # Keras 3's names; older versions had "normal" and "uniform"
    "random_uniform": uniform(),
    "uniform": uniform(),
    "zeros": zeros,
}


def initializer(name_or_function: str | Initializer, where: str = "initializer") -> Initializer:
    """The initializer of that name; a function is returned as it is.

    ValueError for an unknown name, which names the nearest one; TypeError for any other value.
    """
    how: Any = name_or_function
    if how in (normal, uniform, constant):
        raise TypeError(
            f"{where}: {how.__name__} makes initializers and is not one. Call it, "
            f"{how.__name__}(0.05)."
        )
    if callable(how):
        return how
    if not isinstance(how, str):
        raise TypeError(
            f"{where}: {shown(how)} is neither a name nor a function (shape, rng) -> array. "
            'Use "glorot_uniform".'
        )
    return known(where, "initializer", how, INITIALIZERS)
