"""The single operations that are timed: a step of each in tinynet and in PyTorch.

tinynet's is timed in both forms of its kernels, as a training step is (twins/steps.py).

What is timed: "forward", one call in training, recorded for the way back; "dx", "dw", "backward",
the walk back from a given gradient of the result, after a forward pass that is not timed, to the
input alone, to the kernel alone, to all that there is.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy

import tinynet as tn
from tinynet.layers import (
    Activation,
    AveragePooling2D,
    BatchNormalization,
    Conv2D,
    Conv2DTranspose,
    Dense,
    Dropout,
    MaxPooling2D,
)

from ..measure.pytorch import Disagreement
from ..twins.in_torch import LAYOUTS, Twin
from ..twins.steps import forms, on_kernels, running, torch_adam

NEAR = 1e-3  # what results in float32 may differ, relative to their norm

Step = Callable[[], Any]


class Case(NamedTuple):
    """A layer of one of the lessons' models.

    shape: of its input.  parts: what is timed.  again: whether the way back reads x (or y) again.
    """

    name: str
    layer: Callable[[], Any]
    shape: tuple[int, ...]
    parts: tuple[str, ...] = ("forward", "backward")
    again: bool = False


OF_KERNEL = ("forward", "dx", "dw")
CASES = (
    Case(
        "fashion's 2nd convolution",
        lambda: Conv2D(64, 3, use_bias=False),
        (128, 26, 26, 32),
        OF_KERNEL,
    ),
    Case(
        "mnist_low_level's 2nd convolution",
        lambda: Conv2D(64, 5, padding="same", use_bias=False),
        (128, 14, 14, 32),
        OF_KERNEL,
    ),
    Case(
        "faces_vae_256's 2nd convolution",
        lambda: Conv2D(64, 3, strides=2, padding="same", use_bias=False),
        (16, 128, 128, 32),
        OF_KERNEL,
    ),
    Case(
        "faces_vae_256's 4th transposed one",
        lambda: Conv2DTranspose(32, 3, strides=2, padding="same", use_bias=False),
        (16, 64, 64, 64),
        OF_KERNEL,
    ),
    Case(
        "denoising_autoencoder's 1st dense one",
        lambda: Dense(1024, use_bias=False),
        (256, 784),
        OF_KERNEL,
    ),
    Case("fashion's max pooling", lambda: MaxPooling2D(2), (128, 24, 24, 64)),
    Case("the same, of averages", lambda: AveragePooling2D(2), (128, 24, 24, 64)),
    Case("mnist's 2nd batch normalization", BatchNormalization, (64, 24, 24, 32), again=True),
    Case("fashion's 1st dropout", lambda: Dropout(0.25), (128, 12, 12, 64)),
    Case("faces_vae's sigmoid", lambda: Activation("sigmoid"), (32, 64, 64, 3), again=True),
)


class Timing(NamedTuple):
    """A step in each library.

    amount: floating-point operations, two for a product and its addition, none for the zeros of a
    border; or bytes, where every number that must come in or go out is counted once.
    """

    operation: str
    part: str
    shape: tuple[int, ...]
    unit: str  # "GFLOP/s" or "GB/s"
    amount: int
    steps: dict[str, Step]


class Stopwatch:
    """A clock that runs only while the timed half of a step does."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds

    def timed(self, run: Callable[[Any], Any], prepare: Step = lambda: None) -> Step:
        """A step that prepares, and hands what was prepared to the timed half."""

        def step() -> Any:
            held = prepare()
            start = time.perf_counter()
            made = run(held)
            self.seconds += time.perf_counter() - start
            return made

        return step


def timings(torch: Any, watch: Stopwatch) -> Iterator[Timing]:
    for case in CASES:
        if torch:
            agree(case, torch)
        for part in case.parts:
            yield of_layer(case, part, torch, watch)
    yield of_cross_entropy(1000, 10, torch, watch)
    yield of_bce(256, 784, torch, watch)
    yield of_adam(torch, watch)


# -- layers ----------------------------------------------------------------------------------------


