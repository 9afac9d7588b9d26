"""The CPU: NumPy, made fast.  plain.py says what each kernel computes; the files here say how.

Four ideas: work on parts that stay in a core's cache; let several threads take parts in turn; write
results where they belong (`out=`), since a large new array costs more than the arithmetic; and keep
NumPy's innermost loops long.  A comment beside each trick says what it gains, measured on 2 cores
of a Zen 4, in float32.

A part of a long array is a piece, of a product of matrices a block, of a convolution a tile.
"""

from ..ownership import owned
from ..plain import (
    adam,
    add_at,
    columns,
    cross_entropy_back,
    gathered,
    inside,
    label_losses,
    labels_inside,
    log_softmax,
    move_statistics,
    rmsprop,
    scales,
    sgd,
    slopes,
    sum_pool,
    sum_pool_back,
    sum_windows,
)
from .allocator import keep_memory
from .convolution import (
    convolve,
    convolve_transposed,
    convolve_transposed_workspace,
    convolve_workspace,
    kernel_gradient,
)
from .matrix import column_sums, product
from .noise import keep_mask, random_bits, standard_normal, uniform
from .normalization import combine, moments, products_and_sums, scale_and_shift
from .pieces import (
    elementwise,
    leaky_relu,
    leaky_relu_back,
    masked,
    mean,
    relu,
    relu_back,
    total,
)
from .pooling import max_pool, max_pool_back
from .threads import each

keep_memory()

__all__ = [
    "adam", "add_at", "column_sums", "columns", "combine", "convolve", "convolve_transposed",
    "convolve_transposed_workspace", "convolve_workspace", "cross_entropy_back", "each",
    "elementwise", "gathered", "inside", "keep_mask", "kernel_gradient", "label_losses",
    "labels_inside", "leaky_relu", "leaky_relu_back", "log_softmax", "masked", "max_pool",
    "max_pool_back", "mean", "moments", "move_statistics", "owned", "product",
    "products_and_sums", "random_bits", "relu", "relu_back", "rmsprop", "scale_and_shift",
    "scales", "sgd", "slopes", "standard_normal", "sum_pool", "sum_pool_back", "sum_windows",
    "total", "uniform",
]  # fmt: skip
