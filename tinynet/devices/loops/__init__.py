"""The CPU's second form: the loops of the text book, compiled by Numba.

plain.py says what each kernel computes; here it is a loop over its numbers, in float32.  Where a
loop gains nothing (few numbers, other types, products of matrices), cpu/ computes.  Importing this
imports Numba, so form.py does it when the first large array comes.
"""

from typing import Any

from .. import cpu
from .activation import leaky_relu, leaky_relu_back, masked, relu, relu_back
from .convolution import (
    convolve,
    convolve_transposed,
    convolve_transposed_workspace,
    convolve_workspace,
    kernel_gradient,
)
from .formulas import elementwise, mean, total
from .loop import compile_all, kept
from .matrix import product
from .noise import keep_mask
from .normalization import combine, moments, products_and_sums, scale_and_shift
from .optimizers import adam, rmsprop
from .pooling import max_pool, max_pool_back, sum_pool, sum_pool_back
from .recurrent import lstm_backward, lstm_forward
from .softmax import cross_entropy_back, log_softmax

__all__ = [
    "adam", "combine", "compile_all", "convolve", "convolve_transposed",
    "convolve_transposed_workspace", "convolve_workspace", "cross_entropy_back", "elementwise",
    "keep_mask", "kept", "kernel_gradient", "leaky_relu", "leaky_relu_back", "log_softmax",
    "lstm_backward", "lstm_forward", "masked", "max_pool", "max_pool_back", "mean", "moments",
    "product", "products_and_sums", "relu", "relu_back", "rmsprop", "scale_and_shift", "sum_pool",
    "sum_pool_back", "total",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """A kernel that is no loop is NumPy's."""
    found = globals()[name] = getattr(cpu, name)
    return found
