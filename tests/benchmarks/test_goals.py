"""Goals of the benchmark on the CPU: reached and missed, by the numbers that count."""

from __future__ import annotations

import pytest

from benchmarks.cpu import goals
from benchmarks.cpu.timed_operations import CASES
from benchmarks.measure.process import MIB
from benchmarks.twins.models import MODELS


def model(name, part, ours=1, theirs=2, above=1):
    return {
        "model": name,
        "tinynet's part of it": part and {"median": part, "low": part, "high": part},
        "memory": {
            "tinynet": {"in all": ours * MIB, "above the import": above * MIB},
            "layout": {"in all": theirs * MIB, "above the import": 4 * MIB},
        },
    }


def test_the_average_is_the_geometric_mean_of_all_models():
    fine = [model("a", 0.5), model("b", 2.0)]
    assert goals.average_goal(fine).endswith(": reached (1.00 of 2 models)")
    assert goals.average_goal([*fine, model("c", 1.1)]).endswith("NOT REACHED (1.03 of 3 models)")


def test_the_slowest_model_is_judged_and_named():
    models = [model("a", 0.5), model("b", 1.3), model("c", 0.7)]
    assert goals.any_goal(models).endswith(": reached (1.30, b)")
    assert goals.any_goal([*models, model("d", 1.31)]).endswith(": NOT REACHED (1.31, d)")


def test_small_models_are_judged_by_themselves():
    models = [model("autoencoder", 0.7), model("vae", 0.8), model("cifar", 1.2)]
    assert goals.small_goal(models).endswith(": reached (0.80, vae)")
    late = model("deep_autoencoder", 0.81)
    assert goals.small_goal([*models, late]).endswith("NOT REACHED (0.81, deep_autoencoder)")


def test_memory_is_judged_by_the_whole_process_of_the_worst_model():
    models = [model("a", 1.0, ours=1, theirs=4), model("b", 1.0, ours=3, theirs=3, above=1)]
    line = goals.memory_goal(models)
    assert line.endswith(": reached (1.00, b; above the import alone 0.25, a)")
    models.append(model("c", 1.0, ours=3.3, theirs=3, above=3))
    line = goals.memory_goal(models)
    assert line.endswith("NOT REACHED (1.10, c; above the import alone 0.75, c)")


def test_the_large_batch_must_stay_within_one_gib():
    name = goals.LARGE_BATCH
    assert goals.large_batch_goal([model(name, 1.0, ours=1024)]).endswith("reached (1024.0 MiB)")
    missed = goals.large_batch_goal([model("a", 1.0), model(name, 1.0, ours=1025)])
    assert missed.endswith("NOT REACHED (1025.0 MiB)")


def part(median):
    return {"median": median, "low": 0, "high": 9}


@pytest.mark.parametrize(("median", "verdict"), [(1.1, ": reached"), (1.11, ": NOT REACHED")])
def test_a_picture_of_a_large_batch_is_judged(median, verdict):
    line = goals.picture_goal({"batches": [128, 1000], "part": part(median)})
    assert verdict in line and "batch 1000" in line and "at 128" in line


@pytest.mark.parametrize(("median", "verdict"), [(1.3, ": reached"), (1.31, ": NOT REACHED")])
def test_the_import_is_judged(median, verdict):
    assert verdict in goals.import_goal({"tinynet's part of NumPy's": part(median)})


def test_fashions_second_convolution_is_judged_and_no_other():
    def row(operation, kind, median):
        share = part(median)
        return {"operation": operation, "part": kind, "tinynet's part of the limit": share}

    other = [row(CASES[1].name, "forward", 0.9), row(CASES[0].name, "dx", 0.9)]
    assert "not measured" in goals.convolution_goal(other)
    line = goals.convolution_goal([*other, row(CASES[0].name, "forward", 0.7)])
    assert line.endswith("or better: reached (70%)")
    line = goals.convolution_goal([*other, row(CASES[0].name, "forward", 0.69)])
    assert line.endswith("or better: NOT REACHED (69%)")
    assert CASES[0].shape == (128, 26, 26, 32)


def test_what_was_not_measured_is_neither_reached_nor_missed():
    alone = model("a", None)
    alone["memory"].pop("layout")
    lines = goals.judged({"models": [alone]})
    assert len(lines) == 8 and all(line.endswith(": not measured") for line in lines)


def test_the_compiled_loops_are_judged_where_they_were_measured():
    models = [
        model(name, 1.0) | {"compiled's part of it": part(median)}
        for name, median in (("fashion", 0.81), ("vae", 0.95), ("rbm", 0.5))
    ]
    lines = goals.judged({"models": models})[8:]
    assert [line.partition(": ")[2].partition(": ")[2] for line in lines] == [
        "reached (0.73 of 3 models)",
        "reached (0.95, vae)",
        "NOT REACHED (0.81, fashion)",
        "reached (0.95, vae)",
    ]
    assert set(MODELS) >= goals.CONVOLUTIONAL
