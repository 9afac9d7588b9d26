"""tinynet: deep learning from scratch on NumPy, with CuPy on a GPU.  `import tinynet as tn`.

The public names, each written once.  Python loads a name when it is first used, so `import tinynet`
takes no longer than `import numpy`.
"""

import ast
from importlib import import_module
from pkgutil import get_data
from typing import TYPE_CHECKING, Any

import numpy as _  # what everything here stands on

__version__ = "0.1.0"  # setup.cfg reads it here

if TYPE_CHECKING:  # type checkers run this block; _homes reads it for Python
    from . import data, layers, metrics, optim, plot
    from .devices import (
        GPUNotAvailableError,
        compiled,
        get_threads,
        gpu_available,
        gpu_unavailable_reason,
        set_convolution,
        set_threads,
        workspace_budget,
    )
    from .devices.gpu.products import set_matmul_precision
    from .diagnosis.cost import cost
    from .diagnosis.doctor import doctor
    from .diagnosis.gradcheck import GradcheckReport, GradientError, gradcheck
    from .diagnosis.profiling import profile
    from .engine.observer import Work
    from .engine.record import no_grad
    from .engine.tensor import Tensor, differentiable
    from .io import load, save
    from .layers import init, regularizers
    from .messages.mistakes import MistakeWarning
    from .models.graph import Model
    from .models.module import Module
    from .models.sequential import Sequential
    from .models.symbols import Input
    from .ops.activation import leaky_relu, log_softmax, relu, sigmoid, softmax, softplus, tanh
    from .ops.arithmetic import abs, clip, exp, log, maximum, minimum, sqrt, where
    from .ops.attention import attention
    from .ops.convolution import conv2d, conv2d_transpose, im2col
    from .ops.creation import one_hot, ones, zeros
    from .ops.ctc import ctc_decode, ctc_loss
    from .ops.linear import linear, matmul
    from .ops.loss import bce, bce_with_logits, cross_entropy, mae, mse
    from .ops.noise import dropout, gaussian_noise
    from .ops.normalization import batch_norm, group_norm, layer_norm
    from .ops.pooling import average_pool2d, l2_pool2d, max_pool2d, min_pool2d, sum_pool2d
    from .ops.probability import (
        bernoulli_log_likelihood,
        gaussian_log_likelihood,
        kl_standard_normal,
        sample_bernoulli,
        sample_gaussian,
    )
    from .ops.recurrent import gru, lstm, simple_rnn
    from .ops.shape import concatenate, flip, pad, stack
    from .ops.upsampling import upsample2d
    from .optim import schedules
    from .training import callbacks
    from .training.capture import capture
    from .training.ema import ema
    from .training.evaluate import evaluate, predict
    from .training.history import History
    from .training.loop import fit
    from .training.run import Run


def _homes() -> dict[str, str]:
    """Each public name, and the module that it is imported from in the block above."""
    source = get_data(__name__, "__init__.py")
    (block,) = (node for node in ast.parse(source or "").body if isinstance(node, ast.If))
    return {
        alias.name: node.module or ""
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


_HOMES = _homes()
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise _missing(name)
    home = f"{__name__}.{_HOMES[name]}".rstrip(".")
    module = import_module(home)
    value = vars(module)[name] if name in vars(module) else import_module(f"{home}.{name}")
    globals()[name] = value  # from now on Python finds it without this function
    return value


def _missing(name: str) -> AttributeError:
    """The error for a name that there is not here; it may be in a room: tn.Dense."""
    from .messages.names import missing
    from .messages.words import ELSEWHERE

    inside: dict[str, str] = {}
    for room in ("data", "layers", "metrics", "optim", "plot") if name[0] != "_" else ():
        names = import_module(f"{__name__}.{room}").__all__
        inside |= {n.lower(): f"Write tn.{room}.{n}." for n in names}
    return missing("tn", name, __all__, ELSEWHERE | inside)


def __dir__() -> list[str]:
    return __all__
