"""The JAX twin of a model, with its training step compiled as one function.

JAX has Keras' layouts and paddings, so the weights are ours as they are.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any

import numpy

import tinynet as tn
from tinynet import layers

from .layer_walk import NoTwin, Value, Walk
from .work import Work

PICTURES = ("NHWC", "HWIO", "NHWC")


class JaxTwin(Walk):
    """Makes the twin's loss; its weights and its key are what the loss is given.

    rngs: copies of what our model draws its noise from, to be compared; None draws by the key.
    """

    def __init__(self, jax: Any, as_ours: bool = False) -> None:
        self.jax, self.as_ours = jax, as_ours
        self.starts: list[numpy.ndarray] = []  # of the weights
        self.moving: list[numpy.ndarray] = []  # the starts of batch normalization's statistics
        # While a loss is computed:
        self.weights: list[Any] = []
        self.key: Any = None
        self.statistics: list[Any] = []  # of this batch, in the order of self.moving
        self.momenta: list[float] = []

    def loss(self, work: Work) -> Callable[..., Any]:
        """(weights, key, *batch) -> the loss, and the statistics of the batch."""
        value = self._value(work)

        def loss(weights: list[Any], key: Any, *batch: Any) -> tuple[Any, list[Any]]:
            self.weights, self.key, self.statistics = weights, key, []
            return value(*batch), self.statistics

        return loss

    def _value(self, work: Work) -> Callable[..., Any]:
        jax, numbers = self.jax, self.jax.numpy

        def bits(z: Any, x: Any) -> Any:
            return numbers.maximum(z, 0) - z * x + numbers.log1p(numbers.exp(-abs(z)))

        if work.loss == "vae":
            network: Any = work.network
            encode, decode = self.module(network.encoder), self.module(network.decoder)
            noise = self._generator(work.rng)

            def elbo(x: Any) -> Any:
                mean, log_var = encode(x)
                z = mean + numbers.exp(0.5 * log_var) * self._normal(mean.shape, noise)
                divergence = 0.5 * (mean**2 + numbers.exp(log_var) - log_var - 1).sum() / len(x)
                y = decode(z)
                if work.squares is None:
                    return bits(y, x).sum() / len(x) + divergence
                a, b = work.squares
                return a * ((y - x) ** 2).sum() / len(x) + b + divergence

            return elbo
        if work.loss is None:
            raise NoTwin("JaxTwin: there is no twin of the loss.")
        module = self.module(work.network)
        if work.loss == "cross-entropy":

            def cross_entropy(x: Any, labels: Any) -> Any:
                logs = jax.nn.log_softmax(module(x))
                return -numbers.take_along_axis(logs, labels[:, None], axis=1).mean()

            return cross_entropy
        if work.loss == "mse":
            return lambda x: ((module(x) - x) ** 2).mean()
        if work.loss == "bce with logits":
            return lambda noisy, x: bits(module(noisy), x).mean()
        raise NoTwin(f"JaxTwin: there is no twin of the loss {work.loss!r}.")

    # -- noise ------------------------------------------------------------------------------------

    def _generator(self, rng: Any) -> Any:
        return copy.deepcopy(rng) if self.as_ours else None

    def _next_key(self) -> Any:
        self.key, key = self.jax.random.split(self.key)
        return key

    def _normal(self, shape: tuple[int, ...], rng: Any) -> Any:
        if rng is None:
            return self.jax.random.normal(self._next_key(), shape)
        zeros = numpy.zeros(shape, numpy.float32)
        return tn.sample_gaussian(zeros, zeros, rng).data

    # -- layers -----------------------------------------------------------------------------------

    def activations(self) -> dict[str, Callable[..., Any]]:
        return {
            name: getattr(self.jax.nn, name) for name in ("relu", "sigmoid", "softplus", "tanh")
        }

    def _weight(self, tensor: tn.Tensor | None) -> Callable[[], Any]:
        """What gives the weight while a loss is computed; 0 for one that the layer lacks."""
        if tensor is None:
            return lambda: 0
        number = len(self.starts)
        self.starts.append(tensor.data.copy())
        return lambda: self.weights[number]

    def _Dense(self, layer: layers.Dense, x: Value) -> tuple[Any, Value]:
        kernel, bias = self._weight(layer.kernel), self._weight(layer.bias)
        return lambda h: h @ kernel() + bias(), Value(0, layer.output_shape(x.shape))

    def _Conv2D(self, layer: layers.Conv2D, x: Value) -> tuple[Any, Value]:
        kernel, bias = self._weight(layer.kernel), self._weight(layer.bias)
        convolve = self.jax.lax.conv_general_dilated
        padding = self._padding(layer)

        def forward(h: Any) -> Any:
            y = convolve(h, kernel(), layer.strides, padding, dimension_numbers=PICTURES)
            return y + bias()

        return forward, Value(0, layer.output_shape(x.shape))

    def _Conv2DTranspose(self, layer: layers.Conv2DTranspose, x: Value) -> tuple[Any, Value]:
        kernel, bias = self._weight(layer.kernel), self._weight(layer.bias)
        grow = self.jax.lax.conv_transpose
        padding = self._padding(layer)

        def forward(h: Any) -> Any:
            y = grow(
                h, kernel(), layer.strides, padding,
                dimension_numbers=PICTURES, transpose_kernel=True,
            )  # fmt: skip
            return y + bias()

        return forward, Value(0, layer.output_shape(x.shape))

    def _MaxPooling2D(self, layer: layers.MaxPooling2D, x: Value) -> tuple[Any, Value]:
        size, strides = (1, *layer.pool_size, 1), (1, *layer.strides, 1)
        reduce, largest = self.jax.lax.reduce_window, self.jax.lax.max
        padding = self._padding(layer)
        return (
            lambda h: reduce(h, -math.inf, largest, size, strides, padding),
            Value(0, layer.output_shape(x.shape)),
        )

    def _padding(self, layer: Any) -> str:
        if layer.padding not in ("valid", "same"):
            raise NoTwin(f"JaxTwin: {layer.label} has another padding. Write it by hand.")
        return layer.padding.upper()

    def _BatchNormalization(self, layer: Any, x: Value) -> tuple[Any, Value]:
        gamma, beta = self._weight(layer.gamma), self._weight(layer.beta)
        if layer.gamma is None:
            gamma = lambda: 1
        self.moving += [layer.moving_mean.data.copy(), layer.moving_variance.data.copy()]
        self.momenta += [layer.momentum] * 2

        def forward(h: Any) -> Any:
            axes = tuple(range(h.ndim - 1))
            mean, variance = h.mean(axes), h.var(axes)
            self.statistics += [mean, variance]
            scale = gamma() / self.jax.numpy.sqrt(variance + layer.epsilon)
            return (h - mean) * scale + beta()

        return forward, x

    def _LeakyReLU(self, layer: layers.LeakyReLU, x: Value) -> tuple[Any, Value]:
        return lambda h: self.jax.nn.leaky_relu(h, layer.negative_slope), x

    def _Dropout(self, layer: layers.Dropout, x: Value) -> tuple[Any, Value]:
        rng, keep = self._generator(layer.rng), 1 - layer.rate

        def forward(h: Any) -> Any:
            if rng is not None:  # 0, or what ours multiplies by
                return h * tn.dropout(numpy.ones(h.shape, numpy.float32), layer.rate, rng).data
            kept = self.jax.random.bernoulli(self._next_key(), keep, h.shape)
            return self.jax.numpy.where(kept, h / keep, 0)

        return forward, x

    def _Flatten(self, layer: layers.Flatten, x: Value) -> tuple[Any, Value]:
        return lambda h: h.reshape(len(h), -1), Value(0, layer.output_shape(x.shape))

    def _Reshape(self, layer: layers.Reshape, x: Value) -> tuple[Any, Value]:
        shape = layer.output_shape(x.shape)
        return lambda h: h.reshape(len(h), *shape), Value(0, shape)


def training_step(work: Work, as_ours: bool = False) -> Callable[[], Any]:
    """Forward, loss, backward and Adam.  as_ours: with our noise, which is not compiled in."""
    import jax

    jax.config.update("jax_platforms", "cpu")
    numbers = jax.numpy
    twin = JaxTwin(jax, as_ours)
    slope = jax.value_and_grad(twin.loss(work), has_aux=True)
    weights = [numbers.asarray(w) for w in twin.starts]
    zeros = [numbers.zeros_like(w) for w in weights]
    moving = [numbers.asarray(m) for m in twin.moving]
    batch = [numbers.asarray(a if a.dtype.kind == "f" else a.astype("int32")) for a in work.batch]

    def advance(state: Any, *batch: Any) -> tuple[Any, Any]:
        weights, first, second, moving, t, key = state
        key, used = jax.random.split(key)
        (loss, seen), slopes = slope(weights, used, *batch)
        moving = [m * k + s * (1 - k) for m, s, k in zip(moving, seen, twin.momenta, strict=True)]
        t = t + 1
        first = [0.9 * m + 0.1 * dw for m, dw in zip(first, slopes, strict=True)]
        second = [0.999 * v + 0.001 * dw**2 for v, dw in zip(second, slopes, strict=True)]
        lr = 0.001 * numbers.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        weights = [
            w - lr * m / (numbers.sqrt(v) + 1e-7)
            for w, m, v in zip(weights, first, second, strict=True)
        ]
        return (weights, first, second, moving, t, key), loss

    compiled = advance if as_ours else jax.jit(advance, donate_argnums=0)
    start = numbers.zeros((), numbers.float32)
    state = (weights, zeros, [z.copy() for z in zeros], moving, start, jax.random.key(0))

    def step() -> Any:
        nonlocal state
        state, loss = jax.block_until_ready(compiled(state, *batch))
        return loss

    return step
