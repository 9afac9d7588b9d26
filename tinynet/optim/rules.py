"""The rules: how a gradient changes a parameter, with the formula above the lines that compute it.

The names of the settings and the defaults are Keras', except lr, which is PyTorch's.  Keras' too
is the arithmetic of RMSprop, Adam and AdamW; SGD's velocity is PyTorch's.  A test holds each to its
original.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from ..devices import Array, kernels
from ..engine.tensor import Tensor
from ..messages.arguments import boolean
from .optimizer import Optimizer, Schedule, setting


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum and weight decay.

    velocity = momentum * velocity + gradient + weight_decay * parameter
    parameter = parameter - lr * velocity

    nesterov: the step is lr * (gradient + momentum * velocity), as if one step ahead.

    Keras keeps lr * velocity instead of the velocity.  With a constant lr the parameters are the
    same.  When lr falls, Keras' steps shrink gradually, and these (PyTorch's) at once.

    parameters: tensors that require a gradient; each once.
    lr: the step size, positive, or a schedule.  momentum: in [0, 1).  weight_decay: at least 0.
    clip_norm: the largest norm of all gradients together, or None.
    """

    momentum = setting("momentum")
    nesterov = setting("nesterov")

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: float | Schedule,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
        clip_norm: float | None = None,
    ) -> None:
        self._slot_names = ("velocity",) if momentum else ()
        super().__init__(
            parameters,
            lr,
            momentum=momentum,
            weight_decay=weight_decay,
            clip_norm=clip_norm,
        )
        self._settings["nesterov"] = boolean(type(self).__name__, "nesterov", nesterov)
        if nesterov and not self.momentum:
            raise ValueError(
                f"{type(self).__name__}: nesterov needs momentum, received momentum 0. Give "
                "momentum=0.9."
            )

    def _update(self, w: Array, dw: Array, slots: list[Array], scratch: Array, lr: float) -> None:
        velocity = slots[0] if slots else None
        kernels(w).sgd(w, dw, velocity, self.momentum, self.nesterov, lr)


class RMSprop(Optimizer):
    """The gradient divided by its root mean square: steps of about equal length in all directions.

    square = rho * square + (1 - rho) * gradient^2
    velocity = momentum * velocity + lr * gradient / sqrt(square + epsilon)
    parameter = parameter - velocity

    parameters, lr, weight_decay, clip_norm: as for SGD.  rho, momentum: in [0, 1).
    epsilon: positive; inside the root, as in Keras.  Hinton 2012, lecture 6e.
    """

    rho = setting("rho")
    momentum = setting("momentum")
    epsilon = setting("epsilon")

    _one_kernel = True

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: float | Schedule = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        weight_decay: float = 0.0,
        clip_norm: float | None = None,
    ) -> None:
        self._slot_names = ("square", "velocity") if momentum else ("square",)
        super().__init__(
            parameters,
            lr,
            rho=rho,
            momentum=momentum,
            epsilon=epsilon,
            weight_decay=weight_decay,
            clip_norm=clip_norm,
        )

    def _update(self, w: Array, dw: Array, slots: list[Array], scratch: Array, lr: float) -> None:
        square, velocity = slots if len(slots) > 1 else (*slots, None)
        rmsprop = kernels(w).rmsprop
        rmsprop(w, dw, square, velocity, self.rho, self.momentum, lr, self.epsilon, scratch)


class Adam(Optimizer):
    """RMSprop with momentum; both averages are corrected for their start at zero.

    m = beta_1 * m + (1 - beta_1) * gradient
    v = beta_2 * v + (1 - beta_2) * gradient^2
    parameter = parameter - lr * sqrt(1 - beta_2^t) / (1 - beta_1^t) * m / (sqrt(v) + epsilon)

    t counts all steps from 1, also those in which a parameter had no gradient.

    parameters, lr, clip_norm: as for SGD.  beta_1, beta_2: in [0, 1).
    epsilon: positive; beside the uncorrected root, "epsilon hat" of the paper, as in Keras.
    weight_decay: at least 0, an L2 penalty in the gradient, as in PyTorch.  In Keras it is not:
        there Adam(weight_decay=...) does what AdamW does.
    Kingma and Ba 2015, arXiv 1412.6980.
    """

    beta_1 = setting("beta_1")
    beta_2 = setting("beta_2")
    epsilon = setting("epsilon")

    _one_kernel = True
    _slot_names = ("m", "v")

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: float | Schedule = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        weight_decay: float = 0.0,
        clip_norm: float | None = None,
    ) -> None:
        super().__init__(
            parameters,
            lr,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            weight_decay=weight_decay,
            clip_norm=clip_norm,
        )

    def _update(self, w: Array, dw: Array, slots: list[Array], scratch: Array, lr: float) -> None:
        m, v = slots
        t = self.steps + 1
        alpha = lr * math.sqrt(1 - self.beta_2**t) / (1 - self.beta_1**t)
        adam = kernels(w).adam
        adam(w, dw, m, v, self.beta_1, self.beta_2, alpha, self.epsilon, scratch)


class AdamW(Adam):
    """Adam with decoupled weight decay: it shrinks the parameters themselves.

    parameter = parameter - lr * weight_decay * parameter, and then Adam's step.

    In Adam, an L2 penalty is part of the gradient and divided by sqrt(v), so parameters with large
    gradients hardly decay.  Here all parameters decay alike.  Loshchilov and Hutter 2019,
    arXiv 1711.05101.  Keras' default of weight_decay is 0.004; 0.01 is PyTorch's.
    """

    _decoupled = True

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: float | Schedule = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        weight_decay: float = 0.01,
        clip_norm: float | None = None,
    ) -> None:
        super().__init__(parameters, lr, beta_1, beta_2, epsilon, weight_decay, clip_norm)
