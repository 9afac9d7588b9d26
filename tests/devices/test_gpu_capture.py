"""tn.capture: a training step as CUDA graphs gives the bits of the ordinary one.

It needs CUDA graphs: a GPU, or CuPy itself on the emulator (`python -m tests.emulated`).
"""

from __future__ import annotations

import collections
import re
from concurrent.futures import ThreadPoolExecutor

import numpy
import pytest

import tinynet as tn
from benchmarks.gpu.steps import gpu_step
from benchmarks.twins.models import MODELS
from tinynet.devices import capture, checks, form, plain
from tinynet.devices.gpu import launch
from tinynet.layers import BatchNormalization, Conv2D, Dense, Dropout, Flatten, MaxPooling2D

pytestmark = pytest.mark.skipif(
    form.chosen is plain, reason="TINYNET_PLAIN=1 turns the kernels off"
)
needs_graphs = pytest.mark.skipif(not tn.gpu_available(), reason="the pretended GPU has no graphs")

RNG = numpy.random.default_rng(1)
BATCHES = [
    (RNG.random((6, 12, 12, 1), dtype=numpy.float32), RNG.integers(0, 10, 6)) for _ in range(6)
]


@pytest.fixture(autouse=True)
def _nothing_found():
    checks.forget()
    yield
    checks.forget()


def there(*arrays):
    return [tn.Tensor(a, device="gpu") for a in arrays]


class Training:
    """Of a small network, with a rate that changes."""

    def __init__(self, **settings):
        layers = [
            Conv2D(8, 3, activation="relu"), BatchNormalization(), MaxPooling2D(2), Dropout(0.25),
            Flatten(), Dense(10),
        ]  # fmt: skip
        rng = numpy.random.default_rng(0)
        self.model = tn.Sequential(layers, input_shape=(12, 12, 1), rng=rng).to("gpu")
        rate = lambda step: 0.01 / (1 + step)
        self.optimizer = tn.optim.Adam(self.model.parameters(), lr=rate, **settings)

    def step(self, x, labels):
        loss = tn.cross_entropy(self.model(x), labels)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss

    def losses(self, step, batches=BATCHES):
        return [step(*there(*batch)) for batch in batches]

    def bits(self):
        return {name: w.numpy().tobytes() for name, w in self.model.weights().items()}


@needs_graphs
@pytest.mark.parametrize("settings", [{}, {"clip_norm": 1.0, "weight_decay": 0.1}])
def test_a_captured_step_gives_the_same_bits(settings):
    """Weights, moving statistics, dropped numbers; and the losses are arrays of their own."""
    ordinary, captured = Training(**settings), Training(**settings)
    expected = ordinary.losses(ordinary.step)
    found = captured.losses(tn.capture(captured.step))
    assert [y.item() for y in found] == [y.item() for y in expected]
    assert captured.bits() == ordinary.bits()
    assert captured.optimizer.steps == 6
    assert len({y.item() for y in found}) == 6


@needs_graphs
def test_a_replay_launches_the_optimizers_kernels_alone(monkeypatch):
    training = Training()
    step = tn.capture(training.step)
    training.losses(step, BATCHES[:3])
    seen = []
    blocks = launch.launch_blocks
    monkeypatch.setattr(
        launch, "launch_blocks", lambda name, *a, **k: (seen.append(name), blocks(name, *a, **k))
    )
    training.losses(step, BATCHES[3:4])
    assert seen == ["noise.store", "optimizers.gather", "optimizers.adam"]


@needs_graphs
def test_many_noises_of_a_step():
    """More than a launch stores the keys of."""
    trainings = Training(), Training()

    def make(training):
        rng = numpy.random.default_rng(3)

        def step(x, labels):
            for _ in range(130):
                x = tn.gaussian_noise(x, 0.1, rng)
            return training.step(x, labels)

        return step

    ordinary, captured = map(make, trainings)
    trainings[0].losses(ordinary, BATCHES[:4])
    trainings[1].losses(tn.capture(captured), BATCHES[:4])
    assert trainings[0].bits() == trainings[1].bits()


