"""Module: something with weights that computes, and may consist of other modules."""

from __future__ import annotations

import contextlib
import html
import weakref
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy

from ..engine.record import current_observer, no_grad, paused
from ..engine.tensor import Tensor
from ..messages.arguments import boolean, generator, shape_of_example, written
from ..messages.names import missing
from ..messages.words import OF_MODELS
from .names import give_name, snake_case
from .parts import Parts, asked_mode, trial
from .summary import Row, count, row, table
from .symbols import is_symbolic, symbols_of


class Module(Parts):
    """A network, or a part of one.  Write `forward`, and set weights and parts as attributes.

    class Autoencoder(tn.Module):
        def __init__(self):
            self.encoder = tn.layers.Dense(32, activation="relu")
            self.decoder = tn.layers.Dense(784)

        def forward(self, x):
            return self.decoder(self.encoder(x))

    rng = numpy.random.default_rng(0)
    model = Autoencoder().build((784,), rng=rng)
    model.summary()
    optimizer = tn.optim.Adam(model.parameters())
    tn.fit(model, tn.data.batches(x, x, rng=rng), tn.mse, optimizer, epochs=5)
    restored = tn.predict(model, x)

    Weights are found by walking the attributes, in lists and dictionaries too; names that begin
    with _ are skipped.  A new model is in training mode, as in PyTorch: dropout drops.  fit,
    evaluate and predict choose the mode for themselves.  Where you call the model yourself, call
    eval() first.
    """

    given_name: str | None = None  # the name, if a model gave it
    input_shape: Any = None  # that it was built for, or of its first input; without the batch
    made_shape: Any = None  # of the output for an input of that shape, without the batch
    makes_mask = False  # whether it tells the next layers which time steps count
    takes_list = False  # whether it is called with a list, as a graph of several inputs is
    takes_steps = False  # whether it takes sequences, (N, T, ...)
    gives_last_state = False  # whether it takes sequences, and gives no steps
    differs_in_training = False  # whether it computes otherwise in training mode
    _in_model = False  # whether a Sequential or a Model has it, which hand masks on
    _noted = False
    rng: Any = None  # a numpy.random.Generator: draws the weights, and what dropout drops
    _made_by: Any = ()  # its modules when made_shape was found: another list may give another shape

    def forward(self, x: Any) -> Any:
        """The computation, on tensors.  Write it in the subclass."""
        raise NotImplementedError(f"{self.label}: it has no forward(x). Write one.")

    def with_mask(self, x: Any, mask: Any) -> tuple[Any, Any]:
        """Its output, and the mask that holds for it: which time steps count, booleans (N, T).

        mask: that of x, or None.  Sequential and Model pass it on from layer to layer.
        """
        if mask is not None:
            raise ValueError(
                f"{self.label}: its input has a mask, and it would take padding for data. Put it "
                "behind a recurrent layer with return_sequences=False."
            )
        return self(x), None

    def with_next(self, x: Any, following: Any) -> Any:
        """The output of `following`, if both are computed in one pass; otherwise None."""
        return None

    def several_inputs(self) -> TypeError:
        """The error for model(x, z)."""
        return TypeError(
            f"{self.label}: several inputs come as one list: model([x, z]), forward(self, inputs)."
        )

    def no_such_input(self, name: str) -> TypeError:
        """The error for model(x, mask=m)."""
        return TypeError(
            f"{self.label}: a call takes no {name}=. Several inputs come as one list: "
            f"model([x, {name}]), forward(self, inputs)."
        )

    def nothing_returned(self) -> TypeError:
        """The error for a forward that returned None."""
        return TypeError(f"{self.label}: forward returned nothing. End it with `return y`.")

    if not TYPE_CHECKING:  # type checkers know the names

        def __getattr__(self, name: str) -> Any:
            """What to write in the place of model.fit, and of a misspelt name."""
            if name.startswith("_"):
                raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")
            if hasattr(type(self), name):  # a property, in which something else is missing
                return object.__getattribute__(self, name)
            raise missing(self.label, name, [*dir(type(self)), *vars(self)], OF_MODELS)

    def __call__(self, x: Any, *more: Any, training: bool | None = None, **given: Any) -> Any:
        """forward(x); for values of the functional graph, its place in the graph.

        x: a batch; for several inputs, a list of them.
        training: the mode for this call alone, True for Monte Carlo dropout; None: the module's.
        """
        if more:
            raise self.several_inputs()
        if given:
            raise self.no_such_input(next(iter(given)))
        if training is not None:
            return in_mode(self, x, training)
        if type(x) is not Tensor and is_symbolic(x):
            return symbols_of(self, x)
        observer = current_observer.get()
        if observer:
            observer.before_module(self, x)
        if not self._training or self._noted:
            self._note_mode()
        try:
            y = self._first_forward(x) if self.input_shape is None else self.forward(x)
        except BaseException:  # the next penalty() must not count the layers that were passed
            if self.training and not paused.get():
                self.drop_penalties()
            raise
        if y is None:
            raise self.nothing_returned()
        if observer:
            observer.after_module(self, y)
        return y

    def _note_mode(self) -> None:
        """Mark the parameters for step(), where a result of inference mode may be trained."""
        inference = not self._training and asked_mode.get() is None and not paused.get()
        differ = (m for m in self.modules() if m.differs_in_training and m._trainable)
        if inference != self._noted and any(True for _ in differ):
            for p in self.parameters():
                p._inferred_by = self.label if inference else False
            self._noted = inference

    def _first_forward(self, x: Any) -> Any:
        """forward(x); its parts get the generator, and the module remembers the shapes."""
        give_generator(self, self.rng)
        if not self._made_by:
            self._tell_of_mistakes()
            self._made_by = [weakref.ref(module) for module in self.modules()]
        y = self.forward(x)
        outputs = y if isinstance(y, list | tuple) else [y]
        if hasattr(x, "shape") and outputs and all(isinstance(t, Tensor) for t in outputs):
            self._remember(tuple(x.shape[1:]), _shapes(y))
        return y

    def _remember(self, input_shape: Any, made_shape: Any) -> None:
        """Keep the shapes, and the parts that they hold for."""
        self.input_shape, self.made_shape = input_shape, made_shape
        self._made_by = [weakref.ref(module) for module in self.modules()]

    def build(self, input_shape: Any, rng: numpy.random.Generator | None = None) -> Any:
        """Make all weights, for inputs of that shape (without the batch).  Returns the module.

        rng: draws the weights of every part without its own generator.

        forward is tried with an input of ones, which is float32 and no padding.
        """
        give_generator(self, self.rng if rng is None else rng)
        self._tell_of_mistakes()
        for name, child in self.children():
            if child.name is None:
                give_name(child, name)
        shape = self._as_shape(input_shape)
        self._remember(shape, self.output_shape(shape))
        return self

    def _as_shape(self, shape: Any) -> Any:
        """A shape as a tuple, or a list of them for several inputs."""
        if isinstance(shape, list) and any(isinstance(s, tuple | list) for s in shape):
            return [shape_of_example(self.label, s) for s in shape]
        return shape_of_example(self.label, shape)

    def output_shape(self, input_shape: Any) -> Any:
        """The shape of the output for an input of that shape, both without the batch."""
        shape = self._as_shape(input_shape)
        if self.made_shape is not None and shape == self.input_shape:
            parts = self.modules()
            if parts == [made_by() for made_by in self._made_by]:
                return self.made_shape
        several = isinstance(shape, list)
        before = trial.set(True)
        try:
            with inference():
                ones = [
                    Tensor(numpy.ones((1, *s), numpy.float32), device=self._place())
                    for s in (shape if several else [shape])
                ]
                y = self.forward(ones if several else ones[0])
        finally:
            trial.reset(before)
        if y is None:
            raise self.nothing_returned()
        return _shapes(y)

    # -- its penalty and table ------------------------------------------------------------------

    def penalty(self) -> Any:
        """The sum of all regularizers, of kernels and of outputs since the last call of penalty().

        A tensor, to add to the loss; the number 0.0 where there are no regularizers.
        """
        total: Any = 0.0
        for module in self.modules():
            for term in module.penalties():
                total = term + total
        return total

    def drop_penalties(self) -> None:
        """Forget the penalties of outputs that no penalty() has taken."""
        for module in self.modules():
            vars(module).pop("_activity", None)

    def penalties(self) -> list[Tensor]:
        """The terms of this module alone, without those of its parts."""
        return []

    def summary(self) -> None:
        """Print the table of layers, output shapes and parameters, as Keras does."""
        self._tell_of_mistakes()
        print(self._table())

    def _table(self) -> str:
        name = self.name or snake_case(type(self).__name__)
        return table(name, self.rows(), self.weights().values())

    def _repr_html_(self) -> str | None:  # in a notebook: the summary, once there are weights
        try:
            return f"<pre>{html.escape(self._table())}</pre>"
        except ValueError:
            return None

    def __repr__(self) -> str:
        parts = [f"{part.name or '-'}={type(part).__name__}" for part in self._parts()]
        more = ", ..." if len(parts) > 8 else ""
        return f"{self.label}({', '.join(parts[:8])}{more}){self._facts()}"

    def _facts(self) -> str:
        """What is known once it is built, for the repr: (N, 784) -> (N, 10), 7,850 parameters."""
        if self.input_shape is None or self.made_shape is None:
            return ""
        shapes = f"{written(self.input_shape)} -> {written(self.made_shape)}"
        try:
            return f": {shapes}, {count(self.weights().values()):,} parameters"
        except ValueError:  # a part that was added later waits for its input
            return f": {shapes}"

    def rows(self) -> list[Row]:
        """The lines of the summary: one for each part, with the shape of its first output."""
        parts: list[Module] = []
        found: list[Row] = []
        for name, part in self.children():
            line = row(name, part, part.made_shape)
            found.append(line._replace(parameters=0) if part in parts else line)  # shared: once
            parts.append(part)
        return found or [row(self.name or snake_case(type(self).__name__), self, self.made_shape)]