def parts_of(case: Case) -> tuple[Any, numpy.ndarray, numpy.ndarray]:
    """The layer in a model, an input, and a gradient of the output; always the same."""
    rng = numpy.random.default_rng(0)
    network = tn.Sequential([case.layer()], input_shape=case.shape[1:], rng=rng)
    shape = (case.shape[0], *network.output_shape(case.shape[1:]))
    return network, *(rng.standard_normal(s, dtype=numpy.float32) for s in (case.shape, shape))


def of_layer(case: Case, part: str, torch: Any, watch: Stopwatch) -> Timing:
    network, x, dy = parts_of(case)
    steps = ours(lambda: our_part(*parts_of(case), part, watch))
    for layout in LAYOUTS if torch and x.ndim == 4 else LAYOUTS[:1] if torch else ():
        steps[layout] = their_part(network, x, dy, part, Twin(torch, layout), watch)
    if case.parts == OF_KERNEL:
        return Timing(case.name, part, x.shape, "GFLOP/s", 2 * products(case), steps)
    again = part == "backward" and case.again
    return Timing(case.name, part, x.shape, "GB/s", x.nbytes * (1 + again) + dy.nbytes, steps)


def ours(make: Callable[[], Step]) -> dict[str, Step]:
    """The step in each form, made anew for each."""
    return {name: on_kernels(kernels, make()) for name, kernels in forms().items()}


def products(case: Case) -> int:
    """How many products of a pixel and a weight the layer needs: what comes out if all are 1."""
    network, *_ = parts_of(case)
    (kernel,) = network.parameters()
    kernel.data[...] = 1
    ones = numpy.ones((1, *case.shape[1:]), numpy.float32)
    return case.shape[0] * int(tn.predict(network, ones).sum(dtype=numpy.float64))


def our_part(
    network: Any, x: numpy.ndarray, dy: numpy.ndarray, part: str, watch: Stopwatch
) -> Step:
    x_tensor = tn.Tensor(x, requires_grad=part != "dw")
    leaves = [x_tensor, *network.parameters()]
    for w in leaves[1:]:
        w.requires_grad = part != "dx"
    if part == "forward":
        return watch.timed(lambda _: network(x_tensor))

    def prepare() -> tn.Tensor:
        for leaf in leaves:
            leaf.grad = None
        return network(x_tensor)

    return watch.timed(lambda y: y.backward(dy), prepare)


def their_part(
    network: Any, x: numpy.ndarray, dy: numpy.ndarray, part: str, twin: Twin, watch: Stopwatch
) -> Step:
    module = twin.module(network)
    x_tensor, upstream = twin.batch(x).requires_grad_(part != "dw"), twin.batch(dy)
    weights = [pair.theirs.requires_grad_(part != "dx") for pair in twin.pairs]
    if part == "forward":
        return watch.timed(lambda _: module(x_tensor))
    leaves = [leaf for leaf in (x_tensor, *weights) if leaf.requires_grad]
    gradients = twin.torch.autograd.grad
    return watch.timed(lambda y: gradients(y, leaves, upstream), lambda: module(x_tensor))


def agree(case: Case, torch: Any) -> None:
    """Disagreement unless both libraries give the same results, from the same noise."""
    for layout, (form, kernels) in itertools.product(LAYOUTS, forms().items()):
        network, x, dy = parts_of(case)
        twin = Twin(torch, layout)
        twin.draw_like(None)
        module = twin.module(network)
        theirs, our_x = twin.batch(x).requires_grad_(), tn.Tensor(x, requires_grad=True)
        with running(kernels):
            y, z = network(our_x), module(theirs)
            y.backward(dy)
        z.backward(twin.batch(dy))
        same(f"{form}: the result", case.name, twin.batch(y.data), z)
        same(f"{form}: dx", case.name, twin.batch(our_x.grad), theirs.grad)
        for pair in twin.pairs:
            what = f"{form}: the gradient of {pair.name}"
            same(what, case.name, pair.turned(pair.ours.grad), pair.theirs.grad)


def same(what: str, name: str, ours: Any, theirs: Any) -> None:
    a, b = (numpy.asarray(t.detach() if hasattr(t, "detach") else t) for t in (ours, theirs))
    apart = float(numpy.linalg.norm((a - b).ravel()) / numpy.linalg.norm(b.ravel()))
    if not apart <= NEAR:  # NaN too
        raise Disagreement(
            f"{name}, {what} differs from PyTorch's by {apart:.1e}, and {NEAR:g} is allowed. They "
            "do not compute the same, so their times are not compared."
        )


