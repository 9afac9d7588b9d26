"""The PyTorch twin of a tinynet model: the same layers, with the same weights, one for one.

It is written as PyTorch likes it, pictures (N, C, H, W), without a copy that a person would not
write.  Keras' padding="same" puts the odd row below and to the right, PyTorch's can only put it
above and to the left: so the twin sees every picture, and every kernel, turned by 180 degrees.
Where a row of numbers was a picture, the weights before or after it are put in the twin's order.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy

import tinynet as tn
from tinynet import layers

from .layer_walk import NoTwin, Value, Walk

LAYOUTS = ("default layout", "channels last")

Change = Callable[[numpy.ndarray], numpy.ndarray]


class Pair(NamedTuple):
    """A parameter in both; `changes` turn ours, and its gradient, into the twin's, in order."""

    name: str
    ours: tn.Tensor
    theirs: Any
    changes: list[Change]

    def turned(self, array: numpy.ndarray) -> numpy.ndarray:
        for change in self.changes:
            array = change(array)
        return array


class Twin(Walk):
    """Makes the twins of models, and of single weights; knows every pair of parameters.

    layout: of pictures and kernels in memory, one of LAYOUTS.  device: PyTorch's, where they are.
    Noise is drawn by PyTorch, unless draw_like() says otherwise first.
    """

    def __init__(self, torch: Any, layout: str = LAYOUTS[0], device: str = "cpu") -> None:
        if layout not in LAYOUTS:
            raise ValueError(f"Twin: layout must be one of {LAYOUTS}, received {layout!r}.")
        self.torch = torch
        self.device = device
        self.rng: numpy.random.Generator | None = None
        self.draws_as_ours = False
        self.channels_last = layout == LAYOUTS[1]
        self.pairs: list[Pair] = []

    # -- numbers ----------------------------------------------------------------------------------

    def batch(self, array: numpy.ndarray) -> Any:
        """(N, H, W, C) as PyTorch's (N, C, H, W), turned; anything else as it is."""
        if array.ndim == 4:
            array = array[:, ::-1, ::-1].transpose(0, 3, 1, 2)
        return self._placed(numpy.ascontiguousarray(array))

    def parameter(self, ours: tn.Tensor, name: str, change: Change | None = None) -> Any:
        """A weight of the twin, which starts as ours."""
        pair = Pair(name, ours, None, [change] if change else [])
        start = numpy.array(pair.turned(ours.data), order="C")  # a copy
        theirs = self.torch.nn.Parameter(self._placed(start))
        self.pairs.append(pair._replace(theirs=theirs))
        return theirs

    def draw_like(self, rng: numpy.random.Generator | None) -> None:
        """Noise is what this generator, and those of the layers, are going to draw from now on.

        They are left as they are.
        """
        self.rng, self.draws_as_ours = copy.deepcopy(rng), True

    def normal(self, like: Any) -> Any:
        """A number from N(0, 1) for each of `like`; tn.sample_gaussian draws them in float32."""
        if self.rng is None:
            return self.torch.randn_like(like)
        zeros = numpy.zeros(tuple(like.shape), numpy.float32)
        drawn = tn.sample_gaussian(zeros, zeros, self.rng).data
        return self.torch.from_numpy(drawn).to(like)

    def bits(self, p: Any) -> Any:
        """1 with probability p, otherwise 0, in the dtype of p."""
        if self.rng is None:
            return self.torch.bernoulli(p)
        drawn = tn.sample_bernoulli(p.cpu().numpy(), self.rng).data
        return self.torch.from_numpy(drawn).to(p)

    def _placed(self, array: numpy.ndarray) -> Any:
        tensor = self.torch.from_numpy(array).to(self.device)
        if tensor.ndim == 4 and self.channels_last:
            return tensor.contiguous(memory_format=self.torch.channels_last)
        return tensor

    def activations(self) -> dict[str, Callable[..., Any]]:
        torch = self.torch
        names = {"relu": torch.relu, "sigmoid": torch.sigmoid, "tanh": torch.tanh}
        return names | {"softplus": torch.nn.functional.softplus}

    # -- one layer each: its function, and what is known of what comes out ------------------------

    def _Dense(self, layer: layers.Dense, x: Value) -> tuple[Any, Value]:
        changes: list[Change] = [lambda w: w.T]  # Linear keeps (O, D)
        if x.order is not None:
            order = x.order
            changes.append(lambda w: w[:, order])
        start = len(self.pairs)
        weight = self._weight(layer, "kernel", *changes)
        bias = self._weight(layer, "bias") if layer.bias is not None else None
        maker = tuple(self.pairs[start:])
        linear = self.torch.nn.functional.linear
        return lambda h: linear(h, weight, bias), Value(
            0, (*x.shape[:-1], layer.units), None, maker
        )

    def _Conv2D(self, layer: layers.Conv2D, x: Value) -> tuple[Any, Value]:
        weight = self._weight(layer, "kernel", lambda w: w[::-1, ::-1].transpose(3, 2, 0, 1))
        bias = self._weight(layer, "bias") if layer.bias is not None else None
        conv2d = self.torch.nn.functional.conv2d
        return self._windows(
            layer,
            x,
            layer.kernel_size,
            lambda h, padding: conv2d(h, weight, bias, layer.strides, padding),
        )

    def _MaxPooling2D(self, layer: layers.MaxPooling2D, x: Value) -> tuple[Any, Value]:
        """Among equals ours takes the first, and so does the twin, which is the last of ours."""
        pool, size = self.torch.nn.functional.max_pool2d, layer.pool_size
        return self._windows(
            layer, x, size, lambda h, padding: pool(h, size, layer.strides, padding)
        )

    def _AveragePooling2D(self, layer: layers.AveragePooling2D, x: Value) -> tuple[Any, Value]:
        pool, size = self.torch.nn.functional.avg_pool2d, layer.pool_size
        return self._windows(
            layer,
            x,
            size,
            lambda h, padding: pool(h, size, layer.strides, padding, count_include_pad=False),
        )

    def _windows(
        self, layer: Any, x: Value, size: tuple[int, int], function: Callable[..., Any]
    ) -> tuple[Any, Value]:
        """function(h, padding) of the turned pictures, padded on all sides as PyTorch pads."""
        shape = layer.output_shape(x.shape)
        padding, unused = [0, 0], [0, 0]
        for i, (k, s) in enumerate(zip(size, layer.strides, strict=True)):
            missing = (shape[i] - 1) * s + k - x.shape[i]  # rows, for all windows to be full
            padding[i] = max(missing - missing // 2, 0)  # above, when turned: the larger half
            unused[i] = max(-missing, 0)  # above, when turned
            if (x.shape[i] - unused[i] + 2 * padding[i] - k) // s + 1 != shape[i]:
                raise NoTwin(
                    f"{self.name}: {layer.label}: PyTorch has no such padding. Write it by hand."
                )
        (top, left), around = unused, tuple(padding)
        if top or left:
            return lambda h: function(h[:, :, top:, left:], around), Value(0, shape)
        return lambda h: function(h, around), Value(0, shape)

    def _Conv2DTranspose(self, layer: layers.Conv2DTranspose, x: Value) -> tuple[Any, Value]:
        shape = layer.output_shape(x.shape)
        padding, more = [0, 0], [0, 0]
        for i, (k, s) in enumerate(zip(layer.kernel_size, layer.strides, strict=True)):
            cut = k - s if layer.padding == "same" else 0
            padding[i] = max(cut - cut // 2, 0)
            more[i] = shape[i] - ((x.shape[i] - 1) * s - 2 * padding[i] + k)
            if k < s or not 0 <= more[i] < s:
                raise NoTwin(
                    f"{self.name}: {layer.label}: PyTorch has no such padding. Write it by hand."
                )
        weight = self._weight(layer, "kernel", lambda w: w[::-1, ::-1].transpose(3, 2, 0, 1))
        bias = self._weight(layer, "bias") if layer.bias is not None else None
        grow = self.torch.nn.functional.conv_transpose2d
        settings = (layer.strides, tuple(padding), tuple(more))
        return lambda h: grow(h, weight, bias, *settings), Value(0, shape)

    def _BatchNormalization(self, layer: Any, x: Value) -> tuple[Any, Value]:
        if x.order is not None:
            raise NoTwin(f"{self.name}: {layer.label} after Flatten has no twin. Write it by hand.")
        weight, bias = (
            self._weight(layer, name) if getattr(layer, name) is not None else None
            for name in ("gamma", "beta")
        )
        mean, variance = (
            self._placed(moving.data.copy())
            for moving in (layer.moving_mean, layer.moving_variance)
        )
        normalize, momentum = self.torch.nn.functional.batch_norm, 1 - layer.momentum
        return (
            lambda h: normalize(h, mean, variance, weight, bias, True, momentum, layer.epsilon),
            Value(0, x.shape),
        )

    def _LeakyReLU(self, layer: layers.LeakyReLU, x: Value) -> tuple[Any, Value]:
        leaky_relu = self.torch.nn.functional.leaky_relu
        return lambda h: leaky_relu(h, layer.negative_slope), x

    def _Dropout(self, layer: layers.Dropout, x: Value) -> tuple[Any, Value]:
        drop, rate = self.torch.nn.functional.dropout, layer.rate
        rng = copy.deepcopy(layer.rng)

        def forward(h: Any) -> Any:
            if not self.draws_as_ours:
                return drop(h, rate)
            dtype: Any = str(h.dtype).removeprefix("torch.")
            ones = tn.Tensor(numpy.ones((len(h), *x.shape), dtype))
            factors = tn.dropout(ones, rate, rng).data  # 0, or what ours multiplies by
            if x.order is not None:
                factors = factors[:, x.order]
            return h * self.batch(factors)

        return forward, x._replace(maker=())  # its outputs keep the order in which they are dropped

    def _Flatten(self, layer: layers.Flatten, x: Value) -> tuple[Any, Value]:
        shape = layer.output_shape(x.shape)
        if len(x.shape) != 3:
            return lambda h: h.flatten(1), Value(0, shape, x.order)
        order = self._order(x.shape)
        if self.channels_last:  # so that nothing is copied
            return lambda h: h.permute(0, 2, 3, 1).flatten(1), Value(0, shape, order)
        return lambda h: h.flatten(1), Value(0, shape, order)

    def _Reshape(self, layer: layers.Reshape, x: Value) -> tuple[Any, Value]:
        shape = layer.output_shape(x.shape)
        if x.order is not None or (len(shape) == 3 and not (len(x.shape) == 1 and x.maker)):
            raise NoTwin(f"{self.name}: {layer.label} does not follow a Dense. Write it by hand.")
        if len(shape) != 3:
            return lambda h: h.reshape(len(h), *shape), Value(0, shape)
        order = self._order(shape)
        for pair in x.maker:  # its outputs come in the twin's order from now on
            pair.changes.append(lambda w: w[order])
            start = numpy.array(pair.turned(pair.ours.data), order="C")
            pair.theirs.data.copy_(self.torch.from_numpy(start))
        H, W, C = shape
        if self.channels_last:
            return lambda h: h.reshape(len(h), H, W, C).permute(0, 3, 1, 2), Value(0, shape)
        return lambda h: h.reshape(len(h), C, H, W), Value(0, shape)

    def _order(self, shape: tuple[int, ...]) -> numpy.ndarray:
        """Where each number of the twin's row is in ours, for a row that was a picture."""
        places = numpy.arange(numpy.prod(shape)).reshape(shape)[::-1, ::-1]  # (H, W, C)
        return (places if self.channels_last else places.transpose(2, 0, 1)).ravel()

    def _weight(self, layer: Any, name: str, *changes: Change) -> Any:
        def change(w: numpy.ndarray) -> numpy.ndarray:
            for one in changes:
                w = one(w)
            return w

        return self.parameter(getattr(layer, name), f"{layer.name}.{name}", change)
