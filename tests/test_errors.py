"""Bad input, and what is said about it: where, what is wrong in symbols, what came, how to mend it.

One row for each: the whole message is read, as it is part of the interface.
"""

from __future__ import annotations

import math
import operator
import re

import numpy
import pytest

import tinynet as tn

RNG = numpy.random.default_rng(0)


def ones(*shape: int, dtype: str = "float32") -> numpy.ndarray:
    return numpy.ones(shape, dtype)


def weights(*shape: int) -> tn.Tensor:
    return tn.Tensor(ones(*shape), requires_grad=True)


def walked(loss: tn.Tensor) -> tn.Tensor:
    loss.backward()
    return loss


X = tn.Tensor(ones(2, 3))
PICTURES = tn.Tensor(ones(2, 7, 7, 3))
KERNEL = tn.Tensor(ones(3, 3, 3, 4))
ONE_EACH = ones(3)
STEPS = ones(2, 4, 3)  # of two sequences

UNEQUAL = (
    "the rows of the list have different lengths. Make them equal; for sequences, write x, mask = "
    "tn.data.padded(rows)."
)
PADDING = (
    'conv2d: padding must be "valid", "same", a number of pixels, (vertical, horizontal) or '
    "((top, bottom), (left, right)), at least 0, received "
)
TABLE = {
    # -- what is no tensor ------------------------------------------------------------------------
    "a word as data": (
        lambda: tn.Tensor("abc"),
        TypeError,
        "Tensor: 'abc' is not numbers. Give a number or a list of numbers.",
    ),
    "None as data": (
        lambda: tn.Tensor(None),
        TypeError,
        "Tensor: None is not numbers. Give a number or a list of numbers.",
    ),
    "a list with None in it": (
        lambda: tn.Tensor([1, None]),
        TypeError,
        "Tensor: [1, None] is not numbers. Give a number or a list of numbers.",
    ),
    "a ragged list": (
        lambda: tn.Tensor([[1, 2], [3]]),
        ValueError,
        "Tensor: " + UNEQUAL,
    ),
    "an array of sequences": (
        lambda: tn.Tensor(numpy.array([[1, 2], [3]], object)),
        TypeError,
        "Tensor: dtype object is not real numbers. Write x, mask = tn.data.padded(sequences).",
    ),
    "complex numbers": (
        lambda: tn.Tensor(numpy.array([1j])),
        TypeError,
        "Tensor: dtype complex128 is not real numbers. Give real numbers.",
    ),
    "a gradient of whole numbers": (
        lambda: tn.Tensor(numpy.arange(3), requires_grad=True),
        TypeError,
        "Tensor: int64 has no gradient. Use array.astype('float32').",
    ),
    "a tensor of a tensor": (
        lambda: tn.Tensor(X),
        TypeError,
        "Tensor: data is a Tensor already. Use it as it is, or its detach().",
    ),
    # -- operands ---------------------------------------------------------------------------------
    "plus a word": (
        lambda: X + "a",
        TypeError,
        "add: y is 'a'. Give a tensor, an array or numbers.",
    ),
    "plus None": (
        lambda: X + None,
        TypeError,
        "add: y is None. Give a tensor, an array or numbers.",
    ),
    "the exponential of None": (
        lambda: tn.exp(None),
        TypeError,
        "exp: x is None. Give a tensor, an array or numbers.",
    ),
    "less than None": (
        lambda: X < None,
        TypeError,
        "less: y is None. Give a tensor, an array or numbers.",
    ),
    "minus a ragged list": (
        lambda: X - [[1, 2], [3]],
        ValueError,
        "subtract: " + UNEQUAL,
    ),
    "float32 times float64": (
        lambda: X * ones(3, dtype="float64"),
        TypeError,
        "multiply: y is float64 and x is float32. Convert the array of y before it becomes a "
        'Tensor: array.astype("float32").',
    ),
    "shapes that do not broadcast": (
        lambda: X + ones(4),
        ValueError,
        "add: shapes (2, 3) and (4,) do not broadcast. Counted from the right, sizes must be equal "
        "or 1: reshape one of them.",
    ),
    "a condition that does not broadcast": (
        lambda: tn.where(ones(4) > 0, X, 0.0),
        ValueError,
        "where: shapes (4,), (2, 3) and () do not broadcast. Counted from the right, sizes must be "
        "equal or 1: reshape one of them.",
    ),
    "a comparison of shapes that do not broadcast": (
        lambda: operator.lt(X, ones(4)),
        ValueError,
        "less: shapes (2, 3) and (4,) do not broadcast. Counted from the right, sizes must be "
        "equal or 1: reshape one of them.",
    ),
    "matrices that do not fit": (
        lambda: X @ X,
        ValueError,
        "matmul: x (2, 3) @ w (2, 3): x has 3 columns and w has 2 rows. Make them equal: transpose "
        "or reshape one.",
    ),
    "a number that is no matrix": (
        lambda: X @ 2,
        ValueError,
        "matmul: a number has no matrix product. Use * instead.",
    ),
    "a condition that requires a gradient": (
        lambda: tn.where(weights(2), ones(2), ones(2)),
        TypeError,
        "where: no gradient flows to condition, and it requires one. Pass condition.detach(), "
        "unless the arguments are swapped.",
    ),
    "an index that requires a gradient": (
        lambda: X[weights(2)],
        TypeError,
        "getitem: no gradient flows to index, and it requires one. Pass index.detach(), unless the "
        "arguments are swapped.",
    ),
    "assignment to elements": (
        lambda: X.__setitem__(0, 1.0),
        TypeError,
        "setitem: tensors are not changed in place. Use tn.where, or tensor.data.",
    ),
    "assignment to a parameter": (
        lambda: weights(2).__isub__(0.1),
        TypeError,
        "subtract: the result would replace the leaf of shape (2,), which would get no gradient "
        "any more. Write w.data -= ..., or give the result another name.",
    ),
    "several elements as one truth": (
        lambda: bool(X > 0),
        ValueError,
        "bool: shape (2, 3) is neither true nor false. Use .data.any().",
    ),
    "several elements as one number": (
        lambda: float(X),
        ValueError,
        "item: (2, 3) is not one number. Use .mean() or .numpy().",
    ),
    "the length of a number": (
        lambda: len(tn.Tensor(1.0)),
        TypeError,
        "len: a tensor of shape () has no length.",
    ),
    "a number as a list": (
        lambda: list(tn.Tensor(1.0)),
        TypeError,
        "len: a tensor of shape () has no length.",
    ),
    "the mean of nothing": (
        lambda: tn.Tensor(ones(0, 3)).mean(axis=0),
        ValueError,
        "mean: shape (0, 3) has no elements to reduce. Check how it was made.",
    ),
    "a clip upside down": (
        lambda: tn.clip(X, 1, 0),
        ValueError,
        "clip: low must be at most high, received low=1, high=0.",
    ),
    "a clip without an end": (
        lambda: tn.clip(X, None, 1),
        ValueError,
        "clip: low must be a number, received None.",
    ),
    # -- joining and padding ----------------------------------------------------------------------
    "concatenate of a tensor": (
        lambda: tn.concatenate(X),
        TypeError,
        "concatenate: tensors is Tensor. Give a list of tensors, [x, y].",
    ),
    "stack of nothing": (
        lambda: tn.stack([]),
        ValueError,
        "stack: tensors is empty. Give a list of at least one tensor.",
    ),
    "a border for one axis of two": (
        lambda: tn.pad(X, [(1, 1)]),
        ValueError,
        "pad: widths must be 2 pairs (before, after) of at least 0 for shape (2, 3), received "
        "[(1, 1)].",
    ),
    "a border below zero": (
        lambda: tn.pad(X, [(0, 0), (1, -1)]),
        ValueError,
        "pad: widths must be 2 pairs (before, after) of at least 0 for shape (2, 3), received "
        "[(0, 0), (1, -1)].",
    ),
    "a border as one number": (
        lambda: tn.pad(X, 1),
        ValueError,
        "pad: widths must be 2 pairs (before, after) of at least 0 for shape (2, 3), received 1.",
    ),
    "a border of no kind": (
        lambda: tn.pad(X, [(1, 1), (1, 1)], mode="wrap"),
        ValueError,
        'pad: mode must be "constant", "edge", "symmetric" or "reflect", received \'wrap\'.',
    ),
    # -- backward ---------------------------------------------------------------------------------
    "backward on many elements": (
        lambda: (weights(2, 3) * 2).backward(),
        ValueError,
        "backward: shape (2, 3) is not one number. Use .sum(), or pass dy.",
    ),
    "backward twice": (
        lambda: walked((weights(2) * 2).sum()).backward(),
        RuntimeError,
        "backward: this graph was already used, up to the result of sum. Run the forward pass "
        "again, or add the losses that share it and call backward once.",
    ),
    "backward without a gradient": (
        lambda: X.sum().backward(),
        RuntimeError,
        "backward: nothing to differentiate. No tensor that this one was computed from was made "
        "with requires_grad=True, or it was computed under no_grad.",
    ),
    "second derivatives": (
        lambda: weights(1).sum().backward(create_graph=True),
        RuntimeError,
        "backward: a graph is walked once, for first derivatives. Leave create_graph and "
        "retain_graph out.",
    ),
    "an upstream gradient of another shape": (
        lambda: weights(2, 3).backward(ones(3)),
        ValueError,
        "backward: dy must have this tensor's shape (2, 3), float32, on cpu; received (3,), "
        "float32, on cpu.",
    ),
    "an upstream gradient of another dtype": (
        lambda: weights(3).backward(ones(3, dtype="int64")),
        ValueError,
        "backward: dy must have this tensor's shape (3,), float32, on cpu; received (3,), int64, "
        "on cpu.",
    ),
    "a word as upstream gradient": (
        lambda: weights(3).backward("ones"),
        TypeError,
        "backward: 'ones' is not numbers. Give a number or a list of numbers.",
    ),
    "a ragged upstream gradient": (
        lambda: weights(2, 2).backward([[1, 2], [3]]),
        ValueError,
        "backward: " + UNEQUAL,
    ),
    "an upstream gradient that requires one": (
        lambda: weights(3).backward(weights(3)),
        TypeError,
        "backward: no gradient flows to dy, and it requires one. Pass dy.detach(), unless the "
        "arguments are swapped.",
    ),
    # -- devices ----------------------------------------------------------------------------------
    "a device that does not exist": (
        lambda: X.to("tpu"),
        ValueError,
        'to: there is no device \'tpu\'. The devices are "cpu" and "gpu".',
    ),
    "no device": (
        lambda: X.to(None),
        ValueError,
        'to: there is no device None. The devices are "cpu" and "gpu".',
    ),
    # -- linear -----------------------------------------------------------------------------------
    "inputs of another size": (
        lambda: tn.linear(ones(2, 3), ones(4, 5)),
        ValueError,
        "linear: x (2, 3) and w (4, 5) do not fit: (..., D) and (D, O), with one "
        "D. Transpose or reshape one of them.",
    ),
    "weights of three axes": (
        lambda: tn.linear(ones(2, 3), ones(3, 5, 1)),
        ValueError,
        "linear: x (2, 3) and w (3, 5, 1) do not fit: (..., D) and (D, O), with one "
        "D. Transpose or reshape one of them.",
    ),
    "a bias for other outputs": (
        lambda: tn.linear(ones(2, 3), ones(3, 5), ones(3)),
        ValueError,
        "linear: the bias has shape (3,), and must be (5,).",
    ),
    # -- convolution ------------------------------------------------------------------------------
    "a kernel of no size": (
        lambda: tn.conv2d(PICTURES, ones(0, 3, 3, 4)),
        ValueError,
        "conv2d: the kernel has shape (0, 3, 3, 4), and must be (KH, KW, C, O), each at least 1.",
    ),
    "a kernel of three axes": (
        lambda: tn.conv2d(PICTURES, ones(3, 3, 3)),
        ValueError,
        "conv2d: the kernel has shape (3, 3, 3), and must be (KH, KW, C, O), each at least 1.",
    ),
    "a kernel for other channels": (
        lambda: tn.conv2d(PICTURES, ones(3, 3, 1, 4)),
        ValueError,
        "conv2d: input (N, 7, 7, 3) has 3 channels, and the kernel (3, 3, 1, 4) takes 1. "
        "Make the kernel (3, 3, 3, 4).",
    ),
    "pictures with the channels first": (
        lambda: tn.conv2d(ones(2, 3, 7, 7), KERNEL),
        ValueError,
        "conv2d: input (N, 3, 7, 7) has 7 channels, and the kernel (3, 3, 3, 4) takes 3. Pictures "
        "are channels-last, (N, H, W, C): use x.transpose(0, 2, 3, 1).",
    ),
    "a bias for other channels": (
        lambda: tn.conv2d(PICTURES, KERNEL, ones(3)),
        ValueError,
        "conv2d: the bias has shape (3,), and must be (4,).",
    ),
    "a stride of zero": (
        lambda: tn.conv2d(PICTURES, KERNEL, stride=0),
        ValueError,
        "conv2d: stride must be a whole number of at least 1 or a pair of them, received 0.",
    ),
    "half a stride": (
        lambda: tn.conv2d(PICTURES, KERNEL, stride=1.5),
        ValueError,
        "conv2d: stride must be a whole number of at least 1 or a pair of them, received 1.5.",
    ),
    "a padding of no kind": (
        lambda: tn.conv2d(PICTURES, KERNEL, padding="full"),
        ValueError,
        PADDING + "'full'.",
    ),
    "a padding below zero": (
        lambda: tn.conv2d(PICTURES, KERNEL, padding=(1, -1)),
        ValueError,
        PADDING + "(1, -1).",
    ),
    "pictures smaller than the kernel": (
        lambda: tn.conv2d(ones(2, 2, 2, 3), KERNEL),
        ValueError,
        "conv2d: input (N, 2, 2, C) is smaller than the window (3, 3). Use "
        "padding='same', a smaller window, or one pooling less.",
    ),
    "one gray picture": (
        lambda: tn.conv2d(ones(7, 7), KERNEL),
        ValueError,
        "conv2d: x has shape (7, 7), and pictures are (N, H, W, C). One picture (H, W, C) "
        "is x[None]; a gray one, (H, W), is x[None, :, :, None].",
    ),
    "None as pictures": (
        lambda: tn.conv2d(None, KERNEL),
        TypeError,
        "conv2d: x is None. Give a tensor, an array or numbers.",
    ),
    "windows of no size": (
        lambda: tn.im2col(PICTURES, 0),
        ValueError,
        "im2col: size must be a whole number of at least 1 or a pair of them, received 0.",
    ),
    # -- transposed convolution and upsampling ----------------------------------------------------
    "a transposed kernel of three axes": (
        lambda: tn.conv2d_transpose(PICTURES, ones(3, 3, 3)),
        ValueError,
        "conv2d_transpose: the kernel has shape (3, 3, 3), and must be (KH, KW, O, C), each at "
        "least 1.",
    ),
    "a transposed kernel for other channels": (
        lambda: tn.conv2d_transpose(PICTURES, ones(2, 2, 5, 4)),
        ValueError,
        "conv2d_transpose: input (N, 7, 7, 3) has 3 channels, and the kernel (2, 2, 5, 4) takes 4. "
        "Make the kernel (2, 2, 5, 3).",
    ),
    "a kernel of conv2d in its transpose": (
        lambda: tn.conv2d_transpose(PICTURES, KERNEL),
        ValueError,
        "conv2d_transpose: input (N, 7, 7, 3) has 3 channels, and the kernel (3, 3, 3, 4) takes 4. "
        "Here kernels are (KH, KW, O, C), with C last: use w.transpose(0, 1, 3, 2).",
    ),
    "a transposed bias for other channels": (
        lambda: tn.conv2d_transpose(PICTURES, ones(2, 2, 5, 3), ones(3)),
        ValueError,
        "conv2d_transpose: the bias has shape (3,), and must be (5,).",
    ),
    "a transposed padding in pixels": (
        lambda: tn.conv2d_transpose(PICTURES, ones(2, 2, 5, 3), padding=1),
        ValueError,
        'conv2d_transpose: padding must be "valid" or "same", received 1.',
    ),
    "a transposed stride of zero": (
        lambda: tn.conv2d_transpose(PICTURES, ones(2, 2, 5, 3), stride=(1, 0)),
        ValueError,
        "conv2d_transpose: stride must be a whole number of at least 1 or a pair of them, received "
        "(1, 0).",
    ),
    "a gray picture to a transposed convolution": (
        lambda: tn.conv2d_transpose(ones(4, 4), KERNEL),
        ValueError,
        "conv2d_transpose: x has shape (4, 4), and pictures are (N, H, W, C). One picture "
        "(H, W, C) is x[None]; a gray one, (H, W), is x[None, :, :, None].",
    ),
    "pictures without pixels": (
        lambda: tn.upsample2d(ones(2, 0, 4, 3)),
        ValueError,
        "upsample2d: input (2, 0, 4, 3) has no pixels.",
    ),
    "half an upsampling": (
        lambda: tn.upsample2d(PICTURES, 0.5),
        ValueError,
        "upsample2d: size must be a whole number of at least 1 or a pair of them, received 0.5.",
    ),
    "an interpolation of no kind": (
        lambda: tn.upsample2d(PICTURES, interpolation="bicubic"),
        ValueError,
        'upsample2d: interpolation must be "nearest" or "bilinear", received \'bicubic\'.',
    ),
    # -- pooling ----------------------------------------------------------------------------------
    "a gray picture to pooling": (
        lambda: tn.average_pool2d(ones(4, 4)),
        ValueError,
        "average_pool2d: x has shape (4, 4), and pictures are (N, H, W, C). One picture (H, W, C) "
        "is x[None]; a gray one, (H, W), is x[None, :, :, None].",
    ),
    "a pool of no size": (
        lambda: tn.max_pool2d(PICTURES, (2, 0)),
        ValueError,
        "max_pool2d: size must be a whole number of at least 1 or a pair of them, received (2, 0).",
    ),
    "a word as size": (
        lambda: tn.sum_pool2d(PICTURES, "2"),
        ValueError,
        "sum_pool2d: size must be a whole number of at least 1 or a pair of them, received '2'.",
    ),
    "a stride below zero": (
        lambda: tn.l2_pool2d(PICTURES, 2, stride=-1),
        ValueError,
        "l2_pool2d: stride must be a whole number of at least 1 or a pair of them, received -1.",
    ),
    "a border as wide as the window": (
        lambda: tn.min_pool2d(PICTURES, 2, padding=2),
        ValueError,
        "min_pool2d: padding=2 must be smaller than the window (2, 2), or some windows would see "
        "nothing but border.",
    ),
    "pictures smaller than the pool": (
        lambda: tn.max_pool2d(PICTURES, 9),
        ValueError,
        "max_pool2d: input (N, 7, 7, C) is smaller than the window (9, 9). "
        "Use padding='same', a smaller window, or one pooling less.",
    ),
    # -- noise and batch-norm ---------------------------------------------------------------------
    "a dropout of everything": (
        lambda: tn.dropout(X, 1.0, RNG),
        ValueError,
        "dropout: rate must be in [0, 1), received 1.0. It is the share to drop.",
    ),
    "a seed as dropout generator": (
        lambda: tn.dropout(X, 0.5, 0),
        TypeError,
        "dropout: rng is int. Give a generator, numpy.random.default_rng(0).",
    ),
    "a dropout mask of another shape": (
        lambda: tn.dropout(X, 0.5, RNG, mask_shape=(2, 2)),
        ValueError,
        "dropout: mask_shape must have, for each axis of x (2, 3), its size or 1; received (2, 2).",
    ),
    "a dropout mask with too few axes": (
        lambda: tn.dropout(X, 0.5, RNG, mask_shape=(2,)),
        ValueError,
        "dropout: mask_shape must have, for each axis of x (2, 3), its size or 1; received (2,).",
    ),
    "a number as dropout mask": (
        lambda: tn.dropout(X, 0.5, RNG, mask_shape=2),
        ValueError,
        "dropout: mask_shape must have, for each axis of x (2, 3), its size or 1; received 2.",
    ),
    "noise below zero": (
        lambda: tn.gaussian_noise(X, -0.1, RNG),
        ValueError,
        "gaussian_noise: std must be at least 0 and finite, received -0.1.",
    ),
    "a seed as noise generator": (
        lambda: tn.gaussian_noise(X, 0.5, 0),
        TypeError,
        "gaussian_noise: rng is int. Give a generator, numpy.random.default_rng(0).",
    ),
    "batch-norm of one example": (
        lambda: tn.batch_norm(ones(1, 3), ONE_EACH, ONE_EACH, training=True),
        ValueError,
        "batch_norm: x (1, 3) has 1 value(s) a channel, and a variance needs at least 2. Give a "
        "larger batch (of data.batches, drop_last=True), or training=False.",
    ),
    "batch-norm of a vector": (
        lambda: tn.batch_norm(ONE_EACH, ONE_EACH, ONE_EACH, training=True),
        ValueError,
        "batch_norm: x has shape (3,), and must be (..., C), a batch.",
    ),
    "batch-norm for other channels": (
        lambda: tn.batch_norm(X, ones(2), ONE_EACH, training=True),
        ValueError,
        "batch_norm: x (2, 3) has 3 channels, and gamma has shape (2,). It must be (3,), one "
        "number for each channel.",
    ),
    "batch-norm without statistics": (
        lambda: tn.batch_norm(X, ONE_EACH, ONE_EACH),
        ValueError,
        "batch_norm: inference needs moving_mean and moving_variance. Give them, or training=True.",
    ),
    "batch-norm with statistics in float64": (
        lambda: tn.batch_norm(X, ONE_EACH, ONE_EACH, numpy.zeros(3), ONE_EACH),
        TypeError,
        "batch_norm: x is float32 and moving_mean is float64. Convert the array, "
        'array.astype("float32").',
    ),
    "batch-norm momentum": (
        lambda: tn.batch_norm(X, ONE_EACH, ONE_EACH, training=True, momentum=1.5),
        ValueError,
        "batch_norm: momentum must be in [0, 1], received 1.5.",
    ),
    "batch-norm epsilon": (
        lambda: tn.batch_norm(X, ONE_EACH, ONE_EACH, training=True, epsilon=0),
        ValueError,
        "batch_norm: epsilon must be positive and finite, received 0.",
    ),
    "layer-norm for other channels": (
        lambda: tn.layer_norm(X, ONE_EACH, ones(2)),
        ValueError,
        "layer_norm: x (2, 3) has 3 channels, and beta has shape (2,). It must be (3,), one "
        "number for each channel.",
    ),
    "group-norm of a vector": (
        lambda: tn.group_norm(ONE_EACH, ONE_EACH, ONE_EACH, groups=1),
        ValueError,
        "group_norm: x has shape (3,), and must be (..., C), a batch.",
    ),
    "group-norm in groups that do not divide": (
        lambda: tn.group_norm(X, ONE_EACH, ONE_EACH, groups=2),
        ValueError,
        "group_norm: 3 channels do not make 2 equal groups. Give groups=1, or another number that "
        "divides 3.",
    ),
    "group-norm in no group": (
        lambda: tn.group_norm(X, ONE_EACH, ONE_EACH, groups=0),
        ValueError,
        "group_norm: groups must be a whole number of at least 1, received 0.",
    ),
    "layer-norm epsilon": (
        lambda: tn.layer_norm(X, ONE_EACH, ONE_EACH, epsilon=-1),
        ValueError,
        "layer_norm: epsilon must be positive and finite, received -1.",
    ),
    # -- losses -----------------------------------------------------------------------------------
    "a loss of several outputs": (
        lambda: tn.mse((X, X), X),
        TypeError,
        "mse: prediction is a tuple of 2 tensors. Choose or stack.",
    ),
    "a loss of unequal shapes": (
        lambda: tn.mse(ones(5), ones(5, 1)),
        ValueError,
        "mse: prediction (5,) and target (5, 1) have different shapes. Broadcasting them would "
        "compare what does not belong together: reshape one.",
    ),
    "an empty batch": (
        lambda: tn.cross_entropy(ones(0, 3), ones(0, dtype="int64")),
        ValueError,
        "cross_entropy: the batch is empty: there is no loss of no examples.",
    ),
    "an empty batch of pairs": (
        lambda: tn.mse(ones(0, 3), ones(0, 3)),
        ValueError,
        "mse: the batch is empty: there is no loss of no examples.",
    ),
    "a reduction of no kind": (
        lambda: tn.mse(X, X, reduction="average"),
        ValueError,
        'mse: reduction must be "mean", "sum" or "none", received \'average\'.',
    ),
    "a probability above 1": (
        lambda: tn.bce([0.5, 1.5], [1.0, 1.0]),
        ValueError,
        "bce: probability must be in [0, 1], and holds 1.5. For logits use bce_with_logits.",
    ),
    "a target that is NaN": (
        lambda: tn.bce([0.5], [math.nan]),
        ValueError,
        "bce: target must be in [0, 1], and holds nan.",
    ),
    "a target of -1": (
        lambda: tn.bce_with_logits([2.0], [-1.0]),
        ValueError,
        "bce_with_logits: target must be in [0, 1], and holds -1.",
    ),
    "a picture of bytes as probabilities": (
        lambda: tn.bernoulli_log_likelihood(X, 255 * X),
        ValueError,
        "bernoulli_log_likelihood: x must be in [0, 1], and holds 255. Pictures of bytes are "
        "divided by 255.",
    ),
    "a likelihood of other pictures": (
        lambda: tn.bernoulli_log_likelihood(ones(2, 4), X),
        ValueError,
        "bernoulli_log_likelihood: logits (2, 4) and x (2, 3) have different shapes. Broadcasting "
        "them would compare what does not belong together: reshape one.",
    ),
    "a likelihood of one number": (
        lambda: tn.gaussian_log_likelihood(1.0, 2.0),
        ValueError,
        "gaussian_log_likelihood: there is one number. Give examples (N, ...): reshape(1, -1) for "
        "one.",
    ),
    "a variance for each column": (
        lambda: tn.gaussian_log_likelihood(X, X, ONE_EACH),
        ValueError,
        "gaussian_log_likelihood: x (2, 3) and log_var (3,) do not fit. Give one number, or "
        "(2, 3).",
    ),
    "a KL of codes of unequal sizes": (
        lambda: tn.kl_standard_normal(X, ones(2, 4)),
        ValueError,
        "kl_standard_normal: mean (2, 3) and log_var (2, 4) have different shapes. Broadcasting "
        "them would compare what does not belong together: reshape one.",
    ),
    "a KL of no codes": (
        lambda: tn.kl_standard_normal(ones(0, 2), ones(0, 2)),
        ValueError,
        "kl_standard_normal: the batch is empty: there is no loss of no examples.",
    ),
    "a KL reduced in no way": (
        lambda: tn.kl_standard_normal(X, X, reduction="batchmean"),
        ValueError,
        'kl_standard_normal: reduction must be "mean", "sum" or "none", received \'batchmean\'.',
    ),
    "a seed as generator of codes": (
        lambda: tn.sample_gaussian(X, X, 0),
        TypeError,
        "sample_gaussian: rng is int. Give a generator, numpy.random.default_rng(0).",
    ),
    "codes of unequal sizes": (
        lambda: tn.sample_gaussian(X, ones(2, 4), RNG),
        ValueError,
        "sample_gaussian: mean (2, 3) and log_var (2, 4) have different shapes. Broadcasting them "
        "would compare what does not belong together: reshape one.",
    ),
    "a label too large": (
        lambda: tn.cross_entropy(X, [0, 3]),
        ValueError,
        "cross_entropy: labels must be in [0, 3) for logits (2, 3), received 0 to 3.",
    ),
    "a label below zero": (
        lambda: tn.cross_entropy(X, [-1, 2]),
        ValueError,
        "cross_entropy: labels must be in [0, 3) for logits (2, 3), received -1 to 2. Where -1 is "
        "padding, give mask=labels >= 0.",
    ),
    "labels below zero that differ": (
        lambda: tn.cross_entropy(X, [-1, -2]),
        ValueError,
        "cross_entropy: labels must be in [0, 3) for logits (2, 3), received -2 to -1.",
    ),
    "a label below zero and one too large": (
        lambda: tn.cross_entropy(X, [-1, 3]),
        ValueError,
        "cross_entropy: labels must be in [0, 3) for logits (2, 3), received -1 to 3.",
    ),
    "a label below zero that counts": (
        lambda: tn.cross_entropy(X, [-1, -2], mask=[True, False]),
        ValueError,
        "cross_entropy: labels must be in [0, 3) where mask is True, received -1 to -1.",
    ),
    "a mask by its place": (
        lambda: tn.cross_entropy(X, [0, 1], numpy.array([True, False])),
        TypeError,
        "cross_entropy: reduction is an array. Give a mask by its name, mask=mask.",
    ),
    "lengths as a mask": (
        lambda: tn.cross_entropy(STEPS, ones(2, 4, dtype="int64"), mask=[3, 4]),
        TypeError,
        "cross_entropy: mask holds int64, and must be booleans. From lengths, write "
        "numpy.arange(4) < lengths[:, None].",
    ),
    "one label a sequence": (
        lambda: tn.cross_entropy(STEPS, [0, 1]),
        ValueError,
        "cross_entropy: logits (2, 4, 3) and labels (2,) do not fit. Labels must be integers of "
        "shape (2, 4), or one-hot of shape (2, 4, 3). For one label a sequence, give the last "
        "recurrent layer return_sequences=False; without one, a Flatten is missing.",
    ),
    "a mask of numbers": (
        lambda: tn.cross_entropy(X, [0, 1], mask=[0, 1]),
        TypeError,
        "cross_entropy: mask holds int64, and must be booleans. Write mask == 1.",
    ),
    "a mask of another shape": (
        lambda: tn.cross_entropy(X, [0, 1], mask=[[True, True]]),
        ValueError,
        "cross_entropy: mask must be (2,) for logits (2, 3), one for each label, received (1, 2).",
    ),
    "a mask that lets nothing through": (
        lambda: tn.cross_entropy(X, [0, 1], mask=[False, False]),
        ValueError,
        "cross_entropy: mask is False everywhere: there is no loss of no examples.",
    ),
    "masked labels for another batch": (
        lambda: tn.cross_entropy(X, [0, 1, 2], mask=[True, True]),
        ValueError,
        "cross_entropy: logits (2, 3) and labels (3,) do not fit. Labels must be integers of shape "
        "(2,), or one-hot of shape (2, 3).",
    ),
    "class numbers as floats": (
        lambda: tn.cross_entropy(X, [0.0, 1.0]),
        TypeError,
        "cross_entropy: labels are float64, and class numbers are integers. Give an array of "
        "integers, array.astype(int); a list that became a Tensor is float32.",
    ),
    "labels for another batch": (
        lambda: tn.cross_entropy(X, [0, 1, 2]),
        ValueError,
        "cross_entropy: logits (2, 3) and labels (3,) do not fit. Labels must be integers of shape "
        "(2,), or one-hot of shape (2, 3).",
    ),
    "a Flatten that is missing": (
        lambda: tn.cross_entropy(PICTURES, [0, 1]),
        ValueError,
        "cross_entropy: logits (2, 7, 7, 3) and labels (2,) do not fit. Labels must be integers of "
        "shape (2, 7, 7), or one-hot of shape (2, 7, 7, 3). For one label a picture, a Flatten is "
        "missing before the last layer.",
    ),
    "one-hot labels that are NaN": (
        lambda: tn.cross_entropy(X, numpy.full((2, 3), math.nan)),
        ValueError,
        "cross_entropy: labels hold NaN. Check how they were loaded.",
    ),
    "several classes at once": (
        lambda: tn.cross_entropy(X, ones(2, 3)),
        ValueError,
        "cross_entropy: labels (..., K) must be one-hot, or at least 0 with sum 1 in every row, "
        "and some row is not. For logits and 0/1 labels of several classes use bce_with_logits.",
    ),
    # -- sequences --------------------------------------------------------------------------------
    "CTC of one sequence": (
        lambda: tn.ctc_loss(ones(4, 3), [[1]]),
        ValueError,
        "ctc_loss: logits must be (N, T, K), a number for each class at each step, received "
        "(4, 3). Give one sequence a batch axis: logits[None].",
    ),
    "CTC of no steps": (
        lambda: tn.ctc_loss(ones(2, 0, 3), [[1], [2]]),
        ValueError,
        "ctc_loss: logits must be (N, T, K), a number for each class at each step, received "
        "(2, 0, 3).",
    ),
    "CTC of no examples": (
        lambda: tn.ctc_loss(ones(0, 4, 3), ones(0, 2, dtype="int64")),
        ValueError,
        "ctc_loss: the batch is empty: there is no loss of no examples.",
    ),
    "CTC labels one behind the other": (
        lambda: tn.ctc_loss(STEPS, [1, 2]),
        ValueError,
        "ctc_loss: logits (2, 4, 3) and labels (2,) do not fit. Labels must be (N, S), a row for "
        "each of the 2 examples.",
    ),
    "CTC labels for another batch": (
        lambda: tn.ctc_loss(STEPS, [[1, 2]]),
        ValueError,
        "ctc_loss: logits (2, 4, 3) and labels (1, 2) do not fit. Labels must be (N, S), a row for "
        "each of the 2 examples.",
    ),
    "ragged CTC labels": (
        lambda: tn.ctc_loss(STEPS, [[1], [2, 1]]),
        ValueError,
        "ctc_loss: the rows of labels have different lengths. Write labels, mask = "
        "tn.data.padded(labels), and give label_lengths=mask.sum(axis=1).",
    ),
    "CTC labels as floats": (
        lambda: tn.ctc_loss(STEPS, [[1.0], [2.0]]),
        TypeError,
        "ctc_loss: labels are float64, and class numbers are integers. Give an array of integers, "
        "array.astype(int); a list that became a Tensor is float32.",
    ),
    "CTC labels as booleans": (
        lambda: tn.ctc_loss(STEPS, [[True], [True]]),
        TypeError,
        "ctc_loss: labels are bool, and class numbers are integers. Give an array of integers, "
        "array.astype(int); a list that became a Tensor is float32.",
    ),
    "logits in the place of probabilities": (
        lambda: tn.sample_bernoulli([0.5, 3.0], RNG),
        ValueError,
        "sample_bernoulli: p must be in [0, 1], and holds 3. Of logits give tn.sigmoid(logits).",
    ),
    "bits that a gradient should flow through": (
        lambda: tn.sample_bernoulli(weights(1), RNG),
        TypeError,
        "sample_bernoulli: the input of shape (1,) requires a gradient, and its pullback is None. "
        "Return a tuple with a function for each input; where no gradient flows, pass x.detach().",
    ),
    "a CTC label too large": (
        lambda: tn.ctc_loss(STEPS, [[1, 2], [2, 3]]),
        ValueError,
        "ctc_loss: labels must be in [0, 3) for logits (2, 4, 3), received 1 to 3.",
    ),
    "a CTC label too large, among padding": (
        lambda: tn.ctc_loss(STEPS, [[9, 9], [4, 9]], label_lengths=[0, 1]),
        ValueError,
        "ctc_loss: labels must be in [0, 3) for logits (2, 4, 3), received 4 to 4.",
    ),
    "padding in CTC labels": (
        lambda: tn.ctc_loss(STEPS, [[1, 2], [2, -1]]),
        ValueError,
        "ctc_loss: labels must be in [0, 3) for logits (2, 4, 3), received -1 to 2. Where -1 is "
        "padding, give label_lengths=(labels >= 0).sum(axis=1).",
    ),
    "blank in a CTC label": (
        lambda: tn.ctc_loss(STEPS, [[0, 1], [2, 0]], blank=2),
        ValueError,
        "ctc_loss: the label of example 1 holds 2, which is blank. Give that class another number; "
        "where 2 is padding, give label_lengths=(labels != 2).sum(axis=1).",
    ),
    "a CTC label that is too long": (
        lambda: tn.ctc_loss(STEPS, [[1, 2, 1], [2, 1, 2]], [4, 2]),
        ValueError,
        "ctc_loss: the label of example 1 has length 3 and needs 3 steps; its input has 2. Give a "
        "longer input, or leave the example out.",
    ),
    "a CTC label with too many repeats": (
        lambda: tn.ctc_loss(STEPS, [[1, 2, 1], [2, 2, 2]]),
        ValueError,
        "ctc_loss: the label of example 1 has length 3 and needs 5 steps, a blank between equal "
        "neighbors too; its input has 4. Give a longer input, or leave the example out.",
    ),
    "more CTC steps than there are": (
        lambda: tn.ctc_loss(STEPS, [[1], [2]], [4, 5]),
        ValueError,
        "ctc_loss: logit_lengths must be from 1 to 4, received 4 to 5.",
    ),
    "a CTC label of negative length": (
        lambda: tn.ctc_loss(STEPS, [[1], [2]], label_lengths=[-1, 1]),
        ValueError,
        "ctc_loss: label_lengths must be from 0 to 1, received -1 to 1.",
    ),
    "CTC lengths as floats": (
        lambda: tn.ctc_loss(STEPS, [[1], [2]], [4.0, 4.0]),
        ValueError,
        "ctc_loss: logit_lengths must be 2 integers, one for each example, received (2,) float64.",
    ),
    "one CTC length for all": (
        lambda: tn.ctc_loss(STEPS, [[1], [2]], label_lengths=1),
        ValueError,
        "ctc_loss: label_lengths must be 2 integers, one for each example, received () int64.",
    ),
    "blank counted from the end": (
        lambda: tn.ctc_loss(STEPS, [[1], [2]], blank=-1),
        ValueError,
        "ctc_loss: blank must be a whole number from 0 to 2, received -1. It is the number of a "
        "class.",
    ),
    "decoding one sequence": (
        lambda: tn.ctc_decode(ones(4, 3)),
        ValueError,
        "ctc_decode: logits must be (N, T, K), a number for each class at each step, received "
        "(4, 3). Give one sequence a batch axis: logits[None].",
    ),
    "attention to another number of values": (
        lambda: tn.attention(STEPS, STEPS, ones(2, 3, 3)),
        ValueError,
        "attention: query (2, 4, 3), key (2, 4, 3) and value (2, 3, 3) do not fit. They must be "
        "(N, Q, D), (N, S, D) and (N, S, V), S and D at least 1.",
    ),
    "attention in two dtypes": (
        lambda: tn.attention(STEPS, ones(2, 4, 3, dtype="float64"), STEPS),
        TypeError,
        "attention: key is float64 and query is float32. Convert the array of key before it "
        'becomes a Tensor: array.astype("float32").',
    ),
    "an attention mask of numbers": (
        lambda: tn.attention(STEPS, STEPS, STEPS, ones(2, 4)),
        TypeError,
        "attention: mask holds float32, and must be booleans. Write mask == 1.",
    ),
    "an attention mask of another shape": (
        lambda: tn.attention(STEPS, STEPS, STEPS, ones(4, 4) > 0),
        ValueError,
        "attention: mask must be (2, 4) or (2, 4, 4), received (4, 4).",
    ),
    "an example without a place to look at": (
        lambda: tn.attention(STEPS, STEPS, STEPS, numpy.arange(8).reshape(2, 4) < 4),
        ValueError,
        "attention: mask is False everywhere for each query of example 1. There must be a place to "
        "look at.",
    ),
    "a query without a place to look at": (
        lambda: tn.attention(STEPS, STEPS, STEPS, numpy.arange(32).reshape(2, 4, 4) < 20),
        ValueError,
        "attention: mask is False everywhere for query 1 of example 1. There must be a place to "
        "look at.",
    ),
    # -- optimizers, data, gradcheck --------------------------------------------------------------
    "nothing to train": (
        lambda: tn.optim.SGD([], lr=0.1),
        ValueError,
        "SGD: there are no parameters. Give at least one Tensor with requires_grad=True.",
    ),
    "a step size of zero": (
        lambda: tn.optim.SGD([weights(1)], lr=0),
        ValueError,
        "SGD: lr must be positive and finite, received 0.",
    ),
    "a momentum of 1": (
        lambda: tn.optim.SGD([weights(1)], lr=0.1, momentum=1),
        ValueError,
        "SGD: momentum must be in [0, 1), received 1.",
    ),
    "batches of no examples": (
        lambda: tn.data.batches(ones(0, 3)),
        ValueError,
        "batches: the arrays hold no examples. Check how they were loaded.",
    ),
    "more labels than pictures": (
        lambda: tn.data.batches(ones(3, 2), ones(4)),
        ValueError,
        "batches: the arrays hold 3 and 4 examples. They must be equally many, one label for each "
        "picture.",
    ),
    "a gradient check of whole numbers": (
        lambda: tn.gradcheck(tn.exp, numpy.arange(3)),
        ValueError,
        "gradcheck: no input is floating, so there is no gradient to check.",
    ),
    "a gradient check with a seed": (
        lambda: tn.gradcheck(tn.exp, 1.0, rng=0),
        TypeError,
        "gradcheck: rng is int. Give a generator, numpy.random.default_rng(0).",
    ),
}


