"""Layers that slide kernels over pictures, and the transpose of that."""

from __future__ import annotations

from typing import Any

from ..engine.tensor import Tensor
from ..messages.arguments import Shape, channels_first, pair, pictures, whole, written
from ..messages.mistakes import tell_channels_first
from ..ops.convolution import conv2d, conv2d_transpose, windows_of_result
from ..ops.windows import Padding, Pair, windows
from .base import WithKernel


class Conv2D(WithKernel):
    """Slide `filters` kernels over pictures.  (N, H, W, C) -> (N, OH, OW, filters)

    kernel (KH, KW, C, filters), bias (filters,).

    filters: the channels of the output.
    kernel_size, strides: a number or (vertical, horizontal).
    padding: "valid" (none) or "same" (zeros, so that OH = ceil(H / stride)); as for conv2d.
    """

    by_position = (
        "from the third on, arguments have names, strides=2. A layer names its output only: of "
        "PyTorch's (1, 16, 3) leave the 1 out."
    )
    channels_axis = 2  # the kernel's axis for the channels of the input

    def __init__(
        self,
        filters: int,
        kernel_size: Pair,
        *,
        strides: Pair = 1,
        padding: Padding = "valid",
        activation: Any = None,
        **others: Any,
    ) -> None:
        super().__init__(activation, **others)
        self.filters = whole(self.label, "filters", filters)
        self.padding: Any = padding
        with self.errors_named():
            self.kernel_size = pair(kernel_size, "kernel_size")
            self.strides = pair(strides, "strides")
            self.size_after(self.kernel_size)  # ValueError for a wrong padding

    def size_after(self, size: tuple[int, int]) -> tuple[int, int]:
        """The height and width of the output for those of the input."""
        return windows(size, self.kernel_size, self.strides, self.padding).output

    def shape_after(self, shape: Any) -> Any:
        H, W, _ = pictures(shape)
        cure = channels_first(shape)
        if cure and self.padding == "valid" and self.kernel_size[0] > H:
            raise ValueError(f"input {written(shape)} is {H} pixel(s) high. {cure}")
        return (*self.size_after((H, W)), self.filters)

    def create(self, shape: Any) -> None:
        self.make_weights(self.kernel_shape(shape[2]), self.filters)

    def kernel_shape(self, C: int) -> Shape:
        return (*self.kernel_size, C, self.filters)

    def look_at_input(self, shape: Any) -> None:
        tell_channels_first(self.label, shape)

    def fits(self, shape: Any) -> None:
        C = self.kernel.shape[self.channels_axis]  # type: ignore[union-attr]
        if pictures(shape)[-1] != C:
            if channels_first(shape) and shape[0] == C:
                raise ValueError(f"input {written(shape)}. {channels_first(shape)}")
            raise ValueError(
                f"input {written(shape)} has {shape[-1]} channels, and its kernel takes {C}."
            )

    def forward(self, x: Tensor) -> Tensor:
        return self.activated(conv2d, x, stride=self.strides, padding=self.padding)


class Conv2DTranspose(Conv2D):
    """The transpose of Conv2D, from its output back to its input: pictures grow.

    (N, H, W, C) -> (N, OH, OW, filters)

    kernel (KH, KW, filters, C), bias (filters,).

    filters: the channels of the output.
    kernel_size, strides: a number or (vertical, horizontal).
    padding: "same" gives OH = H * stride, "valid" OH = (H - 1) * stride + max(KH, stride).
    """

    channels_axis = 3

    def size_after(self, size: tuple[int, int]) -> tuple[int, int]:
        return windows_of_result(size, self.kernel_size, self.strides, self.padding).input

    def kernel_shape(self, C: int) -> Shape:
        return (*self.kernel_size, self.filters, C)

    def forward(self, x: Tensor) -> Tensor:
        return self.activated(conv2d_transpose, x, stride=self.strides, padding=self.padding)
