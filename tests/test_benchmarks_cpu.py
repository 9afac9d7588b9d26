"""The benchmark of the lessons' models: their PyTorch twins compute the same.  No times here."""

from __future__ import annotations

import importlib
import json
import sys

import numpy
import pytest

import tinynet as tn
from benchmarks import compare, cpu
from benchmarks.__main__ import main as command
from benchmarks.models import MODELS, autoencoder
from benchmarks.twin import LAYOUTS, Twin
from benchmarks.work import Row, Work
from tinynet.layers import (
    Activation,
    AveragePooling2D,
    BatchNormalization,
    Conv2D,
    Conv2DTranspose,
    Dense,
    Dropout,
    Flatten,
    LeakyReLU,
    MaxPooling2D,
    Reshape,
)

TINY = cpu.Effort(rounds=2, seconds=0.0)
SLOW = {"faces_vae_256", "dogs_vae", "sparse_autoencoder"}
NAMES = [pytest.param(n, marks=pytest.mark.slow) if n in SLOW else n for n in MODELS]


@pytest.fixture
def torch():
    return pytest.importorskip("torch")


def work_of(network, x):
    """The mean square of what comes out: its gradient tells every output from every other."""

    def theirs(twin):
        module = twin.module(network)
        return lambda x: (module(x) ** 2).mean()

    return Work(network, (x,), lambda x: (network(x) ** 2).mean(), theirs)


def assert_same(torch, network, x):
    for layout in LAYOUTS:
        work = cpu.in_float64(work_of(network, x))
        for parameter in network.parameters():
            parameter.grad = None
        found = cpu.differences("m", work, Twin(torch, layout))
        assert max(found) < 1e-9, layout


# -- layers ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [6, 8])
@pytest.mark.parametrize("kernel", [1, 2, 3, 4, 5])
@pytest.mark.parametrize(("strides", "padding"), [(1, "valid"), (2, "valid"), (2, "same")])
@pytest.mark.parametrize("layer", [Conv2D, Conv2DTranspose])
def test_convolutions_have_a_twin(layer, strides, padding, kernel, size, torch, rng):
    if layer is Conv2DTranspose and kernel < strides:
        pytest.skip("PyTorch has none: see the errors")
    convolution = layer(3, kernel, strides=strides, padding=padding, activation="relu")
    network = tn.Sequential([convolution], input_shape=(size, size + 2, 2), rng=rng)
    network.layers[0].bias.data[...] = rng.random(3)
    assert_same(torch, network, rng.random((2, size, size + 2, 2), dtype=numpy.float32))


@pytest.mark.parametrize("size", [6, 7, 8])
@pytest.mark.parametrize(("pool", "strides"), [(2, None), (3, 2), (3, None), (3, 1)])
@pytest.mark.parametrize("padding", ["valid", "same"])
def test_pooling_has_a_twin(padding, pool, strides, size, torch, rng):
    layers = [Conv2D(2, 1), MaxPooling2D(pool, strides, padding, name="pool")]
    network = tn.Sequential(layers, input_shape=(size, size + 1, 2), rng=rng)
    assert_same(torch, network, rng.random((2, size, size + 1, 2), dtype=numpy.float32))


def dropping(rng):
    layers = [Conv2D(3, 2), Dropout(0.3), Flatten(), Dropout(0.5), Dense(4), Dropout(0.2)]
    return tn.Sequential(layers, input_shape=(4, 5, 2), rng=rng)


def test_the_twin_drops_what_the_model_drops(torch, rng):
    assert_same(torch, dropping(rng), rng.random((3, 4, 5, 2), dtype=numpy.float32))


def test_dropout_of_training_is_pytorchs_own(torch, rng):
    network = dropping(rng)
    before = network.layers[1].rng.bit_generator.state
    twin = Twin(torch)
    module, x = twin.module(network), twin.batch(rng.random((3, 4, 5, 2), dtype=numpy.float32))
    assert not module(x).equal(module(x))
    assert network.layers[1].rng.bit_generator.state == before


