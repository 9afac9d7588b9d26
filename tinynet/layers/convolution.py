"""Layers that slide kernels over pictures, and back."""

from __future__ import annotations

from typing import Any

from ..ops.activation import relu
from ..ops.convolution import conv2d, conv2d_transpose
from ..ops.windows import Padding, Pair, pair, windows
from ..shapes import written
from ..tensor import Tensor
from .arguments import no_pictures, pictures, whole
from .base import WithKernel


class Conv2D(WithKernel):
    """Slide `filters` kernels over pictures.  (N, H, W, C) -> (N, OH, OW, filters)

    kernel (KH, KW, C, filters), bias (filters,).
    strides: a number or (vertical, horizontal).  padding: "valid" (none) or "same" (zeros, so that
    OH = ceil(H / stride)); as for conv2d.  Further arguments as for WithKernel and Layer.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Pair,
        strides: Pair = 1,
        padding: Padding = "valid",
        activation: Any = None,
        **others: Any,
    ) -> None:
        super().__init__(activation, **others)
        self.filters = whole(self.label, "filters", filters)
        try:
            self.kernel_size = pair(kernel_size, "kernel_size")
            self.strides = pair(strides, "strides")
            self.check_padding(padding)
        except ValueError as error:
            raise self._named(error) from None
        self.padding: Any = padding

    def check_padding(self, padding: Padding) -> None:
        windows(no_pictures((1024, 1024, 1)), 1, 1, padding)

    def shape_after(self, shape: Any) -> Any:
        x = no_pictures(shape)
        return (*windows(x, self.kernel_size, self.strides, self.padding).output, self.filters)

    def create(self, shape: Any) -> None:
        self.make((*self.kernel_size, shape[2], self.filters), self.filters)

    def fits(self, shape: Any) -> None:
        C = self.kernel.shape[2]  # type: ignore[union-attr]
        if shape[-1] != C:
            raise ValueError(
                f"input {written(shape)} has {shape[-1]} channels, and its kernel takes {C}."
            )

    def forward(self, x: Tensor) -> Tensor:
        return self.slide(conv2d, x)

    def slide(self, operation: Any, x: Tensor) -> Tensor:
        """The operation with this layer's weights, and the activation: relu in the same pass."""
        fused = self.activation is relu
        y = operation(
            x, self.kernel, self.bias, stride=self.strides, padding=self.padding, relu=fused
        )
        return y if fused or self.activation is None else self.activation(y)


class Conv2DTranspose(Conv2D):
    """The way back of a Conv2D's shapes: pictures grow.  (N, H, W, C) -> (N, OH, OW, filters)

    kernel (KH, KW, filters, C), bias (filters,).
    padding: "same" gives OH = H * stride, "valid" (H - 1) * stride + KH, and as much as the stride
    where that is more than KH.  Further arguments as for Conv2D.
    """

    def check_padding(self, padding: Padding) -> None:
        if padding not in ("valid", "same"):
            raise ValueError(f'padding must be "valid" or "same", received {padding!r}.')

    def shape_after(self, shape: Any) -> Any:
        H, W, _ = pictures(shape)
        sizes = zip((H, W), self.kernel_size, self.strides, strict=True)
        grown = [n * s + (0 if self.padding == "same" else max(k - s, 0)) for n, k, s in sizes]
        return (*grown, self.filters)

    def create(self, shape: Any) -> None:
        self.make((*self.kernel_size, self.filters, shape[2]), self.filters)

    def fits(self, shape: Any) -> None:
        C = self.kernel.shape[3]  # type: ignore[union-attr]
        if shape[-1] != C:
            raise ValueError(
                f"input {written(shape)} has {shape[-1]} channels, and its kernel takes {C}."
            )

    def forward(self, x: Tensor) -> Tensor:
        return self.slide(conv2d_transpose, x)
