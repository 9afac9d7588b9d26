"""Minibatches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy

from ..devices import Array, device_named, device_of, is_array, move, on_gpu
from ..engine.tensor import Tensor
from ..io.state import State, generator_state, restore_generator
from ..messages.arguments import (
    PADDED,
    boolean,
    function,
    generator,
    ragged,
    whole,
    with_its_mask,
)
from ..messages.engine import refuse_mask
from ..messages.names import explained

Augment = Callable[[numpy.ndarray, numpy.random.Generator], numpy.ndarray]


@explained
def batches(
    *arrays: Any,
    size: int = 32,
    rng: numpy.random.Generator | None = None,
    device: str = "cpu",
    augment: Augment | None = None,
    prefetch: bool = False,
    drop_last: bool = False,
) -> Batches:
    """The examples in minibatches: each loop `for x, y in batches(...)` is one pass over them.

    arrays: arrays with equally long first axes, for example pictures and labels.  Arrays on the GPU
        stay there, if the batches are to be there.
    size: examples a batch; the last batch holds the rest.
    rng: numpy.random.default_rng(seed) shuffles, differently in each pass; None keeps the order.
    device: of the batches, "cpu" or "gpu" (or "cuda").
    augment: a function (pictures, rng) -> pictures for the first array of each batch, for example
        functools.partial(tn.data.augment.rotate, degrees=10).  Each batch has a separate
        generator, drawn from rng, which is then needed.
    prefetch: whether a thread prepares the next batch while this one is used.
    drop_last: whether to leave out a smaller last batch: batch-norm cannot train on one row.

    ValueError for no arrays, no examples, different lengths, or a size below 1.
    """
    if any(with_its_mask(a) for a in arrays):
        raise TypeError(f"batches: x and its mask are in one tuple. {PADDED}, and give x.")
    if any(ragged(a) for a in arrays):
        raise ValueError(f"batches: the sequences have different lengths. {PADDED}.")
    try:
        data = [_where_it_serves(a, device, k == 0 and bool(augment)) for k, a in enumerate(arrays)]
    except ValueError:
        cure = "Give arrays, (N, ...) each."
        if len(arrays) == 1:
            cure = "Give the arrays apart, batches(x, target)."
        raise ValueError(f"batches: the rows of the list have different lengths. {cure}") from None
    if not data or any(a.ndim == 0 for a in data):
        cure = "Give arrays, (N, ...) each."
        if len(arrays) > 1 and isinstance(arrays[-1], int):
            cure = f"The size has a name, size={arrays[-1]}."
        raise ValueError(f"batches: there is nothing to divide. {cure}")
    lengths = [len(a) for a in data]
    if len(set(lengths)) > 1:
        raise ValueError(
            f"batches: the arrays hold {' and '.join(map(str, lengths))} examples. They must be "
            "equally many, one label for each picture."
        )
    if lengths[0] == 0:
        raise ValueError("batches: the arrays hold no examples. Check how they were loaded.")
    for a in data:
        if a.dtype.kind not in "fiub":
            raise TypeError(f"batches: the arrays hold {a.dtype}. Give numbers.")
    size = whole("batches", "size", size)
    prefetch = boolean("batches", "prefetch", prefetch)
    drop_last = boolean("batches", "drop_last", drop_last)
    if rng is not None:
        generator("batches", rng)
    function("batches", "augment", augment, "Give a function (pictures, rng).")
    if augment is not None and rng is None:
        raise ValueError(
            "batches: augment draws at random, and there is no rng. Give "
            "rng=numpy.random.default_rng(0)."
        )
    if drop_last and lengths[0] < size:
        raise ValueError(
            f"batches: {lengths[0]} examples fill no batch of {size}, and drop_last leaves none. "
            "Give a smaller size."
        )
    try:
        device = device_named(device)
    except ValueError as error:
        raise ValueError(f"batches: {error}") from None
    move(data[0][:0], device)  # GPUNotAvailableError now, and not at the first batch
    return Batches(data, size, rng, device, augment, prefetch, drop_last)


class Batches:
    """Minibatches of arrays, made by `batches`; any number of passes over them is possible.

    len(batches) is the number of batches, batches.examples the number of examples.
    """

    def __init__(
        self,
        arrays: list[Array],
        size: int,
        rng: numpy.random.Generator | None,
        device: str,
        augment: Augment | None,
        prefetch: bool,
        drop_last: bool = False,
    ) -> None:
        self.arrays = arrays
        self.examples = len(arrays[0])
        self.size = size
        self.rng = rng
        self.device = device
        self.augment = augment
        self.prefetch = prefetch
        self.drop_last = drop_last

    def __repr__(self) -> str:
        order = "in their order" if self.rng is None else "shuffled"
        arrays = ", ".join(f"{a.shape} {a.dtype}" for a in self.arrays)
        return (
            f"Batches({self.examples:,} examples in {len(self):,} batches of {self.size}, {order}: "
            f"{arrays})"
        )

    def __len__(self) -> int:
        return self.examples // self.size if self.drop_last else -(-self.examples // self.size)

    def __iter__(self) -> Iterator[tuple[Tensor, ...]]:
        return self.start_at(0)

    def start_at(self, first: int) -> Iterator[tuple[Tensor, ...]]:
        """One pass without the first batches: a stopped run continues here."""
        order = None
        if self.rng is not None:
            chosen = self.rng.permutation(self.examples)
            order = {place: move(chosen, place) for place in set(map(device_of, self.arrays))}
        # Batch k draws from a separate generator, so that a batch left out is not computed.
        key = int(self.rng.integers(2**63)) if self.augment and self.rng is not None else 0
        if self.prefetch:
            return self._ahead(first, order, key)
        return (self._moved(self._prepared(k, order, key)) for k in range(first, len(self)))

    def _prepared(self, k: int, order: dict[str, Array] | None, key: int) -> list[Array]:
        span = slice(k * self.size, (k + 1) * self.size)
        batch = [a[span if order is None else order[device_of(a)][span]] for a in self.arrays]
        if self.augment:
            pictures = self.augment(batch[0], numpy.random.default_rng((key, k)))
            if numpy.shape(pictures)[:1] != (len(batch[0]),):
                raise ValueError(
                    f"batches: augment returned shape {numpy.shape(pictures)} for pictures "
                    f"{batch[0].shape}. It must return as many."
                )
            batch[0] = pictures
        return batch

    def _moved(self, batch: list[Array]) -> tuple[Tensor, ...]:
        return tuple(Tensor(a).to(self.device) for a in batch)

    def _ahead(
        self, first: int, order: dict[str, Array] | None, key: int
    ) -> Iterator[tuple[Tensor, ...]]:
        with ThreadPoolExecutor(1) as thread:
            waiting = None
            for k in range(first, len(self)):
                ready = waiting or thread.submit(self._prepared, k, order, key)
                if k + 1 < len(self):
                    waiting = thread.submit(self._prepared, k + 1, order, key)
                yield self._moved(ready.result())

    def state_dict(self) -> State:
        """The position of the generator; taken before a pass, it repeats that pass."""
        state: State = {"examples": self.examples, "size": self.size, "drop_last": self.drop_last}
        return state if self.rng is None else state | {"rng": generator_state(self.rng)}

    def load_state_dict(self, state: State) -> None:
        """Put the generator back.  ValueError, and no change, for a state of other batches."""
        own = self.state_dict()
        lines = [
            f"{name} is {own[name]} here, and {state.get(name)} in what is loaded"
            for name in ("examples", "size", "drop_last")
            if own[name] != state.get(name)
        ]
        if ("rng" in own) != ("rng" in state):
            here, there = ("there is one", "none")[:: 1 if "rng" in own else -1]
            lines.append(f"rng: {here} here, and {there} in what is loaded")
        if lines:
            raise ValueError(
                "batches: the state is of other batches:\n  "
                + "\n  ".join(lines)
                + "\nNothing was loaded. Give them as they were when it was saved."
            )
        if self.rng is not None:
            restore_generator("batches", self.rng, state["rng"])


def _where_it_serves(a: Any, device: Any, augmented: bool) -> Array:
    """On the host; of batches on the GPU, what is there already stays there."""
    if isinstance(a, Tensor):
        a = a.data
    refuse_mask("batches: an array", a)
    if not (on_gpu(a) and device in ("gpu", "cuda") and not augmented):
        a = numpy.asarray(move(a, "cpu") if is_array(a) else a)
    return a.astype(numpy.float32) if a.dtype == numpy.float64 else a
