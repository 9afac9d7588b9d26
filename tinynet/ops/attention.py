"""Attention: a query looks at several places, and takes more from where its key fits better."""

from __future__ import annotations

import math
from typing import Any

import numpy

from ..devices import check
from ..engine.inputs import settle
from ..engine.tensor import Tensor
from ..messages.engine import located
from ..messages.names import explained
from .activation import softmax
from .arithmetic import where
from .linear import matmul
from .masks import as_mask


@explained
def attention(
    query: Any, key: Any, value: Any, mask: Any = None, return_weights: bool = False
) -> Any:
    """softmax(query key^T / sqrt(D)) value: for each query, a mean of the values.

    (N, Q, D), (N, S, D), (N, S, V) -> (N, Q, V)

    A value counts more where the product of its key and the query is larger.  Divided by sqrt(D),
    products of numbers from N(0, 1) have variance 1 for every D.
    mask: booleans, True where a query may look: (N, S), for all queries alike, or (N, Q, S).
    return_weights: whether to return (result, weights): weights (N, Q, S), with sum 1 for each
        query.

    Source: Vaswani et al., "Attention Is All You Need", 2017, where it is called scaled dot-product
    attention.  ValueError for shapes that do not fit, or a query that may look nowhere.
    """
    given = [x if isinstance(x, Tensor) else Tensor(x) for x in (query, key, value)]
    query, key, value = given
    try:
        settle([x.data for x in given], ("query", "key", "value"), given, integers=True)
        _check_shapes(query.shape, key.shape, value.shape)
        if mask is not None:
            mask = _checked_mask(mask, query, key)
            if mask.shape[1] == 1:  # no query looks there: it may be anything, even NaN
                key, value = (where(mask[:, 0, :, None], x, 0.0) for x in (key, value))
    except (ValueError, TypeError) as error:
        raise located("attention", (), error) from None
    scores = matmul(query, key.transpose(0, 2, 1)) / math.sqrt(query.shape[2])  # (N, Q, S)
    if mask is not None:
        scores = where(mask, scores, -math.inf)
    weights = softmax(scores)
    y = matmul(weights, value)
    return (y, weights) if return_weights else y


def _check_shapes(query: tuple, key: tuple, value: tuple) -> None:
    fits = len(query) == len(key) == len(value) == 3 and query[0] == key[0] == value[0]
    if not fits or query[2] != key[2] or key[1] != value[1] or 0 in key[1:]:
        raise ValueError(
            f"query {query}, key {key} and value {value} do not fit. They must be (N, Q, D), "
            "(N, S, D) and (N, S, V), S and D at least 1."
        )


def _checked_mask(mask: Any, query: Tensor, key: Tensor) -> Any:
    """The mask, (N, 1, S) or (N, Q, S)."""
    (N, Q, _), S = query.shape, key.shape[1]
    mask = as_mask(mask, query.data, (N, S), (N, Q, S), name="query")
    seeing = mask.any(axis=-1)
    check("attention", seeing.all(), _blind, seeing)
    return mask if mask.ndim == 3 else mask[:, None, :]


def _blind(seeing: Any) -> ValueError:
    n, *q = numpy.argwhere(~numpy.asarray(seeing))[0]
    who = f"query {q[0]}" if q else "each query"
    return ValueError(
        f"mask is False everywhere for {who} of example {n}. There must be a place to look at."
    )