# -- losses, and the step --------------------------------------------------------------------------


def of_cross_entropy(N: int, K: int, torch: Any, watch: Stopwatch) -> Timing:
    """Of N examples and K classes, forward and backward."""
    rng = numpy.random.default_rng(0)
    z, labels = rng.standard_normal((N, K), dtype=numpy.float32), rng.integers(0, K, N)
    theirs = torch and torch.nn.functional.cross_entropy
    return of_loss("cross-entropy", tn.cross_entropy, theirs, z, labels, torch, watch)


def of_bce(N: int, D: int, torch: Any, watch: Stopwatch) -> Timing:
    """Of the logits of N pictures of D pixels."""
    rng = numpy.random.default_rng(0)
    z, target = rng.standard_normal((N, D), dtype=numpy.float32), rng.random((N, D), numpy.float32)
    theirs = torch and torch.nn.functional.binary_cross_entropy_with_logits
    return of_loss("bce with logits", tn.bce_with_logits, theirs, z, target, torch, watch)


def of_loss(
    name: str, loss: Any, their_loss: Any, z: numpy.ndarray, target: numpy.ndarray, torch: Any,
    watch: Stopwatch,
) -> Timing:  # fmt: skip
    def made() -> tuple[tn.Tensor, Step]:
        leaf = tn.Tensor(z, requires_grad=True)

        def run(_: Any = None) -> None:
            leaf.grad = None
            loss(leaf, target).backward()

        return leaf, run

    steps = ours(lambda: watch.timed(made()[1]))
    if torch:
        twin, targets = torch.from_numpy(z.copy()).requires_grad_(), torch.from_numpy(target)

        def theirs(_: Any = None) -> None:
            twin.grad = None
            their_loss(twin, targets).backward()

        theirs()
        for form, kernels in forms().items():
            leaf, run = made()
            on_kernels(kernels, run)()
            same(f"{form}: the gradient", name, leaf.grad, twin.grad)
        steps[LAYOUTS[0]] = watch.timed(theirs)
    return Timing(name, "both ways", z.shape, "GB/s", 2 * z.nbytes + target.nbytes, steps)


def of_adam(torch: Any, watch: Stopwatch) -> Timing:
    """A step on the weights of `fashion`: four arrays are read, three written."""
    rng = numpy.random.default_rng(0)
    shapes = ((3, 3, 1, 32), (32,), (3, 3, 32, 64), (64,), (9216, 128), (128,), (128, 10), (10,))
    starts = [0.01 * rng.standard_normal(shape, dtype=numpy.float32) for shape in shapes]
    # None is near 0, where the two epsilons, of which Keras' is larger, make different steps.
    slopes = [rng.uniform(0.1, 1, shape).astype(numpy.float32) for shape in shapes]

    def made() -> tuple[list[tn.Tensor], Step]:
        weights = [tn.Tensor(w, requires_grad=True) for w in starts]
        for w, dw in zip(weights, slopes, strict=True):
            w.grad = dw
        return weights, tn.optim.Adam(weights, 0.001).step

    def timed(step: Step) -> Step:
        return watch.timed(lambda _: step())

    steps = ours(lambda: timed(made()[1]))
    if torch:
        theirs = [torch.from_numpy(w.copy()).requires_grad_() for w in starts]
        for w, dw in zip(theirs, slopes, strict=True):
            w.grad = torch.from_numpy(dw)
        their_optimizer = torch_adam(torch, theirs)
        their_optimizer.step()
        for form, kernels in forms().items():
            weights, step = made()
            on_kernels(kernels, step)()
            for w, other, start in zip(weights, theirs, starts, strict=True):
                same(f"{form}: the step", "Adam", w.data - start, other.detach().numpy() - start)
        steps[LAYOUTS[0]] = timed(their_optimizer.step)
    count = sum(w.size for w in starts)
    return Timing("Adam, fashion's weights", "a step", (count,), "GB/s", 7 * 4 * count, steps)
