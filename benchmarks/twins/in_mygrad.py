"""The MyGrad twin of a model: another library on NumPy, eager as ours.

Its pictures are (N, C, H, W), and it has neither dropout nor Adam: both are written here in NumPy.
Its batch normalization keeps no moving statistics.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy

import tinynet as tn
from tinynet import layers

from .layer_walk import NoTwin, Value, Walk
from .work import Work


class MyGradTwin(Walk):
    """as_ours: whether what is dropped is what our layers drop next."""

    def __init__(self, mygrad: Any, as_ours: bool = False) -> None:
        import mygrad.nnet as nnet  # type: ignore[import-not-found]

        self.mygrad, self.nnet, self.as_ours = mygrad, nnet, as_ours
        self.weights: list[Any] = []
        self.rng = numpy.random.default_rng(0)

    def batch(self, array: numpy.ndarray) -> numpy.ndarray:
        if array.ndim != 4:
            return array
        return numpy.ascontiguousarray(array.transpose(0, 3, 1, 2))

    def loss(self, work: Work) -> Callable[..., Any]:
        if work.loss not in ("cross-entropy", "mse", "bce with logits"):
            raise NoTwin(f"MyGradTwin: there is no twin of the loss {work.loss!r}.")
        mygrad, module = self.mygrad, self.module(work.network)
        if work.loss == "cross-entropy":
            softmax_crossentropy = self.nnet.losses.softmax_crossentropy
            return lambda x, labels: softmax_crossentropy(module(x), labels)
        if work.loss == "mse":
            return lambda x: mygrad.mean((module(x) - x) ** 2)

        def bce(noisy: Any, x: Any) -> Any:
            z = module(noisy)
            return mygrad.mean(
                mygrad.maximum(z, 0) - z * x + mygrad.log1p(mygrad.exp(-mygrad.abs(z)))
            )

        return bce

    def activations(self) -> dict[str, Callable[..., Any]]:
        there = self.nnet.activations
        return {name: getattr(there, name) for name in ("relu", "sigmoid", "tanh")}

    def _weight(self, tensor: Any, change: Callable[[Any], Any] = lambda w: w) -> Any:
        start = numpy.array(change(tensor.data), order="C")
        self.weights.append(self.mygrad.tensor(start))
        return self.weights[-1]

    def _Dense(self, layer: layers.Dense, x: Value) -> tuple[Any, Value]:
        order = slice(None) if x.order is None else x.order
        kernel = self._weight(layer.kernel, lambda w: w[order])
        bias = 0 if layer.bias is None else self._weight(layer.bias)
        return (
            lambda h: self.mygrad.matmul(h, kernel) + bias,
            Value(0, layer.output_shape(x.shape)),
        )

    def _Conv2D(self, layer: layers.Conv2D, x: Value) -> tuple[Any, Value]:
        padding = (0, 0)
        if layer.padding != "valid":
            even = any(k % 2 == 0 for k in layer.kernel_size)
            if layer.padding != "same" or layer.strides != (1, 1) or even:
                raise NoTwin(f"MyGradTwin: MyGrad pads all sides alike, and not as {layer.label}.")
            padding = tuple(k // 2 for k in layer.kernel_size)
        kernel = self._weight(layer.kernel, lambda w: w.transpose(3, 2, 0, 1))
        bias = 0
        if layer.bias is not None:
            bias = self._weight(layer.bias, lambda b: b.reshape(1, -1, 1, 1))
        convolve = self.nnet.layers.conv_nd
        return (
            lambda h: convolve(h, kernel, stride=layer.strides, padding=padding) + bias,
            Value(0, layer.output_shape(x.shape)),
        )

    def _MaxPooling2D(self, layer: layers.MaxPooling2D, x: Value) -> tuple[Any, Value]:
        pool, shape = self.nnet.layers.max_pool, layer.output_shape(x.shape)
        sizes = zip(x.shape[:2], layer.pool_size, layer.strides, strict=True)
        if layer.padding != "valid" or any((n - k) % s for n, k, s in sizes):
            raise NoTwin(f"MyGradTwin: MyGrad's windows must fill the picture ({layer.label}).")
        return lambda h: pool(h, layer.pool_size, layer.strides), Value(0, shape)

    def _BatchNormalization(self, layer: Any, x: Value) -> tuple[Any, Value]:
        gamma, beta = self._weight(layer.gamma), self._weight(layer.beta)
        normalize = self.nnet.layers.batchnorm
        return lambda h: normalize(h, gamma=gamma, beta=beta, eps=layer.epsilon), x

    def _Dropout(self, layer: layers.Dropout, x: Value) -> tuple[Any, Value]:
        rng, keep = copy.deepcopy(layer.rng), 1 - layer.rate

        def forward(h: Any) -> Any:
            if self.as_ours:  # 0, or what ours multiplies by
                ones = numpy.ones((len(h), *x.shape), numpy.float32)
                factors = self.batch(tn.dropout(ones, layer.rate, rng).data)
                return h * (factors if x.order is None else factors[:, x.order])
            kept = self.rng.random(h.shape, dtype=numpy.float32) < keep
            return h * (kept * numpy.float32(1 / keep))

        return forward, x

    def _Flatten(self, layer: layers.Flatten, x: Value) -> tuple[Any, Value]:
        shape, order = layer.output_shape(x.shape), x.order
        if len(x.shape) == 3:
            order = numpy.arange(shape[0]).reshape(x.shape).transpose(2, 0, 1).ravel()
        return lambda h: h.reshape(len(h), -1), Value(0, shape, order)

    def _Reshape(self, layer: layers.Reshape, x: Value) -> tuple[Any, Value]:
        shape = layer.output_shape(x.shape)
        if len(shape) == 3 and shape[2] != 1:
            raise NoTwin(f"MyGradTwin: {layer.label} has no twin.")
        H, W, *C = shape
        return lambda h: h.reshape(len(h), *C, H, W), Value(0, shape)


def training_step(work: Work, as_ours: bool = False) -> Callable[[], Any]:
    """Forward, loss, backward and Adam.  as_ours: with our noise."""
    import mygrad

    twin = MyGradTwin(mygrad, as_ours)
    loss_of = twin.loss(work)
    batch = [twin.batch(array) for array in work.batch]
    first, second = ([numpy.zeros_like(w.data) for w in twin.weights] for _ in range(2))
    t = 0

    def step() -> Any:
        nonlocal t
        loss = loss_of(*batch)
        loss.backward()
        t += 1
        lr = 0.001 * (1 - 0.999**t) ** 0.5 / (1 - 0.9**t)
        for w, m, v in zip(twin.weights, first, second, strict=True):
            m += 0.1 * (w.grad - m)
            v += 0.001 * (w.grad**2 - v)
            w.data[...] -= lr * m / (numpy.sqrt(v) + 1e-7)
            w.null_grad()
        return loss

    return step
