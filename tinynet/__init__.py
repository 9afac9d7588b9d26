"""tinynet: deep learning from scratch on NumPy, with CuPy on a GPU.  `import tinynet as tn`.

The public names, nothing else.  A name is loaded when it is first asked for: `import tinynet` takes
no longer than NumPy does, whatever there is to plot, download or draw.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as _  # what everything here stands on

if TYPE_CHECKING:  # for people, and programs that read; _HOMES says the same to Python
    from . import callbacks, data, init, layers, metrics, optim, plot, regularizers, schedules
    from .autograd import no_grad
    from .check import GradcheckReport, GradientError, gradcheck
    from .costs import cost
    from .devices import (
        GPUNotAvailableError,
        get_threads,
        gpu_available,
        gpu_unavailable_reason,
        set_threads,
        workspace_budget,
    )
    from .examination import doctor
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
    from .profiling import profile
    from .run import Run
    from .tensor import Tensor, differentiable
    from .train import fit

_HOMES = {
    "autograd": "no_grad",
    "callbacks": "callbacks",
    "check": "GradcheckReport GradientError gradcheck",
    "costs": "cost",
    "data": "data",
    "devices": (
        "GPUNotAvailableError get_threads gpu_available gpu_unavailable_reason "
        "set_threads workspace_budget"
    ),
    "examination": "doctor",
    "graph": "Input",
    "history": "History",
    "inference": "evaluate predict",
    "init": "init",
    "io": "load save",
    "layers": "layers",
    "metrics": "metrics",
    "models": "Model Sequential",
    "module": "Module",
    "ops.activation": "leaky_relu log_softmax relu sigmoid softmax softplus tanh",
    "ops.arithmetic": "abs clip exp log maximum minimum sqrt where",
    "ops.convolution": "conv2d conv2d_transpose im2col",
    "ops.linear": "linear matmul",
    "ops.loss": "bce bce_with_logits cross_entropy mae mse",
    "ops.noise": "dropout gaussian_noise",
    "ops.normalization": "batch_norm",
    "ops.pooling": "average_pool2d l2_pool2d max_pool2d min_pool2d sum_pool2d",
    "ops.probability": (
        "bernoulli_log_likelihood gaussian_log_likelihood kl_standard_normal sample_gaussian"
    ),
    "ops.shape": "concatenate flip pad stack",
    "ops.upsampling": "upsample2d",
    "optim": "optim",
    "plot": "plot",
    "profiling": "profile",
    "regularizers": "regularizers",
    "run": "Run",
    "schedules": "schedules",
    "tensor": "Tensor differentiable",
    "train": "fit",
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names.split()}
__all__ = sorted(_HOME_OF)


def __getattr__(name: str) -> Any:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module 'tinynet' has no attribute {name!r}")
    module = import_module(f".{home}", __name__)
    value = module if name == home else getattr(module, name)
    globals()[name] = value  # from now on it is found without this function
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
