"""Parts: the side of a module that holds weights and other modules.  Module adds what computes.

A module finds its weights by walking its own attributes, in the order in which they were set:
tensors are its weights, modules its parts, in lists and dictionaries too.  Nothing is registered,
and a subclass needs no `super().__init__()`.  Attributes that begin with an underscore are skipped.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from typing import Any

from ..devices import is_array, move
from ..engine.tensor import Tensor
from ..io.state import State, match
from ..messages.arguments import boolean
from ..messages.mistakes import warn
from ..messages.names import nearest

# The mode that predict, evaluate or model(x, training=True) asks for; None: that of each module.
# It belongs to the call and not to the model, which other threads may be using.
asked_mode: ContextVar[bool | None] = ContextVar("asked_mode", default=None)

# Whether a model is tried with ones, for its shapes and costs: they are no words, and no padding.
trial: ContextVar[bool] = ContextVar("trial", default=False)


class Parts:
    """Something that has weights and parts as attributes, and a mode for all of them."""

    name: str | None = None
    _training = True  # as train() and eval() set it
    _trainable = True  # as trainable = ... sets it

    @property
    def label(self) -> str:
        """How errors call it: Conv2D 'conv_3'."""
        return type(self).__name__ + (f" {self.name!r}" if self.name else "")

    @label.setter
    def label(self, value: Any) -> None:
        raise AttributeError(
            f"{type(self).__name__}: label is what errors call it, so an attribute needs another "
            "name: self.labels."
        )

    def children(self) -> Iterator[tuple[str, Any]]:
        """The modules among its attributes, with their names; those in lists as name.0, name.1."""
        return ((name, part) for name, part in self._held() if isinstance(part, Parts))

    def _parts(self) -> list[Any]:
        """The modules of children() without their names: penalty() asks for them in every step."""
        if type(self).children is not Parts.children:  # a subclass has its own
            return [part for _, part in self.children()]
        return self._parts_in(vars(self))

    @staticmethod
    def _parts_in(attributes: dict[str, Any]) -> list[Any]:
        found: list[Any] = []
        for name, value in attributes.items():
            if not isinstance(value, _HOLDERS) or name.startswith("_"):
                continue
            if isinstance(value, Parts):
                found.append(value)
            elif value:
                found += [part for _, part in within(value, Parts)]
        return found

    def _held(self) -> Iterator[tuple[str, Any]]:
        shown = {name: value for name, value in vars(self).items() if not name.startswith("_")}
        return within(shown, (Parts, Tensor))

    def modules(self) -> list[Any]:
        """This module and all below it, each once, from the top down."""
        found: dict[int, Any] = {}
        waiting = [self]
        while waiting:
            module = waiting.pop()
            if id(module) not in found:
                found[id(module)] = module
                waiting += reversed(module._parts())
        return list(found.values())

    def named_modules(
        self, path: str = "", seen: set[int] | None = None
    ) -> Iterator[tuple[str, Any]]:
        """This module and all below it, each once, with their paths: encoder.dense."""
        seen = set() if seen is None else seen
        if id(self) in seen:
            return
        seen.add(id(self))
        yield path, self
        for name, child in self.children():
            yield from child.named_modules(f"{path}.{name}" if path else name, seen)

    def weights(self) -> dict[str, Tensor]:
        """All tensors by name, `encoder.kernel`, trained or not; a shared one once.

        A result that forward kept as an attribute is no weight.  ValueError if a part waits for the
        shape of its input.
        """
        found: dict[str, Tensor] = {}
        seen = set()
        for path, module in self.named_modules():
            module.must_be_built()
            for name, value in module._tensors():
                if id(value) not in seen:
                    seen.add(id(value))
                    found[f"{path}.{name}" if path else name] = value
        return found

    def _tensors(self) -> Iterator[tuple[str, Tensor]]:
        """Its own weights, without those of its parts."""
        for name, value in self._held():
            if not isinstance(value, Tensor) or not value.is_leaf:
                continue
            # a result of forward under no_grad is a leaf too, but needs no gradient
            if value.requires_grad or is_frozen(value) or not value.operation:
                yield name, value

    def _tell_of_mistakes(self) -> None:
        """Warn of parts where the walk does not look, and of a mode that forward has as argument.

        Parts that have their weights already may be hidden on purpose.
        """
        known = self.modules()
        for module in known:
            mode = inspect.signature(module.forward).parameters.get("training")
            if mode is not None and mode.default is not None:
                warn(
                    f"{module.label}: forward gets no training=, so it is {mode.default} in every "
                    "call. Leave it out: the mode is self.training."
                )
            for name, value in vars(module).items():
                if name.startswith("_") and _without_weights({name: value}, known):
                    warn(
                        f"{module.label}: the layers in {name} are not found, as names that begin "
                        f"with _ are skipped. Call it {name.lstrip('_')}."
                    )
                for thing in list(value) if isinstance(value, list | tuple | set) else [value]:
                    inner = vars(thing) if _is_plain_object(thing) else {}
                    if _without_weights(inner, known):
                        warn(
                            f"{module.label}: the layers in {name} are not found, as "
                            f"{type(thing).__name__} is no Module. Derive it from tn.Module."
                        )

    def must_be_built(self) -> None:
        """ValueError if the module waits for the shape of its input to make its weights."""

    def parameters(self) -> list[Tensor]:
        """The tensors that are trained, for an optimizer."""
        return [p for _, p in self.named_parameters()]

    def named_parameters(self) -> list[tuple[str, Tensor]]:
        """The tensors that are trained, each with its name: ("encoder.kernel", kernel)."""
        return [(name, p) for name, p in self.weights().items() if p.requires_grad]

    def _is_frozen(self) -> bool:
        """Whether one of its own weights is frozen.

        A batch-norm without gamma and beta has no weight to freeze, and is frozen itself.
        """
        own = [w for _, w in self._tensors()]
        if any(w.requires_grad or is_frozen(w) for w in own):
            return any(map(is_frozen, own))
        return bool(own) and not self._trainable

    @property
    def trainable(self) -> bool:
        """Whether its weights are trained.  False freezes them, True trains them again.

        Frozen weights get no gradient.  As in Keras, a frozen batch-norm keeps its moving
        statistics, and normalizes by them.  A weight that two parts share is frozen for both.
        """
        return not any(module._is_frozen() for module in self.modules())

    @trainable.setter
    def trainable(self, trainable: bool) -> None:
        trainable = boolean(self.label, "trainable", trainable)
        self.weights()  # they must be there
        for module in self.modules():
            module._trainable = trainable
            for _, w in module._tensors():
                if trainable and is_frozen(w):
                    w.requires_grad, w.frozen = True, False
                elif not trainable and w.requires_grad:
                    w.requires_grad, w.frozen, w.grad = False, True, None

    def __setattr__(self, name: str, value: Any) -> None:
        near = nearest(name, _SWITCHES) if name.startswith("tr") else None
        if near and not hasattr(type(self), name):
            raise AttributeError(f"{self.label} has no attribute {name!r}. Did you mean {near}?")
        if name in _METHODS:
            raise AttributeError(
                f"{self.label}: {name} is a method of every module. Give the attribute another "
                "name."
            )
        object.__setattr__(self, name, value)

    # -- its mode and place ---------------------------------------------------------------------

    @property
    def training(self) -> bool:
        """Whether it is in training mode, as train() and eval() set it.

        Inside predict and evaluate it is False, and inside model(x, training=...) what that says,
        for the thread that called them; train() there holds from their end on.  A forward that
        starts threads of its own runs their work by contextvars.copy_context().run.
        """
        asked = asked_mode.get()
        return self._training if asked is None else asked

    @training.setter
    def training(self, training: bool) -> None:
        self._training = training

    def train(self) -> Any:
        """Training mode, for this module and all below: dropout drops.  Returns the module."""
        for module in self.modules():
            module.training = True
        return self

    def eval(self) -> Any:
        """Inference mode: dropout drops nothing, batch-norm uses its moving statistics.

        For this module and all below.  Returns the module.
        """
        for module in self.modules():
            module.training = False
        return self

    def to(self, device: str) -> Any:
        """Move the weights, in place, to "cpu" or "gpu".  Make the optimizer afterwards.

        Returns the module.  After an error all weights are where they were.
        """
        weights = self.weights().values()
        moved = [move(tensor.data, device) for tensor in weights]
        for tensor, array in zip(weights, moved, strict=True):
            tensor.data, tensor.grad = array, None
        return self

    @property
    def device(self) -> str:
        """Where its weights are; "cpu" if it has none."""
        self.weights()  # ValueError if a part waits for the shape of its input
        return self._place()

    def _place(self) -> str:
        """Where its weights are, even if some of them are not made yet."""
        tensors = (t for module in self.modules() for _, t in module._tensors())
        return next((t.device for t in tensors), "cpu")

    # -- its state ------------------------------------------------------------------------------

    def state_dict(self) -> State:
        """Copies of all weights on the host, by name."""
        return {name: tensor.numpy().copy() for name, tensor in self.weights().items()}

    def load_state_dict(self, state: State) -> None:
        """Fill the weights with those of a state, in place: all of them or, with an error, none.

        state: arrays or tensors of either device, by name.  ValueError that lists every difference.
        """
        if not isinstance(state, Mapping):
            raise TypeError(
                f"{self.label}: the state is {type(state).__name__}. Give what state_dict() or "
                "tn.load(path) returned."
            )
        own = self.weights()
        arrays = {name: _as_array(value) for name, value in state.items()}
        match(self.label, {name: tensor.data for name, tensor in own.items()}, arrays)
        moved = [move(arrays[name], tensor.device) for name, tensor in own.items()]
        for tensor, array in zip(own.values(), moved, strict=True):
            tensor.data[...] = array


# Names that an attribute would take away from the walk, or from the modes.
_METHODS = {"children", "eval", "modules", "parameters", "to", "train", "weights"}
_SWITCHES = ("trainable", "training")
_HOLDERS = (Parts, list, tuple, dict)  # what an attribute with modules in it may be


def _without_weights(values: Any, known: list[Any]) -> bool:
    """Whether a part among the values, none of the known ones, waits for its first input."""
    found = [module for _, part in within(values, Parts) for module in part.modules()]
    return any(not getattr(m, "built", True) and all(m is not k for k in known) for m in found)


def _is_plain_object(thing: Any) -> bool:
    return hasattr(thing, "__dict__") and not (callable(thing) or isinstance(thing, Tensor))


def is_frozen(weight: Tensor) -> bool:
    """Whether trainable = False froze it, here or through another part that shares it."""
    return weight.frozen and not weight.requires_grad


def within(values: Any, kinds: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """What is of those kinds in a list, tuple or dictionary, and in those that it holds: blocks.0.

    kinds: as for isinstance.
    """
    for key, value in values.items() if isinstance(values, dict) else enumerate(values):
        if isinstance(value, kinds):
            yield f"{path}.{key}" if path else str(key), value
        elif isinstance(value, (list, tuple, dict)):
            yield from within(value, kinds, f"{path}.{key}" if path else str(key))


def _as_array(value: Any) -> Any:
    """The array, on the host, of a tensor or of an array; anything else as it is."""
    if isinstance(value, Tensor):
        return value.numpy()
    return move(value, "cpu") if is_array(value) else value
