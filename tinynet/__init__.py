"""tinynet: deep learning from scratch on NumPy, with CuPy on a GPU.  `import tinynet as tn`."""

from . import data, optim
from .autograd import no_grad
from .check import GradcheckReport, GradientError, gradcheck
from .devices import GPUNotAvailableError, gpu_available, gpu_unavailable_reason
from .doctor import doctor
from .ops.activation import leaky_relu, log_softmax, relu, sigmoid, softmax, softplus, tanh
from .ops.arithmetic import abs, clip, exp, log, maximum, minimum, sqrt, where
from .ops.convolution import conv2d, im2col
from .ops.linear import matmul
from .ops.loss import bce, bce_with_logits, cross_entropy, mse
from .ops.noise import dropout
from .ops.normalization import batch_norm
from .ops.pooling import average_pool2d, l2_pool2d, max_pool2d, min_pool2d, sum_pool2d
from .ops.shape import concatenate, flip, pad, stack
from .tensor import Tensor, differentiable

__all__ = [
    "GPUNotAvailableError",
    "GradcheckReport",
    "GradientError",
    "Tensor",
    "abs",
    "average_pool2d",
    "batch_norm",
    "bce",
    "bce_with_logits",
    "clip",
    "concatenate",
    "conv2d",
    "cross_entropy",
    "data",
    "differentiable",
    "doctor",
    "dropout",
    "exp",
    "flip",
    "gpu_available",
    "gpu_unavailable_reason",
    "gradcheck",
    "im2col",
    "l2_pool2d",
    "leaky_relu",
    "log",
    "log_softmax",
    "matmul",
    "max_pool2d",
    "maximum",
    "min_pool2d",
    "minimum",
    "mse",
    "no_grad",
    "optim",
    "pad",
    "relu",
    "sigmoid",
    "softmax",
    "softplus",
    "sqrt",
    "stack",
    "sum_pool2d",
    "tanh",
    "where",
]