@needs_graphs
def test_nobody_else_gets_the_memory_of_a_graph():
    import cupy

    ordinary, captured = Training(), Training()
    expected = ordinary.losses(ordinary.step)
    step = tn.capture(captured.step)
    found = captured.losses(step, BATCHES[:3])
    cupy.get_default_memory_pool().free_all_blocks()
    sizes = [2**k for k in range(4, 17) for _ in range(8)]
    others = [cupy.full(size, numpy.nan, "float32") for size in sizes]
    found += captured.losses(step, BATCHES[3:])
    assert [y.item() for y in found] == [y.item() for y in expected]
    assert all(cupy.isnan(other).all() for other in others)


@needs_graphs
def test_each_shape_has_graphs_of_its_own():
    smaller = [(x[:4], labels[:4]) for x, labels in BATCHES]
    batches = [batch for pair in zip(BATCHES, smaller, strict=True) for batch in pair]
    ordinary, captured = Training(), Training()
    expected = ordinary.losses(ordinary.step, batches)
    found = captured.losses(tn.capture(captured.step), batches)
    assert [y.item() for y in found] == [y.item() for y in expected]
    assert captured.bits() == ordinary.bits()


@needs_graphs
@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=() if n in ("vae", "gan") else pytest.mark.slow) for n in MODELS],
)
def test_each_models_step_is_captured(name):
    """Normal noise in a VAE, two optimizers in a GAN, forty steps in a recurrent layer."""
    steps = gpu_step(MODELS[name].make(4)), tn.capture(gpu_step(MODELS[name].make(4)))
    for _ in range(5):
        ordinary, captured = (step().item() for step in steps)
        assert captured == pytest.approx(ordinary, rel=1e-4)


@needs_graphs
def test_a_captured_product_in_tf32(monkeypatch):
    import cupy

    from tinynet.devices import gpu

    a, b = (RNG.standard_normal((40, 40), numpy.float32) for _ in range(2))
    tn.set_matmul_precision("tf32")
    try:
        expected = cupy.asnumpy(gpu.product(cupy.asarray(a), cupy.asarray(b)))
        monkeypatch.setattr(capture.state, "rehearsed", True)
        found = cupy.asnumpy(gpu.product(cupy.asarray(a), cupy.asarray(b)))
    finally:
        tn.set_matmul_precision("float32")
    assert 1e-4 < numpy.abs(found - a @ b).max() < 0.1
    numpy.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


@needs_graphs
@pytest.mark.parametrize("shapes", [((5, 7), (7, 3)), ((1, 4), (4, 1)), ((64, 33), (33, 2))])
@pytest.mark.parametrize("turned", ["", "a", "b", "ab"])
@pytest.mark.parametrize("offset", [0, 1])
def test_products_of_a_captured_step(shapes, turned, offset, monkeypatch):
    """By cuBLASLt, of matrices that lie in either order, at any address."""
    import cupy

    from tinynet.devices import gpu

    monkeypatch.setattr(capture.state, "rehearsed", True)
    given, expected = [], []
    for name, shape in zip("ab", shapes, strict=True):
        x = RNG.standard_normal(shape, numpy.float32)
        lies = x.T if name in turned else x
        room = cupy.zeros(x.size + offset, "float32")
        own = room[offset:].reshape(lies.shape)
        own[...] = cupy.asarray(numpy.ascontiguousarray(lies))
        given.append(own.T if name in turned else own)
        expected.append(x)
    found = cupy.asnumpy(gpu.product(*given))
    numpy.testing.assert_allclose(found, expected[0] @ expected[1], rtol=1e-5, atol=1e-5)
    monkeypatch.setattr("tinynet.devices.gpu.cublaslt.product", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):  # it was cuBLASLt's
        gpu.product(*given)


# -- what cannot be captured -----------------------------------------------------------------------


def refused(training, step, error):
    """The text of the error.  After it, ordinary steps go on."""
    captured = tn.capture(step)
    with pytest.raises(error) as found:
        training.losses(captured, BATCHES[:3])
    training.losses(training.step)
    return str(found.value)