def test_the_way_from_pictures_to_a_code_and_back_has_a_twin(torch, rng):
    x = tn.Input((8, 12, 2))
    h = LeakyReLU(0.2)(BatchNormalization()(Conv2D(3, 3, strides=2, padding="same")(x)))
    code = Dense(5, activation="tanh")(Activation("sigmoid")(Flatten()(h)))
    h = Reshape((4, 6, 3))(LeakyReLU()(Dense(72, activation="softplus")(code)))
    y = Conv2DTranspose(2, 3, strides=2, padding="same", activation="sigmoid")(h)
    network = tn.Model(x, y, rng=rng)
    for parameter in network.parameters():  # no two numbers alike: a wrong order is seen
        parameter.data[...] = rng.normal(0, 0.5, parameter.shape)
    assert_same(torch, network, rng.random((4, 8, 12, 2), dtype=numpy.float32))


def test_a_model_with_two_outputs_gives_both_and_a_nested_one_is_walked_into(torch, rng):
    inner = tn.Sequential([Flatten(), Dense(6, activation="relu")])
    x = tn.Input((2, 3, 2))
    h = inner(x)
    network = tn.Model(x, [Dense(4)(h), Dense(5)(h)], rng=rng)
    twin = Twin(torch)
    array = rng.random((3, 2, 3, 2), dtype=numpy.float32)
    got = twin.module(network)(twin.batch(array))
    expected = tn.predict(network, array)
    assert [tuple(y.shape) for y in got] == [(3, 4), (3, 5)]
    for ours, theirs in zip(expected, got, strict=True):
        numpy.testing.assert_allclose(theirs.detach().numpy(), ours, atol=1e-6)


def test_channels_last_lies_so_in_memory_and_the_default_does_not(torch):
    array = numpy.arange(24, dtype=numpy.float32).reshape(1, 2, 3, 4)
    first, last = (Twin(torch, layout).batch(array) for layout in LAYOUTS)
    assert first.is_contiguous() and not last.is_contiguous()
    assert last.is_contiguous(memory_format=torch.channels_last)
    assert first.equal(last)
    numpy.testing.assert_array_equal(first[0, 1], array[0, ::-1, ::-1, 1])  # turned


def test_the_twins_weights_are_its_own(torch, rng):
    network = tn.Sequential([Dense(3)], input_shape=(2,), rng=rng)
    before = network.layers[0].kernel.data.copy()
    twin = Twin(torch)
    twin.module(network)
    with torch.no_grad():
        for pair in twin.pairs:
            pair.theirs.add_(1)
    numpy.testing.assert_array_equal(network.layers[0].kernel.data, before)


ERRORS = [
    (
        lambda twin, rng: twin.module(
            tn.Sequential([AveragePooling2D()], input_shape=(4, 4, 1), rng=rng)
        ),
        "Twin: there is no twin of AveragePooling2D. Write Twin._AveragePooling2D(layer, x), which "
        "returns a function and a Value.",
    ),
    (
        lambda twin, rng: twin.module(
            tn.Sequential([Dense(2, activation=tn.exp)], input_shape=(3,), rng=rng)
        ),
        "Twin: there is no twin of the activation 'exp'. Add it to Twin._activation.",
    ),
    (
        lambda twin, rng: twin.module(
            tn.Sequential(
                [Flatten(), BatchNormalization(name="bn")], input_shape=(2, 2, 1), rng=rng
            )
        ),
        "Twin: BatchNormalization 'bn' after Flatten has no twin. Write it by hand.",
    ),
    (
        lambda twin, rng: twin.module(
            tn.Sequential(
                [Conv2DTranspose(1, 1, strides=2, name="up")], input_shape=(2, 2, 1), rng=rng
            )
        ),
        "Twin: Conv2DTranspose 'up': PyTorch has no such padding. Write it by hand.",
    ),
    (
        lambda twin, rng: twin.module(
            tn.Sequential(
                [Conv2D(1, 2, padding="same", name="even")], input_shape=(2, 2, 1), rng=rng
            )
        ),
        "Twin: Conv2D 'even': PyTorch has no such padding. Write it by hand.",
    ),
    (
        lambda twin, rng: twin.module(
            tn.Sequential([Reshape((2, 2, 1), name="r")], input_shape=(4,), rng=rng)
        ),
        "Twin: Reshape 'r' does not follow a Dense. Write it by hand.",
    ),
]


