"""The timed classifiers: the lessons' convolutional networks for digits, clothes and photographs.

All are trained with the cross-entropy of their logits, mean over the batch.  All have dropout: to
be compared, the twin drops what the model drops.
"""

from __future__ import annotations

from typing import Any

import numpy

import tinynet as tn
from lessons import parts
from tinynet.layers import Conv2D, Dense, Dropout, Flatten, MaxPooling2D

from .in_torch import Twin
from .work import Loss, Work, start

KEPT = 0.5  # of fc1, as in the lesson's training


def mnist_low_level(batch: int) -> Work:
    """The TF1 network from single operations, on bare tensors; the twin's is made of layers."""
    lesson = parts("mnist_low_level")
    weights, rng = lesson.model(start()), start()
    same: Any = tn.Sequential(
        [
            Conv2D(32, 5, padding="same", activation="relu", name="conv1"),
            MaxPooling2D(2),
            Conv2D(64, 5, padding="same", activation="relu", name="conv2"),
            MaxPooling2D(2),
            Flatten(),
            Dense(1024, activation="relu", name="fc1"),
            Dropout(1 - KEPT, name="dropout"),
            Dense(10, name="fc2"),
        ],
        input_shape=(28, 28, 1),
        rng=start(),
    )
    for layer in same.layers:
        if f"W_{layer.name}" in weights:
            layer.kernel, layer.bias = weights[f"W_{layer.name}"], weights[f"b_{layer.name}"]
        elif layer.name == "dropout":
            layer.rng = rng

    def ours(x: tn.Tensor, labels: tn.Tensor) -> tn.Tensor:
        return tn.cross_entropy(lesson.network(x, weights, KEPT, rng)[0], labels)

    x, labels = tn.data.digits(batch, start())
    return _cross_entropy(same, x, labels)._replace(ours=ours)


def mnist(batch: int) -> Work:
    """With batch normalization."""
    return _cross_entropy(parts("mnist").model(start()), *tn.data.digits(batch, start()))


def fashion(batch: int) -> Work:
    return _cross_entropy(parts("fashion").model(start()), *tn.data.clothes(batch, start()))


def cifar(batch: int) -> Work:
    return _cross_entropy(parts("cifar").model(start()), *tn.data.color_pictures(batch, start()))


def _cross_entropy(network: tn.Module, pictures: numpy.ndarray, labels: numpy.ndarray) -> Work:
    def theirs(twin: Twin) -> Loss:
        module, loss = twin.module(network), twin.torch.nn.functional.cross_entropy
        return lambda x, labels: loss(module(x), labels)

    return Work(
        network,
        (pictures.astype(numpy.float32) / 255, labels),
        lambda x, labels: tn.cross_entropy(network(x), labels),
        theirs,
        loss="cross-entropy",
    )
