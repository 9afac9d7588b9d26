"""Sequential: layers one after another."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

import numpy

from ..messages.arguments import generator, layer_name, shape_of_example, shown
from ..messages.names import Explained
from .module import Module, give_generator
from .names import names_of
from .summary import Row, row
from .symbols import Symbol, check_steps


class LayeredModel(Explained, Module):
    """A model of layers, and the name of each layer in it: dense, dense_1.

    rng: draws the weights, and what dropout drops.
    """

    layers: list[Module]

    def __init__(self, name: str | None, rng: numpy.random.Generator | None) -> None:
        self.name = layer_name(type(self).__name__, name)
        self.rng = None if rng is None else generator(self.label, rng)
        self.layers = []

    def no_such_input(self, name: str) -> TypeError:
        if name != "mask":
            return super().no_such_input(name)
        return TypeError(
            f"{self.label}: a call takes no mask=. Its layers find the padding: begin with "
            "Embedding(..., mask_zero=True) or Masking()."
        )

    def __len__(self) -> int:
        return len(self.layers)

    def __bool__(self) -> bool:
        return True  # without layers, too

    def __iter__(self) -> Iterator[Module]:
        return iter(self.layers)

    def __getitem__(self, which: int | slice | str) -> Any:
        """A layer by its number or name; a slice is a model of the same layers, model[:2]."""
        if isinstance(which, slice):
            return Sequential(self.layers[which], rng=self.rng)
        if not isinstance(which, str):
            return self.layers[which]
        named = dict(self.children())
        if which not in named:
            raise KeyError(f"{self.label}: no layer is called {which!r}. There are {[*named]}.")
        return named[which]

    def children(self) -> Iterator[tuple[str, Module]]:
        yield from zip(names_of(self.layers, self.label), self.layers, strict=True)
        # and the parts that a subclass adds
        yield from (c for c in super().children() if c[0].split(".")[0] != "layers")

    def _parts(self) -> list[Module]:
        if type(self).children is not LayeredModel.children:  # a subclass has its own
            return super()._parts()
        added = {name: value for name, value in vars(self).items() if name != "layers"}
        return [*self.layers, *self._parts_in(added)]


class Sequential(LayeredModel):
    """Layers one after another.

        model = tn.Sequential(
            [Conv2D(32, 3, activation="relu"), MaxPooling2D(), Flatten(), Dense(10)],
            input_shape=(28, 28, 1),
            rng=numpy.random.default_rng(0),
        )

    layers: layers, or modules of any kind; more can be added.
    input_shape: of one example, without the batch.  If left out, it is that of the first call.
    rng: draws the weights, and what dropout drops.
    """

    def __init__(
        self,
        layers: Any = (),
        input_shape: Any = None,
        rng: numpy.random.Generator | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(name, rng)
        if isinstance(layers, Module) or not isinstance(layers, Iterable):
            raise TypeError(
                f"{self.label}: layers is {type(layers).__name__}. Give a list, [Dense(10)]."
            )
        for layer in layers:
            self.add(layer)
        if input_shape is not None:
            self.build(input_shape)

    def add(self, layer: Any) -> None:
        """Put a layer at the end.

        ValueError if its name is taken, or if it does not take the model's output: then the model
        and the layer are as before.
        """
        if not isinstance(layer, Module):
            if isinstance(layer, Symbol):
                raise TypeError(
                    f"{self.label}: an Input belongs to a graph, tn.Model. Here, leave it out and "
                    f"give the model input_shape={layer.shape}."
                )
            if isinstance(layer, type):
                raise TypeError(
                    f"{self.label}: {layer.__name__} is a class. Write {layer.__name__}(...)."
                )
            raise TypeError(
                f"{self.label}: {shown(layer)} is not a layer. Give a layer, for example Dense(10)."
            )
        if any(other is layer for other in self.layers):
            raise ValueError(
                f"{self.label}: the layer {layer.label} is already in it. Make a second one, or "
                "share it in a graph of Input and Model."
            )
        name, given_name = layer.name, layer.given_name
        without_rng = [part for part in layer.modules() if part.rng is None]
        try:
            names_of([*self.layers, layer], self.label)
            check_steps(layer, reversed(self.layers))
            give_generator(layer, self.rng)
            if self.input_shape is not None:
                layer.build(self.output_shape(self.input_shape))
                if self._place() != "cpu":
                    layer.to(self._place())
        except BaseException:
            layer.name, layer.given_name = name, given_name
            for part in without_rng:
                if not getattr(part, "built", False):
                    part.rng = None  # another model may give it its own
            raise
        self.layers.append(layer)
        layer._in_model = True
        self._shape_again()

    def pop(self) -> Module:
        """Take the last layer off, and return it."""
        if not self.layers:
            raise ValueError(f"{self.label}: there is no layer to take off.")
        layer = self.layers.pop()
        self._shape_again()
        return layer

    def _shape_again(self) -> None:
        """After another layer became the last one."""
        if self.input_shape is not None:
            self._remember(self.input_shape, self.output_shape(self.input_shape))

    def build(self, input_shape: Any, rng: numpy.random.Generator | None = None) -> Sequential:
        give_generator(self, self.rng if rng is None else rng)
        shape = shape_of_example(self.label, input_shape)
        if self.layers and hasattr(self.layers[0], "look_at_input"):
            self.layers[0].look_at_input(shape)
        self.output_shape(shape)  # an error in any layer comes before the first is built
        after: Any = shape
        for layer in self.layers:
            after = layer.build(after).output_shape(after)
        self._remember(shape, after)
        return self

    def output_shape(self, input_shape: Any) -> Any:
        shape = shape_of_example(self.label, input_shape)
        for layer in self.layers:
            shape = layer.output_shape(shape)
        return shape

    @property
    def makes_mask(self) -> bool:  # type: ignore[override]
        return any(layer.makes_mask for layer in self.layers)

    def forward(self, x: Any) -> Any:
        return self.with_mask(x, None)[0]

    def with_mask(self, x: Any, mask: Any) -> tuple[Any, Any]:
        done = None
        for layer, following in itertools.zip_longest(self.layers, self.layers[1:]):
            if layer is done:
                continue
            if mask is not None or layer.makes_mask:
                x, mask = layer.with_mask(x, mask)
                continue
            both = layer.with_next(x, following)
            x, done = (layer(x), None) if both is None else (both, following)
        return x, mask

    def rows(self) -> list[Row]:
        shape, found = self.input_shape, []
        for name, layer in zip(names_of(self.layers, self.label), self.layers, strict=True):
            shape = None if shape is None else layer.output_shape(shape)
            found.append(row(name, layer, shape))
        return found
