"""tinynet: deep learning from scratch on NumPy, with CuPy on a GPU.  `import tinynet as tn`."""

from . import callbacks, data, init, layers, metrics, optim, plot, regularizers, schedules
from .autograd import no_grad
from .check import GradcheckReport, GradientError, gradcheck
from .cost import cost
from .devices import (
    GPUNotAvailableError,
    get_threads,
    gpu_available,
    gpu_unavailable_reason,
    set_threads,
    workspace_budget,
)
from .doctor import doctor
from .graph import Input
from .history import History
from .inference import evaluate, predict
from .io import load, save
from .models import Model, Sequential
from .module import Module
from .ops.activation import leaky_relu, log_softmax, relu, sigmoid, softmax, softplus, tanh
from .ops.arithmetic import abs, clip, exp, log, maximum, minimum, sqrt, where
from .ops.convolution import conv2d, conv2d_transpose, im2col
from .ops.linear import linear, matmul
from .ops.loss import bce, bce_with_logits, cross_entropy, mae, mse
from .ops.noise import dropout, gaussian_noise
from .ops.normalization import batch_norm
from .ops.pooling import average_pool2d, l2_pool2d, max_pool2d, min_pool2d, sum_pool2d
from .ops.probability import (
    bernoulli_log_likelihood,
    gaussian_log_likelihood,
    kl_standard_normal,
    sample_gaussian,
)
from .ops.shape import concatenate, flip, pad, stack
from .ops.upsampling import upsample2d
from .profile import profile
from .run import Run
from .tensor import Tensor, differentiable
from .train import fit

__all__ = [
    "GPUNotAvailableError",
    "GradcheckReport",
    "GradientError",
    "History",
    "Input",
    "Model",
    "Module",
    "Run",
    "Sequential",
    "Tensor",
    "abs",
    "average_pool2d",
    "batch_norm",
    "bce",
    "bce_with_logits",
    "bernoulli_log_likelihood",
    "callbacks",
    "clip",
    "concatenate",
    "conv2d",
    "conv2d_transpose",
    "cost",
    "cross_entropy",
    "data",
    "differentiable",
    "doctor",
    "dropout",
    "evaluate",
    "exp",
    "fit",
    "flip",
    "gaussian_log_likelihood",
    "gaussian_noise",
    "get_threads",
    "gpu_available",
    "gpu_unavailable_reason",
    "gradcheck",
    "im2col",
    "init",
    "kl_standard_normal",
    "l2_pool2d",
    "layers",
    "leaky_relu",
    "linear",
    "load",
    "log",
    "log_softmax",
    "mae",
    "matmul",
    "max_pool2d",
    "maximum",
    "metrics",
    "min_pool2d",
    "minimum",
    "mse",
    "no_grad",
    "optim",
    "pad",
    "plot",
    "predict",
    "profile",
    "regularizers",
    "relu",
    "sample_gaussian",
    "save",
    "schedules",
    "set_threads",
    "sigmoid",
    "softmax",
    "softplus",
    "sqrt",
    "stack",
    "sum_pool2d",
    "tanh",
    "upsample2d",
    "where",
    "workspace_budget",
]