@pytest.mark.parametrize(("call", "message"), ERRORS)
def test_what_has_no_twin_is_named(call, message, torch, rng):
    with pytest.raises(TypeError) as error:
        call(Twin(torch), rng)
    assert str(error.value) == message


def test_a_layout_that_there_is_not_is_named(torch):
    with pytest.raises(ValueError) as error:
        Twin(torch, "last")
    assert str(error.value) == (
        "Twin: layout must be one of ('default layout', 'channels last'), received 'last'."
    )


# -- the lessons' models ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_losses_and_gradients_of_a_model_and_its_twin_agree(name, torch):
    pytest.importorskip("matplotlib")
    found = cpu.check(name, MODELS[name]._replace(batch=2), torch)
    assert set(found) == set(LAYOUTS)


def test_the_noise_of_the_check_is_the_same_and_that_of_training_is_not(torch):
    pytest.importorskip("matplotlib")
    work = MODELS["vae"].make(2)
    twin = Twin(torch)
    like = torch.zeros(2, 3)
    assert not twin.normal(like).equal(twin.normal(like))
    twin.draw_like(work.rng)
    numpy.testing.assert_array_equal(
        twin.normal(like), work.rng.standard_normal((2, 3), dtype=numpy.float32)
    )
    numpy.testing.assert_array_equal(
        twin.uniform(like), work.rng.random((2, 3), dtype=numpy.float32)
    )


def broken(change):
    """A small autoencoder whose twin computes something else."""

    def make(batch):
        network = tn.Sequential(
            [Dense(3, activation="sigmoid"), Dense(5)],
            input_shape=(5,),
            rng=numpy.random.default_rng(0),
        )
        x = numpy.random.default_rng(1).random((batch, 5), dtype=numpy.float32)
        work = work_of(network, x)

        def theirs(twin):
            loss = work.theirs(twin)
            return lambda x: change(loss(x), twin)

        return work._replace(theirs=theirs)

    return Row(4, make)


def test_a_twin_with_another_loss_stops_the_benchmark(torch):
    cpu.check("fine", broken(lambda loss, twin: loss), torch)
    with pytest.raises(cpu.Disagreement) as error:
        cpu.check("slip", broken(lambda loss, twin: loss * 1.0001), torch)
    assert str(error.value) == (
        "slip: losses in float64 of tinynet and PyTorch (default layout) differ by 1.0e-04, and "
        "1e-06 is allowed. They do not compute the same, so their times are not compared."
    )


def test_a_wrong_gradient_of_one_small_bias_stops_the_benchmark(torch):
    def nudge(loss, twin):  # the value is right, the gradient of the first bias is not
        bias = next(pair.theirs for pair in twin.pairs if pair.name.endswith("bias"))
        return loss + 1e-5 * (bias - bias.detach()).sum()

    with pytest.raises(cpu.Disagreement, match="slip: gradients in float64"):
        cpu.check("slip", broken(nudge), torch)
    found = cpu.differences("m", cpu.in_float64(broken(nudge).make(4)), Twin(torch))
    assert found.loss < 1e-12 and found.parameter > 2 * found.gradient