def message_of(call, error: type[Exception]) -> str:
    with pytest.raises(error) as caught:
        call()
    assert type(caught.value) is error
    return str(caught.value)


@pytest.mark.parametrize("row", TABLE)
def test_bad_input_is_answered_with_the_right_error_and_the_whole_message(row):
    call, error, message = TABLE[row]
    assert message_of(call, error) == message


def test_every_message_begins_with_where_and_ends_a_sentence():
    for _, _, message in TABLE.values():
        assert re.fullmatch(r"[A-Za-z_0-9]+: \S.*\.", message)


# What NumPy says well enough is passed on, with the operation's name in front.
PASSED_ON = {
    "reshape": (lambda: X.reshape(4, 2), ValueError, "has 6 elements, which do not fill"),
    "sum": (lambda: X.sum(axis=3), ValueError, "axis 3 is out of bounds for array of dimension 2"),
    "transpose": (lambda: X.transpose(0, 0), ValueError, "repeated axis"),
    "getitem": (lambda: X[5], IndexError, "index 5 is out of bounds for axis 0 with size 2"),
    "softmax": (lambda: tn.softmax(X, axis=4), ValueError, "axis 4 is out of bounds"),
    "concatenate": (lambda: tn.concatenate([X, ones(2, 4)]), ValueError, "must match exactly"),
    "stack": (lambda: tn.stack([X, ONE_EACH]), ValueError, "differ. Only equal ones are stacked"),
    "flip": (lambda: tn.flip(X, 5), ValueError, "axis 5 is out of bounds"),
}


