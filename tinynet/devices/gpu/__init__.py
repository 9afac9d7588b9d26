"""The GPU, by CuPy: the only place that imports it, and only inside functions.

plain.py says what each kernel computes, and CuPy can compute it from that very text: one launch for
each operator.  Here are those that are worth more, in CUDA C++ (the files *.cu): one launch instead
of five or thirty.  All of them compute in float32.  Other types, and arrays too long to be counted
in 32 bits, are left to plain.py.  No kernel adds with atomics: the bits are the same in every run.
"""

from typing import Any

from .. import plain
from ..ownership import owned
from .activation import leaky_relu, leaky_relu_back, masked, relu, relu_back
from .availability import GPUNotAvailableError, gpu_available, gpu_unavailable_reason
from .channels import combine, product, scale_and_shift, scales, slopes
from .checks import inside, labels_inside
from .formulas import elementwise, mean, total
from .indices import add_at
from .memory import (
    alike,
    beside,
    check_power,
    checked_index,
    from_host,
    out_of_memory,
    peak_memory,
    to_host,
)
from .noise import dropout, keep_mask, standard_normal, uniform
from .optimizers import adam, gathered, rmsprop, sgd
from .softmax import cross_entropy_back, label_losses, log_softmax
from .sums import column_sums, moments, move_statistics, products_and_sums
from .windows import (
    columns,
    convolve,
    convolve_transposed,
    kernel_gradient,
    max_pool,
    max_pool_back,
    sum_pool,
    sum_pool_back,
    sum_windows,
)

__all__ = [
    "GPUNotAvailableError", "adam", "add_at", "alike", "beside", "check_power", "checked_index",
    "column_sums", "columns", "combine", "convolve", "convolve_transposed",
    "cross_entropy_back", "dropout", "elementwise", "from_host", "gathered", "gpu_available",
    "gpu_unavailable_reason", "inside", "keep_mask", "kernel_gradient", "label_losses",
    "labels_inside", "leaky_relu", "leaky_relu_back", "log_softmax", "masked", "max_pool",
    "max_pool_back", "mean", "moments", "move_statistics", "out_of_memory", "owned",
    "peak_memory", "product", "products_and_sums", "relu", "relu_back", "rmsprop",
    "scale_and_shift", "scales", "sgd", "slopes", "standard_normal", "sum_pool",
    "sum_pool_back", "sum_windows", "to_host", "total", "uniform",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """A kernel that is none of these is the plain one."""
    found = globals()[name] = getattr(plain, name)
    return found
