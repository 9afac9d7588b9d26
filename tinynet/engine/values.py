"""What can be read off a tensor: its shape, its numbers, its text.  Nothing here computes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy

from ..devices import Array, device_of, move
from ..messages.engine import html_of, no_attribute, text_of


class Values:
    """The side of a tensor that looks like an array.  Tensor adds the side that is recorded."""

    __slots__ = ()

    data: Array
    requires_grad: bool
    name: str | None
    operation: str

    @property
    def shape(self) -> tuple[int, ...]:
        return self.data.shape

    @property
    def ndim(self) -> int:
        return self.data.ndim

    @property
    def size(self) -> int:
        return self.data.size

    @property
    def dtype(self) -> Any:
        return self.data.dtype

    @property
    def device(self) -> str:
        return device_of(self.data)

    @property
    def label(self) -> str:
        """How errors call this tensor: by its name, or by its shape."""
        return repr(self.name) if self.name else f"of shape {self.shape}"

    def __repr__(self) -> str:
        return text_of(self)

    def _repr_html_(self) -> str | None:  # in a notebook
        return html_of(self)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len: a tensor of shape () has no length.")
        return self.shape[0]

    def __bool__(self) -> bool:
        if self.size != 1:
            raise ValueError(
                f"bool: shape {self.shape} is neither true nor false. Use .data.any()."
            )
        return bool(self.data)

    def __format__(self, form: str) -> str:
        """f"{loss:.3f}" formats the number of a tensor of one element."""
        return format(self.item(), form) if form else repr(self)

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    if not TYPE_CHECKING:  # type checkers know the names

        def __getattr__(self, name: str) -> Any:
            """What to write in the place of x.view(), and of a misspelt name."""
            raise no_attribute(self, name)

    def __dlpack__(self, **settings: Any) -> Any:
        return self.__array__(copy=False).__dlpack__(**settings)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.data.__dlpack_device__()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> numpy.ndarray:
        if self.requires_grad:
            raise TypeError("asarray: NumPy would drop the gradient. Use tensor.numpy().")
        return self.numpy().astype(dtype or self.dtype, copy=bool(copy))

    def numpy(self) -> numpy.ndarray:
        """The values as a NumPy array on the host, cut from the graph."""
        return move(self.data, "cpu")

    def tolist(self) -> Any:
        """The values as nested lists of Python numbers; of one number, the number."""
        return self.numpy().tolist()

    def item(self) -> float:
        """The value of a tensor of one element, as a Python number."""
        if self.size != 1:
            raise ValueError(f"item: {self.shape} is not one number. Use .mean() or .numpy().")
        return self.numpy().item()
