"""The first batch of a training: warnings of what is hardly meant, each with its cure.

Each rule is silent where it could be meant.  Nothing is looked at after the first batch.
"""

from __future__ import annotations

import math
from typing import Any

import numpy

from ..data.batches import Batches
from ..devices import move
from ..engine.tensor import Tensor
from ..layers.activation import Activation
from ..layers.embedding import Embedding
from ..layers.normalization import Normalization
from ..messages.mistakes import warn
from ..models.module import Module, inference
from ..ops.loss import cross_entropy
from .checks import LOSSES, arrays_of


def look_at_first_batch(run: Any, x: Any, target: Any, outputs: Any) -> None:
    """Warn of inputs, a target or labels that are hardly what was meant.  run: the Run."""
    look_at_pixels(run.model, x)
    look_at_gradients(run.model)
    look_at_words(run.model, x)
    if run.loss is cross_entropy:
        look_at_logits(outputs)
        look_at_padding(run.model, x, outputs)
    if run.loss in LOSSES.values():  # another loss may scale the outputs
        look_at_range(outputs, target)
    look_at_labels(run.data, outputs, target)


def look_at_schedule(optimizer: Any, epochs: int, batches: int | None) -> None:
    """A schedule that counts epochs, as PyTorch's do: at 0 after as many steps."""
    lr, batches = optimizer._lr, batches or 0
    if callable(lr) and epochs and batches > 1 and lr(epochs - 1) > 0 == lr(epochs):
        warn(
            f"fit: the learning rate is 0 after {epochs} of {epochs * batches:,} steps. A schedule "
            "counts batches: steps=epochs * len(data)."
        )


# -- pictures that were not scaled -----------------------------------------------------------------


def look_at_pixels(model: Module, x: Any) -> None:
    """Pictures (N, H, W, C), or whole numbers (N, D), in [0, 255]."""
    arrays = arrays_of(x)
    if len(arrays) != 1 or arrays[0].dtype.kind not in "fiu" or not arrays[0].size:
        return
    (a,) = arrays
    flat = a.ndim == 2 and a.shape[1] >= 64 and not (a % 1).any()
    if (a.ndim == 4 or flat) and 64 < a.max() <= 255 and a.min() >= 0 and not _may_scale(model):
        warn(
            f"fit: the inputs reach {float(a.max()):g}. Scale pictures to [0, 1]: "
            'x.astype("float32") / 255.'
        )


def _may_scale(model: Module) -> bool:
    """Whether something before the first kernel may scale the inputs: code of the person's own."""
    for part in model.modules():
        if isinstance(part, Activation | Embedding | Normalization):
            return True
        if not type(part).__module__.startswith("tinynet."):
            return True
        if hasattr(part, "kernel"):
            return False
    return True


# -- what the loss does not reach ------------------------------------------------------------------


def look_at_gradients(model: Module) -> None:
    """Parameters that the first backward() has given no gradient."""
    left = [name for name, p in model.named_parameters() if p.grad is None]
    if left:
        names = ", ".join(left[:3]) + (", ..." if len(left) > 3 else "")
        warn(
            f"fit: {names} got no gradient. In forward use tn. functions: .numpy(), .data and "
            ".detach() cut the gradient. What is not to be trained: layer.trainable = False."
        )


def look_at_logits(outputs: Any) -> None:
    """Logits that an activation has cut: those of relu are 0 or above."""
    if not isinstance(outputs, Tensor) or outputs.ndim != 2 or len(outputs) < LEAST:
        return
    y = outputs.data
    cut = outputs.operation if outputs.operation in ("sigmoid", "tanh") else ""
    if y.min() == 0 < y.max() and (y == 0).mean() > 0.05:
        cut = "relu"
    if cut:
        warn(
            f"fit: cross_entropy takes logits, and the outputs have been through {cut}. Leave the "
            "activation of the last layer out."
        )


# -- sequences -------------------------------------------------------------------------------------


def look_at_mask(x: Any, target: Any) -> None:
    """Batches (x, labels, mask).  Asked before the model is called, which may fail."""
    if not isinstance(x, list) or not hasattr(target, "shape"):
        return
    labels, mask = arrays_of([x[-1], target])
    fits = mask.dtype.kind == "b" and labels.dtype.kind in "iu" and labels.shape == mask.shape
    if fits and not mask.all():
        warn(
            "fit: the last array of a batch is the target, and here it is a mask. Leave it out: it "
            "goes into the loss, lambda o, q: tn.cross_entropy(o, q, mask=q != "
            f"{int(labels[~mask][0])})."
        )