@pytest.mark.parametrize("name", PASSED_ON)
def test_what_numpy_says_gets_the_name_of_the_operation(name):
    call, error, message = PASSED_ON[name]
    with pytest.raises(error, match=rf"^{name}: .*{message}"):
        call()


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("exp", lambda: tn.exp()),
        ("exp", lambda: tn.exp(X, X)),
        ("conv2d", lambda: tn.conv2d(PICTURES)),
        ("conv2d", lambda: tn.conv2d(w=KERNEL)),
        ("relu", lambda: tn.relu(X, slope=1)),
        ("dropout", lambda: tn.dropout(X, 0.5)),
        ("sum", lambda: X.sum(axes=0)),
    ],
    ids=["nothing", "too much", "no w", "no x", "unknown setting", "no rng", "misspelt"],
)
def test_a_call_with_the_wrong_arguments_is_a_type_error_that_names_the_operation(name, call):
    with pytest.raises(TypeError, match=rf"^{name}: .*argument"):
        call()


def test_a_number_that_a_small_dtype_cannot_hold_is_named_with_the_operation():
    with pytest.raises(ValueError, match=r"^add: .*300.*uint8"):
        tn.Tensor(ones(2, dtype="uint8")) + 300


@pytest.mark.parametrize("index", [1.5, "a", slice("a", 2), (0, slice(None, "b"))], ids=repr)
def test_an_index_that_is_none_says_where_once(index):
    with pytest.raises((IndexError, TypeError), match=r"^getitem: (?!getitem)"):
        X[index]


