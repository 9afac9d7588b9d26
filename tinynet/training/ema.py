"""ema: a running average of a model's weights, which samples and predicts better than the last."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from ..devices import move
from ..io.state import State
from ..messages.arguments import BELOW_1, number, shown, whole
from ..messages.names import explained
from ..models.module import Module
from .callbacks import Callback
from .checks import check_model


@explained
def ema(model: Module, decay: float = 0.999) -> Average:
    """The exponential moving average of a model's weights.

        average = tn.ema(model, 0.999)
        ...
        optimizer.step()
        average.update()  # after each step
        ...
        tn.predict(average.model, z)

    With tn.fit, give it as a callback in the place of update(): callbacks=[average].

    decay: in [0, 1).  0.999 averages about the last 1,000 steps.

    An update moves each weight w of average.model towards that of the model:
        w = d * w + (1 - d) * model's w,  d = min(decay, n / (n + 9)) in the n-th update
    So the first averages are short, about a ninth of the steps so far, and forget the random start.
    The moving statistics of batch-norm are averaged like the weights.

    average.model: a copy of the model, frozen and in inference mode.
    tn.save(path, average.model) writes its weights; tn.save(path, average) all that goes on.

    Sources: Ho et al., "Denoising Diffusion Probabilistic Models", 2020, who sample with it; for d,
    tf.train.ExponentialMovingAverage.

    ValueError for a model that has not made its weights yet, or a decay out of range.
    """
    return Average(model, decay)


class Average(Callback):
    """A running average of the weights of a model, which tn.ema makes.

    model: the copy with the averaged weights.  updates: how many there were.
    """

    def __init__(self, model: Module, decay: float) -> None:
        check_model("ema", model)
        self.decay = number("ema", "decay", decay, BELOW_1)
        self.source = model
        self.model = copy.deepcopy(model).eval()
        self.model.trainable = False
        self.updates = 0

    def __repr__(self) -> str:
        return f"Average({self.source.label}, decay={self.decay:g}, updates={self.updates})"

    def update(self) -> None:
        """Move the average towards the model's weights.  Call it after each optimizer.step()."""
        averages, weights = self.model.weights(), self.source.weights()
        if averages.keys() != weights.keys():
            raise ValueError(
                f"ema: {self.source.label} has other weights than when the average was made. Make "
                "the average once the model is complete."
            )
        self.updates += 1
        decay = min(self.decay, self.updates / (self.updates + 9))
        for name, average in averages.items():
            a, w = average.data, move(weights[name].data, average.device)
            a[...] = a + (1 - decay) * (w - a) if a.dtype.kind == "f" else w

    def after_batch(self, run: Any) -> None:
        self.update()

    def state_dict(self) -> State:
        """The averages, as average.model has them, and how many updates made them."""
        return {"decay": self.decay, "updates": self.updates, "model": self.model.state_dict()}

    def load_state_dict(self, state: State) -> None:
        """Go on from what state_dict() returned.  ValueError, and no change, where it differs."""
        if not isinstance(state, Mapping) or state.keys() != {"decay", "updates", "model"}:
            raise ValueError(
                "ema: the state must hold decay, updates and model. Give what state_dict() "
                "returned; weights alone go into average.model."
            )
        updates = whole("ema", "updates", state["updates"], least=0)
        if state["decay"] != self.decay:
            raise ValueError(
                f"ema: decay is {self.decay} here, and {shown(state['decay'])} in what is loaded. "
                "Give what was given then."
            )
        self.model.load_state_dict(state["model"])
        self.updates = updates
