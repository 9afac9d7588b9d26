"""Connectionist temporal classification (CTC): labels are known, but not their places in time.

The network gives a number to each class at each step, and to one class more, blank: "nothing new".
A path is a class for each step.  It reads as a label once repeats are merged and blanks are left
out: with - as blank, the path "a a - a b b" reads "a a b".  The probability of a label is the sum
over all paths that read so.

Source: Graves et al., "Connectionist Temporal Classification", 2006.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy

from ..devices import Array, check, kernels, xp
from ..engine.inputs import as_array
from ..engine.tensor import Tensor, differentiable
from ..messages.arguments import whole
from ..messages.names import explained
from .activation import log_softmax_of
from .loss import check_class_numbers, reduce, takes_logits
from .masks import only_counted

NEVER = -1e300  # the logarithm of 0, but finite: -inf - -inf would be NaN


@takes_logits("softmax", "Leave softmax out of the model.")
@differentiable
def ctc_loss(
    logits,
    labels: Array,
    logit_lengths: Any = None,
    label_lengths: Any = None,
    blank: int = 0,
    reduction: str = "mean",
):
    """Mean over the examples of -log p(label): p sums over all paths that read as the label.

    (N, T, K), (N, S) -> ()

    labels: integers in [0, K) without blank, padded to S numbers, for example by tn.data.padded.
    logit_lengths, label_lengths: integers (N,): how many of the T steps and of the S numbers are
        data; None: all.  What stands behind them may be anything, and gets no gradient.  A label
        of length 0 is read from blanks alone.
    blank: the class of blank.  0 is the default of Keras, TensorFlow 2 and PyTorch: the other
        classes count from 1.
    reduction="sum" or "none": the sum over the examples, or each loss, (N,).

    The mean is over the examples, as in Keras; PyTorch divides each loss by the length of its label
    before.  The gradient is softmax(logits) - posterior.  The posterior of a class at a step is the
    probability of all paths that read as the label and are in that class then, divided by p.

    ValueError for a label that its steps cannot hold (between two equal numbers stands a blank),
    labels or lengths out of range, or shapes that do not fit; TypeError for labels that are no
    integers.  Where logits of -inf exclude the label, the loss is infinite, its gradient NaN.
    """
    steps, sizes, labels = _checked(logits, labels, logit_lengths, label_lengths, blank)
    where, exp, arange = xp(logits).where, xp(logits).exp, xp(logits).arange
    (N, T, _), dtype = logits.shape, logits.dtype
    states = xp(logits).full((N, 2 * labels.shape[1] + 1), blank)  # a blank around each number
    states[:, 1::2] = labels
    place = arange(states.shape[1])
    ends = (place == 2 * sizes[:, None]) | (place == 2 * sizes[:, None] - 1)  # (N, 2 S + 1)
    inside = (arange(T) < steps[:, None])[..., None]  # (N, T, 1)

    # float64, since the logarithms of many steps add up to large numbers.
    log_p = log_softmax_of(where(inside, logits, 0).astype(numpy.float64))
    path = arange(N)[:, None], arange(T)[:, None, None], states  # (T, N, 2 S + 1) places in log_p
    scores = xp(logits).maximum(log_p[path], NEVER)
    begins = xp(logits).zeros(scores.shape, bool)
    begins[0, :, :2] = True
    forward = _walk(scores, states, begins)
    log_label = _log_sum(where(ends, forward[steps - 1, arange(N)], NEVER), axis=1)  # (N,)
    excluded = log_label < NEVER / 2
    losses = where(excluded, math.inf, -log_label).astype(dtype)
    loss, share = reduce(lambda losses: losses, (losses,), reduction)

    def dx(dy):
        begins = xp(dy).zeros(scores.shape, bool)
        begins[steps - 1, arange(N)] = ends
        turned = slice(None, None, -1), slice(None), slice(None, None, -1)
        backward = _walk(scores[turned], states[:, ::-1], begins[turned])[turned]
        log_all = where(excluded, math.nan, log_label)[:, None]
        posterior = exp(forward + backward - scores - log_all)  # both walks hold the score
        slopes = exp(log_p)
        kernels(slopes).add_at(slopes, path, -posterior)
        return ((dy * share)[..., None, None] * where(inside, slopes, 0)).astype(dtype)

    return loss, dx


def _walk(scores: Array, states: Array, begins: Array) -> Array:
    """The logarithm of the summed probability of all ways to each state at each step.

    A way stays in its state, goes to the next one, or skips a blank between two different classes.

    scores: log p of each state at each step, (T, N, L).  states: their classes, (N, L).
    begins: where a way may begin, (T, N, L).  -> (T, N, L), with the score of the state itself
    """
    skips = xp(states).zeros(states.shape, bool)
    skips[:, 2:] = states[:, 2:] != states[:, :-2]  # False for a blank: two before is a blank too
    T, N, L = scores.shape
    ways = xp(scores).full((T, N, L + 2), NEVER)  # with two states in front, where no way begins
    for t in range(T):
        before = ways[t - 1]  # for t = 0 the last ones, which are still NEVER
        skipped = xp(scores).where(skips, before[:, :-2], NEVER)
        now = _log_sum(xp(scores).stack((before[:, 2:], before[:, 1:-1], skipped)), axis=0)
        ways[t, :, 2:] = xp(scores).where(begins[t], 0, now) + scores[t]
    return ways[:, :, 2:]


def _log_sum(x: Array, axis: int) -> Array:
    """log(sum(exp(x))) along axis."""
    top = x.max(axis=axis, keepdims=True)
    total = xp(x).exp(x - top).sum(axis=axis, keepdims=True)
    return (top + xp(x).log(total)).squeeze(axis)


@explained
def ctc_decode(logits: Any, blank: int = 0, logit_lengths: Any = None) -> list[list[int]]:
    """What the best path reads: the largest logit of each step, repeats merged, blanks left out.

    (N, T, K) -> N lists of class numbers

    blank, logit_lengths: as for ctc_loss.  Another label may still be more probable: its paths are
    each less probable than the best one, but there may be more of them.
    """
    lengths = logit_lengths.data if isinstance(logit_lengths, Tensor) else logit_lengths
    try:
        array = logits.data if isinstance(logits, Tensor) else as_array(logits)
        steps = _checked_steps("ctc_decode", array, lengths, blank)
    except (ValueError, TypeError) as error:
        raise type(error)(f"ctc_decode: {error}") from None
    best = array.argmax(axis=2)
    read = (best != blank) & (xp(array).arange(best.shape[1]) < steps[:, None])
    read[:, 1:] &= best[:, 1:] != best[:, :-1]
    return [row[here].tolist() for row, here in zip(best, read, strict=True)]


# -- checks ----------------------------------------------------------------------------------------


def _checked(
    logits: Array, labels: Any, logit_lengths: Any, label_lengths: Any, blank: int
) -> tuple[Array, Array, Array]:
    """The steps (N,), the sizes of the labels (N,), and the labels (N, S) padded with blank."""
    steps = _checked_steps("ctc_loss", logits, logit_lengths, blank)
    N, _, K = logits.shape
    try:
        labels = xp(logits).asarray(labels)
    except ValueError:
        raise ValueError(
            "the rows of labels have different lengths. Write labels, mask = "
            "tn.data.padded(labels), and give label_lengths=mask.sum(axis=1)."
        ) from None
    if labels.ndim != 2 or len(labels) != N:
        raise ValueError(
            f"logits {logits.shape} and labels {labels.shape} do not fit. Labels must be (N, S), a "
            f"row for each of the {N} examples."
        )
    S = labels.shape[1]
    labels = labels if S else labels.astype(numpy.int64)  # an empty list is of floats
    sizes = _lengths("ctc_loss", "label_lengths", label_lengths, N, 0, S, logits)
    inside = xp(logits).arange(S) < sizes[:, None]  # (N, S)
    padded = xp(logits).where(inside, labels, xp(logits).full_like(labels, blank))
    counted = only_counted(padded, inside)
    padding = "give label_lengths=(labels >= 0).sum(axis=1)"
    check_class_numbers("ctc_loss", counted, K, f" for logits {logits.shape}", padding=padding)
    blanks = (inside & (labels == blank)).any(axis=1)
    check("ctc_loss", ~blanks.any(), functools.partial(_holds_blank, blank), blanks)
    needed = sizes + (inside[:, 1:] & (labels[:, 1:] == labels[:, :-1])).sum(axis=1)
    facts = xp(logits).stack((sizes, needed, steps))
    check("ctc_loss", (needed <= steps).all(), _too_long, facts)
    return steps, sizes, padded


def _holds_blank(blank: int, blanks: Any) -> ValueError:
    return ValueError(
        f"the label of example {numpy.argmax(blanks)} holds {blank}, which is blank. Give that "
        f"class another number; where {blank} is padding, give "
        f"label_lengths=(labels != {blank}).sum(axis=1)."
    )


def _too_long(facts: Any) -> ValueError:
    sizes, needed, steps = numpy.asarray(facts)
    i = (needed > steps).argmax()
    blanks_too = ", a blank between equal neighbors too" if needed[i] > sizes[i] else ""
    return ValueError(
        f"the label of example {i} has length {sizes[i]} and needs {needed[i]} steps{blanks_too}; "
        f"its input has {steps[i]}. Give a longer input, or leave the example out."
    )


def _checked_steps(operation: str, logits: Array, lengths: Any, blank: int) -> Array:
    """How many steps of each example count, (N,)."""
    if logits.ndim != 3 or 0 in logits.shape[1:]:
        cure = " Give one sequence a batch axis: logits[None]." if logits.ndim == 2 else ""
        raise ValueError(
            f"logits must be (N, T, K), a number for each class at each step, received "
            f"{logits.shape}.{cure}"
        )
    N, T, K = logits.shape
    whole("", "blank", blank, 0, K - 1, "It is the number of a class.")
    return _lengths(operation, "logit_lengths", lengths, N, 1, T, logits)


def _lengths(
    operation: str, name: str, lengths: Any, N: int, least: int, most: int, logits: Array
) -> Array:
    """Lengths (N,) in [least, most]; `most` for all if there are none."""
    if lengths is None:
        return xp(logits).full(N, most)
    lengths = xp(logits).asarray(lengths)
    if lengths.shape != (N,) or lengths.dtype.kind not in "iu":
        raise ValueError(
            f"{name} must be {N} integers, one for each example, received {lengths.shape} "
            f"{lengths.dtype}."
        )
    check(
        operation,
        ((lengths >= least) & (lengths <= most)).all(),
        lambda lengths: ValueError(
            f"{name} must be from {least} to {most}, received {min(lengths)} to {max(lengths)}."
        ),
        lengths,
    )
    return lengths.astype(numpy.int64)