@pytest.mark.parametrize(
    ("exact", "near", "what"),
    [
        ((2e-6, 0, 0), (0, 0, 0), "losses in float64"),
        ((0, 0, 2e-6), (0, 0, 0), "gradients in float64"),
        ((0, 0, 0), (2e-3, 0, 0), "losses in float32"),
        ((0, 0, 0), (0, 2e-2, 0), "gradients in float32"),
        ((0, 1, 0), (0, 0, 1), None),  # what is not asked
    ],
)
def test_every_tolerance_is_held(exact, near, what, torch, monkeypatch):
    found = iter([cpu.Differences(*exact), cpu.Differences(*near)] * 2)
    monkeypatch.setattr(cpu, "differences", lambda *_: next(found))
    if what is None:
        cpu.check("m", broken(None), torch)
        return
    with pytest.raises(cpu.Disagreement, match=f"m: {what}"):
        cpu.check("m", broken(None), torch)


def test_a_twin_that_forgets_a_parameter_stops_the_benchmark(torch):
    def forget(loss, twin):
        twin.pairs.pop()
        return loss

    with pytest.raises(cpu.Disagreement) as error:
        cpu.check("slip", broken(forget), torch)
    assert str(error.value) == (
        "slip: the twin and the model do not have the same parameters. Make each of the twin's "
        "with twin.module or twin.parameter."
    )


def test_a_loss_of_nan_stops_the_benchmark(torch):
    with pytest.raises(cpu.Disagreement, match="differ by nan"):
        cpu.check("slip", broken(lambda loss, twin: loss * float("nan")), torch)


def test_both_learn_by_the_timed_step_and_stay_together(torch):
    """Twenty steps of Adam from the same weights: only epsilon differs, and rounding."""
    row = broken(lambda loss, twin: loss)
    steps = cpu.contestants(row.make(4), torch)
    assert list(steps) == ["tinynet", LAYOUTS[0]]  # nothing here to lay out
    losses = {name: [step().item() for _ in range(20)] for name, step in steps.items()}
    ours, theirs = losses.values()
    numpy.testing.assert_allclose(ours, theirs, rtol=1e-4)
    assert ours[-1] < ours[0]


def test_pictures_are_timed_in_both_layouts(torch, rng):
    network = tn.Sequential([Conv2D(2, 3)], input_shape=(6, 6, 1), rng=rng)
    work = work_of(network, rng.random((2, 6, 6, 1), dtype=numpy.float32))
    assert list(cpu.contestants(work, torch)) == ["tinynet", *LAYOUTS]


# -- the report ------------------------------------------------------------------------------------


def found(**times):
    best = min((name for name in times if name != "tinynet"), default=None)
    return {
        "model": "m",
        "batch": 8,
        "seconds a step, by round": times,
        "PyTorch's better layout": best,
        "tinynet's part of it": best and compare.ratio(times["tinynet"], times[best])._asdict(),
    }


def test_a_line_has_both_times_the_ratio_and_the_layout_where_there_are_two():
    one = cpu.line(found(tinynet=[0.001, 0.001], default=[0.002, 0.002]))
    assert one.split() == ["m", "8", "1.00", "ms", "2.00", "ms", "0.50", "(0.50", "to", "0.50)"]
    two = cpu.line(found(tinynet=[0.001], a=[0.004], b=[0.005]))
    assert two.endswith("0.25 (0.25 to 0.25), a")
    assert cpu.line(found(tinynet=[0.001])).split() == ["m", "8", "1.00", "ms"]
    assert cpu.line(found(tinynet=[0.001, 0.003])).endswith("unsteady: run it again")


def test_the_better_layout_counts(monkeypatch):
    times = {"tinynet": [3.0] * 3, LAYOUTS[0]: [2.0] * 3, LAYOUTS[1]: [1.0] * 3}
    monkeypatch.setattr(cpu, "take_turns", lambda *_: times)
    monkeypatch.setattr(cpu, "check", lambda *_: {})
    monkeypatch.setattr(cpu, "contestants", lambda *_: {})
    row = broken(lambda loss, twin: loss)
    got = cpu.time_model("m", row, TINY, torch=object())
    assert got["PyTorch's better layout"] == LAYOUTS[1]
    assert got["tinynet's part of it"]["median"] == 3
    assert got["parameters"] == 5 * 3 + 3 + 3 * 5 + 5