def test_an_error_of_another_kind_inside_an_operation_is_left_alone():
    @tn.differentiable
    def broken(x):
        raise KeyError("on purpose")

    with pytest.raises(KeyError, match="on purpose"):
        broken(X)


def test_the_traceback_leads_into_the_operation():
    with pytest.raises(ValueError, match="mse") as caught:
        tn.mse(ones(5), ones(5, 1))
    assert any("loss.py" in str(entry.path) for entry in caught.traceback)


@pytest.mark.parametrize(
    ("mix", "message"),
    [
        (
            lambda there: tn.Tensor(ones(3), name="bias") + there,
            "add: x 'bias' is on cpu and y 'w' is on gpu. Move one of them, with .to(\"cpu\") or "
            '.to("gpu").',
        ),
        (
            lambda there: there * ones(3),
            "multiply: x 'w' is on gpu and y is on cpu. Move one of them, with .to(\"gpu\") or "
            '.to("cpu").',
        ),
        (
            lambda there: tn.cross_entropy(ones(3), there),
            "cross_entropy: logits is on cpu and labels 'w' is on gpu. Move one of them, with "
            '.to("cpu") or .to("gpu").',
        ),
        (
            lambda there: tn.layers.Embedding(5, 2, rng=RNG).build((3,))(there),
            "Embedding: the input is on gpu and embeddings is on cpu. Move one of them, with "
            '.to("gpu") or .to("cpu").',
        ),
        (
            lambda there: weights(3).backward(there),
            "backward: dy must have this tensor's shape (3,), float32, on cpu; received (3,), "
            "float32, on gpu.",
        ),
    ],
    ids=["two tensors", "a tensor and an array", "labels", "indices", "upstream gradient"],
)
def test_two_devices_in_one_operation_are_named_with_the_tensors(pretended_gpu, mix, message):
    there = tn.Tensor(ones(3), name="w", device="gpu")
    assert message_of(lambda: mix(there), ValueError) == message
