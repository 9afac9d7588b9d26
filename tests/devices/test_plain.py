"""The plain form and the fast one are the same kernels, and TINYNET_PLAIN chooses one of them."""

from __future__ import annotations

import ast
import inspect
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy
import pytest

from tinynet import devices
from tinynet.devices import cpu, plain

ROOT = Path(__file__).parents[2]


def run_with(value, code):
    """A new process with TINYNET_PLAIN set to that value, or unset for None."""
    environment = {k: v for k, v in os.environ.items() if k != "TINYNET_PLAIN"}
    environment |= {"PYTHONPATH": str(ROOT)} | ({} if value is None else {"TINYNET_PLAIN": value})
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


def parameters(function):
    return [(p.name, p.kind, p.default) for p in inspect.signature(function).parameters.values()]


@pytest.mark.parametrize("name", cpu.__all__)
def test_a_fast_kernel_has_the_parameters_of_the_plain_one(name):
    assert parameters(getattr(cpu, name)) == parameters(getattr(plain, name))


def asked_for():
    """The names after `kernels(...).` in tinynet, or after `device.` where that is kernels(...)."""
    names = set()
    for path in (ROOT / "tinynet").rglob("*.py"):
        text = path.read_text()
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Attribute):
                asked = getattr(node.value, "func", node.value)
                name = getattr(asked, "id", "")
                if name == "kernels" or (name == "device" and "= kernels(" in text):
                    names.add(node.attr)
    return names


def test_every_kernel_that_is_asked_for_has_both_forms():
    names = asked_for()
    assert {"product", "convolve", "masked", "column_sums", "each"} <= names
    assert names <= set(cpu.__all__)
    assert all(callable(getattr(plain, name)) for name in names)


@pytest.mark.parametrize(("value", "form"), [(None, cpu), ("", cpu), ("0", cpu), ("1", plain)])
def test_the_environment_chooses_the_form(value, form):
    code = """
        import numpy
        from tinynet.devices import kernels

        print(kernels(numpy.ones(2)).__name__)
    """
    run = run_with(value, code)
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == form.__name__


@pytest.mark.parametrize("value", ["2", "yes", "true", " 1", "01"])
def test_another_value_is_told_at_the_first_use(value):
    run = run_with(value, "import tinynet as tn; tn.Tensor(1.0)")
    assert run.returncode == 1
    last = run.stderr.strip().splitlines()[-1]
    assert last == f'ValueError: TINYNET_PLAIN must be "", "0" or "1", received {value!r}.'


def test_it_is_read_once(monkeypatch):
    before = devices.kernels(numpy.ones(2))
    monkeypatch.setenv("TINYNET_PLAIN", "0" if before is plain else "1")
    assert devices.kernels(numpy.ones(2)) is before


STEPS = """
    import numpy
    import tinynet as tn
    from tinynet.layers import BatchNormalization, Conv2D, Conv2DTranspose, Dense, Dropout
    from tinynet.layers import Flatten, LeakyReLU, MaxPooling2D

    rng = numpy.random.default_rng(0)
    layers = [
        Conv2D(4, 3, activation="relu"),  # 10 x 10
        BatchNormalization(),
        MaxPooling2D(),  # 5 x 5
        Conv2DTranspose(3, 3, strides=2),  # 11 x 11
        LeakyReLU(),
        Flatten(),
        Dropout(0.25),
        Dense(8, activation="sigmoid"),
        Dense(10),
    ]
    model = tn.Sequential(layers, input_shape=(12, 12, 1), rng=rng)
    optimizer = tn.optim.Adam(model.parameters(), lr=0.01)
    x, labels = rng.random((6, 12, 12, 1), numpy.float32), rng.integers(0, 10, 6)
    x = tn.gaussian_noise(tn.Tensor(x), 0.1, rng)
    for _ in range(3):
        optimizer.zero_grad()
        loss = tn.cross_entropy(model(x), labels)
        loss.backward()
        optimizer.step()
        print(loss.item())
"""

BROKEN = """
    from tinynet.devices import cpu
    from tinynet.devices.cpu import convolution, matrix, noise, pieces, threads

    def fast(*args, **settings):
        raise AssertionError("a fast kernel was called")

    for name in cpu.__all__:
        setattr(cpu, name, fast)
    for module in (convolution, matrix, noise, pieces, threads):
        module.each = fast
"""


def losses(value, code):
    run = run_with(value, code)
    assert run.returncode == 0, run.stderr
    return [float(line) for line in run.stdout.split()]


def test_every_step_of_a_network_is_computed_by_the_plain_form():
    """With the fast kernels broken the plain form still trains, and as the fast form does."""
    found = losses("1", textwrap.dedent(BROKEN) + textwrap.dedent(STEPS))
    assert len(found) == 3 and found[2] < found[0]
    numpy.testing.assert_allclose(losses("0", STEPS), found, rtol=1e-4)
    run = run_with("0", textwrap.dedent(BROKEN) + textwrap.dedent(STEPS))
    assert "a fast kernel was called" in run.stderr


@pytest.mark.fast_form
def test_the_fast_form_is_the_default():
    assert devices.kernels(numpy.ones(2)) is not plain