@needs_graphs
def test_a_step_that_waits_is_refused():
    training = Training()

    def step(x, labels):
        print(training.step(x, labels).item())

    assert refused(training, step, RuntimeError) == (
        "capture: the step cannot be captured: it waits for the GPU, or copies from or to it. In "
        "the step, leave out .item(), .numpy(), print and arrays of NumPy (the current stream is "
        "capturing, so D2H transfers are disallowed). Or call it without tn.capture."
    )


@needs_graphs
def test_gradients_from_before_the_step_are_refused():
    """A graph would add to an array that is somebody else's by then."""
    training = Training()

    def step(x, labels):
        loss = tn.cross_entropy(training.model(x), labels)
        loss.backward()
        training.optimizer.step()
        return loss

    with pytest.warns(tn.MistakeWarning, match="zero_grad"):
        told = refused(training, step, RuntimeError)
    assert re.search(r"captured: '.*' has a gradient from before the step, to which a graph", told)


@needs_graphs
def test_a_refused_capture_changes_no_gradient():
    """The advice, to call the step without tn.capture, works."""
    ordinary, training = Training(), Training()

    def step(x, labels):
        loss = tn.cross_entropy(training.model(x), labels)
        loss.backward()
        if capture.state.recording:
            loss.item()
        training.optimizer.step()
        training.optimizer.zero_grad()

    captured = tn.capture(step)
    with pytest.raises(RuntimeError, match=r"\.item\(\)"):
        training.losses(captured, BATCHES[:3])
    training.losses(step, BATCHES[2:])
    ordinary.losses(ordinary.step)
    assert training.bits() == ordinary.bits()


@needs_graphs
@pytest.mark.parametrize("first", [True, False])
def test_ordinary_steps_between_replays(first):
    """With zero_grad() before backward() or at the end; an epoch ends with a smaller batch."""
    trainings = [Training(), Training()]

    def make(training):
        def step(x, labels):
            loss = tn.cross_entropy(training.model(x), labels)
            if first:
                training.optimizer.zero_grad()
            loss.backward()
            training.optimizer.step()
            if not first:
                training.optimizer.zero_grad()
            return loss

        return step

    smaller = [(x[:4], labels[:4]) for x, labels in BATCHES[:1]]
    batches = (BATCHES[:4] + smaller) * 2
    ordinary, captured = map(make, trainings)
    trainings[0].losses(ordinary, batches)
    trainings[1].losses(tn.capture(captured), batches)
    assert trainings[0].bits() == trainings[1].bits()


@needs_graphs
def test_a_step_without_an_optimizer_is_refused():
    training = Training()
    step = lambda x, labels: tn.cross_entropy(training.model(x), labels)
    assert refused(training, step, RuntimeError).startswith(
        "capture: the step has no optimizer.step(). Give a whole training step"
    )


@needs_graphs
def test_numbers_are_refused_as_results_and_as_arguments():
    training = Training()

    def step(x, labels):
        training.step(x, labels)
        return 0.5

    told = refused(training, step, TypeError)
    assert told.startswith("capture: the step returned float. Return tensors on the GPU")
    with pytest.raises(TypeError, match=r"^capture: argument 2 is float\. Give tensors "):
        tn.capture(training.step)(*there(*BATCHES[0]), 0.5)
    x, labels = BATCHES[0]
    with pytest.raises(ValueError, match=r"^capture: argument 1, .*, is on the CPU\. Give a batch"):
        tn.capture(training.step)(*there(x), tn.Tensor(labels))


@needs_graphs
def test_other_weights_than_the_captured_ones_are_told():
    training = Training()
    step = tn.capture(training.step)
    training.losses(step, BATCHES[:3])
    kernel = training.model.layers[0].kernel
    kernel.data = kernel.data.copy()
    with pytest.raises(
        RuntimeError, match=r"the graph does not see it\. Call tn\.capture again\.$"
    ):
        training.losses(step, BATCHES[3:])


@needs_graphs
def test_products_of_stacks_are_refused():
    training = Training()

    def step(x, labels):
        stack = x.reshape(6, 12, 12)
        (stack @ stack).sum()
        return training.step(x, labels)

    assert "captured: it multiplies (6, 12, 12) float32 by (6, 12, 12) float32, and a graph" in (
        refused(training, step, RuntimeError)
    )