def test_a_run_is_printed_and_written(torch, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(compare.time, "sleep", lambda seconds: None)
    path = tmp_path / "results" / "cpu.json"
    assert cpu.report({"small": broken(lambda loss, twin: loss)}, TINY, 1, path) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[-3].startswith("small")
    kept = json.loads(path.read_text())
    assert kept["machine"]["PyTorch"].endswith(", 1 threads")
    (row,) = kept["models"]
    assert row["model"] == "small" and len(row["seconds a step, by round"]["tinynet"]) == 2
    assert row["differences"][LAYOUTS[0]]["float64"]["loss"] < 1e-9


def test_without_pytorch_the_report_has_our_own_column_and_says_why(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setattr(compare.time, "sleep", lambda seconds: None)
    assert cpu.report({"small": broken(None)}, TINY, 1, None) == 0
    out = capsys.readouterr().out
    assert 'pip install -e ".[bench]"' in out
    assert out.splitlines()[-1].split()[:2] == ["small", "4"]
    assert len(out.splitlines()[-1].split()) == 4


def test_a_disagreement_ends_with_one_line_and_code_1(torch, capsys):
    rows = {"slip": broken(lambda loss, twin: 2 * loss)}
    assert cpu.report(rows, TINY, 1, None) == 1
    assert capsys.readouterr().err.startswith("benchmarks cpu: slip: losses in float64")


def test_without_what_the_lessons_need_it_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "torch", None)
    for name in [n for n in sys.modules if n.startswith(("lessons", "matplotlib"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert cpu.report({"autoencoder": Row(2, autoencoder)}, TINY, 1, None) == 1
    assert 'pip install -e ".[bench,lessons]"' in capsys.readouterr().err


@pytest.mark.parametrize("name", ["lessons.gone", "tinynet.gone"])
def test_a_module_of_ours_that_is_gone_is_no_missing_package(name, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ModuleNotFoundError, match=name):
        cpu.report({"m": Row(2, lambda batch: importlib.import_module(name))}, TINY, 1, None)


@pytest.mark.parametrize(
    ("name", "answer"),
    [("vaes", "Did you mean 'vae'?"), ("zzz", f"There is: {', '.join(MODELS)}.")],
)
def test_an_unknown_model_gets_the_nearest_name_and_code_2(name, answer, capsys):
    assert cpu.main(1, models=[name]) == 2
    expected = f"benchmarks cpu: there is no model {name!r}. {answer}\n"
    assert capsys.readouterr().err == expected


def test_only_a_full_run_of_all_models_is_recorded(monkeypatch):
    monkeypatch.setattr(cpu, "report", lambda rows, effort, threads, results: (list(rows), results))
    assert cpu.main(1) == (list(MODELS), None)
    assert cpu.main(1, record=True) == (list(MODELS), cpu.RESULTS)
    assert cpu.main(1, quick=True, record=True) == (list(MODELS), None)
    assert cpu.main(1, record=True, models=["vae"]) == (["vae"], None)


def test_the_command_passes_the_models_on(monkeypatch, capsys):
    monkeypatch.setattr(cpu, "report", lambda rows, *_: list(rows))
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS",
                     "VECLIB_MAXIMUM_THREADS"):  # fmt: skip
        monkeypatch.setenv(variable, "1")
    assert command(["cpu", "--models", "rbm", "vae"]) == ["rbm", "vae"]
    with pytest.raises(SystemExit) as end:
        command(["engine", "--models", "rbm"])
    assert end.value.code == 2
    expected = "--models belongs to cpu, and engine has no choice of models."
    assert expected in capsys.readouterr().err
