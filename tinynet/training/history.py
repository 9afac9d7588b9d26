"""History: the numbers of a training, epoch by epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..messages.names import missing
from ..messages.notebook import table_html
from ..messages.words import OF_HISTORIES
from .progress import written


class History:
    """Numbers by name for each epoch: history["loss"] is a list, history.epochs a list of dicts."""

    def __init__(self, epochs: Any = ()) -> None:
        self.epochs: list[dict[str, float]] = [dict(numbers) for numbers in epochs]

    def __repr__(self) -> str:
        last = f", the last: {written(self.epochs[-1])}" if self.epochs else ""
        return f"History(epochs: {len(self)}{last})"

    def _repr_html_(self) -> str:
        """A table for notebooks: the first epoch and the last 20."""
        names = self.names
        rows = [
            [i, *(f"{numbers[name]:.4f}" if name in numbers else "" for name in names)]
            for i, numbers in enumerate(self.epochs, 1)
            if i == 1 or i > len(self) - 20
        ]
        return table_html("History", ["epoch", *names], rows)

    @property
    def history(self) -> History:
        """Itself: Keras' history.history["loss"] is history["loss"] here."""
        return self

    def keys(self) -> list[str]:
        """The names; so dict(history) is a dictionary of lists."""
        return self.names

    if not TYPE_CHECKING:  # type checkers know the names

        def __getattr__(self, name: str) -> Any:
            names = self.names if "epochs" in vars(self) else []
            said = {n: f"Write history[{n!r}]." for n in names}
            raise missing("History", name, dir(type(self)), OF_HISTORIES | said)

    def append(self, numbers: dict[str, float]) -> None:
        """Add the numbers of one epoch."""
        self.epochs.append(dict(numbers))

    def __getitem__(self, name: str) -> list[float]:
        """One number over the epochs that have it.  KeyError for an unknown name."""
        if not any(name in numbers for numbers in self.epochs):
            if name.startswith("val_"):
                raise KeyError(f"History: write history['validation {name[4:]}'].")
            there = ", ".join(self.names) or "nothing yet"
            raise KeyError(f"History: there is no {name!r}. There is {there}.")
        return [numbers[name] for numbers in self.epochs if name in numbers]

    def __contains__(self, name: object) -> bool:
        return name in self.names

    __iter__ = None  # names or epochs?  Loop over history.names or history.epochs

    def __len__(self) -> int:
        return len(self.epochs)

    @property
    def names(self) -> list[str]:
        """The names of all numbers, in the order of their first appearance."""
        return list(dict.fromkeys(name for numbers in self.epochs for name in numbers))

    def plot(self, title: str = "training") -> Any:
        """A matplotlib figure with a curve for each number, validation beside training."""
        from ..plot import curves

        return curves(self, title)