@needs_graphs
def test_an_embedding_is_refused():
    rng = numpy.random.default_rng(0)
    layer = tn.layers.Embedding(10, 4)
    layer.build((5,), rng)
    layer.to("gpu")
    optimizer = tn.optim.Adam(layer.parameters())

    def step(x):
        optimizer.zero_grad()
        layer(x).sum().backward()
        optimizer.step()

    step = tn.capture(step)
    for _ in range(2):
        step(*there(BATCHES[0][1]))
    with pytest.raises(RuntimeError, match="cannot be captured: it waits for the GPU"):
        step(*there(BATCHES[0][1]))


@needs_graphs
def test_a_step_that_trains_on_the_cpu_too_is_refused():
    """What NumPy computes would not be in the graph."""
    training, w = Training(), tn.Tensor(numpy.ones(3, "float32"), requires_grad=True, name="w")
    optimizer = tn.optim.SGD([w], 0.1)

    def step(x, labels):
        optimizer.zero_grad()
        (w * w).sum().backward()
        optimizer.step()
        return training.step(x, labels)

    told = refused(training, step, RuntimeError)
    assert "captured: SGD moves 'w', which is on the CPU. Or call it without" in told


@needs_graphs
def test_the_doctor_sees_ordinary_steps():
    training = Training()
    step = tn.capture(training.step)
    training.losses(step)
    x, labels = BATCHES[0]
    with tn.doctor(), pytest.raises(FloatingPointError):
        training.losses(step, [(x * numpy.nan, labels)])


@needs_graphs
def test_named_arguments_and_several_results():
    Found = collections.namedtuple("Found", "loss logits")

    training, ordinary = Training(), Training()

    def step(x, *, labels):
        logits = training.model(x)
        loss = tn.cross_entropy(logits, labels)
        training.optimizer.zero_grad()
        loss.backward()
        training.optimizer.step()
        return Found(loss, {"logits": logits})

    captured = tn.capture(step)
    assert captured.__name__ == "step"
    found = []
    for x, labels in BATCHES:
        x, labels = there(x, labels)
        found.append(captured(x, labels=labels))
    expected = ordinary.losses(ordinary.step)
    assert [f.loss.item() for f in found] == [y.item() for y in expected]
    assert found[-1].logits["logits"].shape == (6, 10)


@needs_graphs
def test_another_thread_computes_while_a_step_is_captured():
    training, seen = Training(), []

    def on_the_cpu():
        x = tn.Tensor(numpy.ones(8, "float32"), requires_grad=True)
        tn.dropout(x, 0.5, numpy.random.default_rng(0)).sum().backward()
        optimizer = tn.optim.SGD([x], 1.0)
        optimizer.step()
        seen.append(optimizer.steps)

    def step(x, labels):
        with ThreadPoolExecutor(1) as pool:
            pool.submit(on_the_cpu).result()
        return training.step(x, labels)

    training.losses(tn.capture(step), BATCHES[:4])
    assert seen == [1, 1, 1]  # and none in the replay


@needs_graphs
def test_a_wrong_label_in_a_replay_is_told_late():
    """Also when right ones came after it; and once."""
    training = Training()
    step = tn.capture(training.step)
    losses = training.losses(step, BATCHES[:3])
    x, labels = BATCHES[3]
    losses += training.losses(step, [(x, labels + 10), *BATCHES[4:]])
    with pytest.raises(RuntimeError, match=r"^capture: a check of cross_entropy in a captured "):
        losses[-1].item()
    training.losses(step)[-1].item()


@needs_graphs
def test_a_step_on_the_cpu_is_an_ordinary_one():
    training = Training()
    training.model.to("cpu")
    training.optimizer = tn.optim.SGD(training.model.parameters(), 0.1)
    step = tn.capture(training.step)
    losses = [step(*map(tn.Tensor, batch)) for batch in BATCHES]
    assert all(loss.device == "cpu" for loss in losses)


# -- where there is no GPU -------------------------------------------------------------------------


def test_without_a_gpu_the_step_is_what_it_was(install_cupy):
    install_cupy(None)
    step = lambda x: x
    assert tn.capture(step) is step
    with pytest.raises(TypeError, match=r"^capture: step is int\. Give the function of a step\.$"):
        tn.capture(1)