def look_at_words(model: Module, x: Any) -> None:
    """Zeros between words, which mask_zero takes for padding."""
    if not any(vars(part).get("mask_zero") for part in model.modules()):
        return
    for words in arrays_of(x):
        if words.dtype.kind in "iu" and words.ndim == 2:
            here = words != 0
            begins = here[:, 0].astype(int) + (here[:, 1:] & ~here[:, :-1]).sum(axis=1)
            if (begins > 1).any():
                warn(
                    "fit: a 0 stands between words, and mask_zero=True takes it for padding. Count "
                    "words from 1, and fill up with 0 at the end."
                )


def look_at_padding(model: Module, x: Any, outputs: Any) -> None:
    """Outputs of every step, some of which is padding, for a loss without a mask."""
    if not model.makes_mask or not isinstance(outputs, Tensor) or outputs.ndim < 3:
        return
    with inference():
        mask = model.with_mask(x, None)[1]
    if mask is not None and not mask.all():
        warn(
            "fit: the loss counts the steps that are padding too. Give it their mask: lambda o, q: "
            "tn.cross_entropy(o, q, mask=q != 0), where 0 is the padding of the target."
        )


# -- a target that the outputs cannot reach --------------------------------------------------------

RANGES = {"sigmoid": (0, 1), "softmax": (0, 1), "tanh": (-1, 1), "relu": (0, math.inf)}
SLACK = 0.5  # by how much a target with noise on it may go beyond


def look_at_range(outputs: Any, target: Any) -> None:
    """A target of the outputs' shape, outside what their last operation gives."""
    if not isinstance(outputs, Tensor) or outputs.operation not in RANGES:
        return
    arrays = arrays_of(target)
    if len(arrays) != 1 or arrays[0].shape != outputs.shape or not outputs.size:
        return
    least, most = float(arrays[0].min()), float(arrays[0].max())
    low, high = RANGES[outputs.operation]
    if least < low - SLACK or most > high + SLACK:
        end = "1]" if high == 1 else "infinity)"
        warn(
            f"fit: the target goes from {least:g} to {most:g}, and the outputs of a "
            f"{outputs.operation} stay in [{low}, {end}. Scale the target, or leave the "
            f"{outputs.operation} out."
        )


# -- labels of one class, or sorted ----------------------------------------------------------------

LEAST = 32  # labels that say something


def look_at_labels(data: Any, outputs: Any, target: Any) -> None:
    """Class numbers (N,) that are all equal, or sorted."""
    if not isinstance(outputs, Tensor) or outputs.ndim != 2 or outputs.shape[1] < 2:
        return
    whole = isinstance(data, Batches)
    labels = move(data.arrays[-1], "cpu") if whole else move(arrays_of(target)[0], "cpu")
    if labels.ndim != 1 or labels.dtype.kind not in "iu" or len(labels) < LEAST:
        return
    if whole:
        look_at_all_labels(labels, shuffled=data.rng is not None or len(data) == 1)
    elif not hasattr(data, "__len__") or len(data) > 1:
        look_at_some_labels(labels, outputs.shape[1])


def look_at_all_labels(labels: numpy.ndarray, shuffled: bool) -> None:
    """The labels of all examples."""
    if (labels == labels[0]).all():
        warn(
            f"fit: all {len(labels):,} labels are {labels[0]}. Give examples of several classes: "
            "from labels of one class, a model learns to say nothing else."
        )
    elif not shuffled and _are_sorted(labels):
        warn(
            "fit: the labels are sorted, and the batches are not shuffled. Shuffle: "
            "tn.data.batches(..., rng=numpy.random.default_rng(0))."
        )


def look_at_some_labels(labels: numpy.ndarray, classes: int) -> None:
    """The labels of the first batch, where the others are not known.

    Silent for two classes all equal (one may be rare), for all classes in their order (drawn so),
    and for a rare one at the end (by chance).
    """
    found, counts = numpy.unique(labels, return_counts=True)
    if 2 < classes > len(found) and counts.min() >= 4 and _are_sorted(labels):
        they_are = "sorted" if len(found) > 1 else f"all {labels[0]}, as where they are sorted"
        warn(
            f"fit: the labels of the first batch are {they_are}. Shuffle: "
            "tn.data.batches(x, labels, rng=numpy.random.default_rng(0))."
        )


def _are_sorted(labels: numpy.ndarray) -> bool:
    return bool((labels[1:] >= labels[:-1]).all())
