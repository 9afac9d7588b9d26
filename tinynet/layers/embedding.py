"""Embedding: a row of numbers for each word, class or time step."""

from __future__ import annotations

import functools
from typing import Any

import numpy

from ..devices import Array, check, kernels, xp
from ..engine.inputs import same_device
from ..engine.tensor import Tensor
from ..messages.arguments import boolean, whole
from ..messages.mistakes import warn
from ..models.parts import trial
from ..models.symbols import is_symbolic
from . import init
from .base import Layer


class Embedding(Layer):
    """The row of a trained table that each index names.  (N, ...) integers -> (N, ..., output_dim)

    embeddings (input_dim, output_dim).  A row gets the sum of the gradients of all its places.

    input_dim: how many rows there are; an index is in [0, input_dim).
    output_dim: the numbers in a row.
    embeddings_initializer: a name or a function (shape, rng) -> array; "uniform" is in
        [-0.05, 0.05].
    mask_zero: whether index 0 is padding.  In a Sequential or a Model the recurrent layers after it
        leave it out; elsewhere give them mask=.
    ValueError for an index out of range, TypeError for indices that are not integers.
    """

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: Any = "uniform",
        mask_zero: bool = False,
        **common: Any,
    ) -> None:
        super().__init__(**common)
        self.input_dim = whole(self.label, "input_dim", input_dim)
        self.output_dim = whole(self.label, "output_dim", output_dim)
        where = f"{self.label}: embeddings_initializer"
        self.embeddings_initializer = init.initializer(embeddings_initializer, where)
        self.mask_zero = boolean(self.label, "mask_zero", mask_zero)
        self.embeddings: Any = None

    def shape_after(self, shape: Any) -> Any:
        return (*shape, self.output_dim)

    def create(self, shape: Any) -> None:
        table = (self.input_dim, self.output_dim)
        self.embeddings = self.draw("embeddings", self.embeddings_initializer, table)

    def _arranged(self, x: Any) -> Any:
        """A list of integers stays integers; elsewhere a list becomes float32."""
        arranged = super()._arranged(x)
        return Tensor(numpy.asarray(x)) if isinstance(x, list | tuple) else arranged

    def __call__(self, x: Any, *more: Any, **given: Any) -> Any:
        if self.mask_zero and not (self._in_model or is_symbolic(x) or trial.get()):
            x = self._arranged(x)
            text = (
                f"{self.label}: mask_zero=True does nothing where the layer is called by itself: "
                "only a Sequential or a Model hands the mask on. Leave it out, and give the layers "
                "after it mask=x != 0."
            )
            check(self.label, (x.data != 0).all(), lambda facts: warn(text), warning=True)
        return super().__call__(x, *more, **given)

    @property
    def makes_mask(self) -> bool:  # type: ignore[override]
        return self.mask_zero

    def with_mask(self, x: Any, mask: Any) -> tuple[Any, Any]:
        if not self.mask_zero:
            return super().with_mask(x, mask)
        x = self._arranged(x)
        return super().__call__(x), None if trial.get() else x.data != 0

    def forward(self, x: Tensor) -> Tensor:
        return self.embeddings[self._indices(x.data)]

    def _indices(self, x: Array) -> Array:
        same_device(("the input", "embeddings"), (x, self.embeddings.data))
        if x.dtype.kind not in "iu":
            if not trial.get():
                raise TypeError(
                    f"indices are {x.dtype}, and must be integers. Give array.astype(int); a list "
                    "that became a Tensor is float32."
                )
            return xp(x).zeros(x.shape, int)
        if x.size:
            fine, facts = kernels(x).labels_inside(x, self.input_dim)
            error = functools.partial(_out_of_range, self.input_dim, self.mask_zero)
            check(self.label, fine, error, facts)
        return x


def _out_of_range(rows: int, mask_zero: bool, facts: Any) -> ValueError:
    """facts: the least index, the most, and one number more."""
    least, most, _ = map(int, facts)
    wrong = most if most >= rows else least
    cure = "Count indices from 0, or give a larger input_dim."
    if mask_zero:
        cure = "0 is padding, and words count from 1: input_dim is their number + 1."
    return ValueError(
        f"index {wrong} is out of range: there are {rows} rows, 0 to {rows - 1}. {cure}"
    )