@contextlib.contextmanager
def inference() -> Iterator[None]:
    """Inference mode without recording, for the thread that enters; no module is changed."""
    before = asked_mode.get(), paused.get()
    try:  # it gives both back, wherever Ctrl-C comes
        asked_mode.set(False)
        with no_grad():
            yield
    finally:
        asked_mode.set(before[0])
        paused.set(before[1])


def in_mode(module: Module, x: Any, training: bool, **given: Any) -> Any:
    """module(x) in training or in inference mode, whatever its own is."""
    if is_symbolic(x):
        raise TypeError(
            f"{module.label}: a graph has no mode of its own. Call the finished model with it, "
            "model(x, training=True)."
        )
    before = asked_mode.get()
    try:
        asked_mode.set(boolean(module.label, "training", training))
        return module(x, **given)
    finally:
        asked_mode.set(before)


def give_generator(module: Module, rng: Any) -> None:
    """Make rng the generator of the module and of every part that has none.

    A part with its own generator shares it with its parts.  TypeError if rng is no Generator.
    """
    if rng is not None:
        generator(module.label, rng)
    _give(module, rng, set())


def _give(module: Module, rng: Any, seen: set[int]) -> None:
    if id(module) not in seen:
        seen.add(id(module))
        module.rng = rng if module.rng is None else module.rng
        for part in module._parts():
            _give(part, module.rng, seen)


def _shapes(y: Any) -> Any:
    """The shape of an output without the batch; a list of them for several."""
    return [t.shape[1:] for t in y] if isinstance(y, list | tuple) else y.shape[1:]
