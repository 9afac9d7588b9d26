"""No attack finds anything; and each finds a defect that is put into the library."""

from __future__ import annotations

import zipfile

import pytest

from tinynet.engine import backward, record, tensor
from tinynet.io import npz
from tinynet.optim.optimizer import Optimizer, _Layout
from tinynet.training import resume

from .__main__ import ATTACKS, faults, main
from .trials import attack


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_finds_nothing(name):
    trial, trials, _ = ATTACKS[name]
    result = attack(trial, range(trials))
    assert faults(name, result) == []


class Everywhere:
    """A context variable that all threads share."""

    value = 0
    get = lambda self: self.value
    set = lambda self, value: setattr(self, "value", value)


def forgetful(optimizer, slots, lay_out=Optimizer._lay_out):
    """As it was once: after Ctrl-C on the way, no step moved the parameters any more."""
    optimizer._layout = _Layout([], [], slots)
    lay_out(optimizer, slots)


DEFECTS = {
    "of two uses of a node, one counts": ("graphs", [backward], "_sum", lambda a, b: b),
    "Ctrl-C kills parameters": ("optimizer", [Optimizer], "_lay_out", forgetful),
    "no_grad holds for all threads": ("threads", [record, tensor], "paused", Everywhere()),
    "generators begin anew": ("stops", [resume], "_restore_generators", lambda model, states: None),
    "errors of zlib": ("files", [npz], "_DAMAGE", (zipfile.BadZipFile,)),
}


@pytest.mark.parametrize("defect", DEFECTS)
def test_an_attack_finds_a_defect(defect, monkeypatch):
    name, modules, attribute, value = DEFECTS[defect]
    for module in modules:
        monkeypatch.setattr(module, attribute, value)
    trial, trials, _ = ATTACKS[name]
    assert any(attack(trial, [seed]).failures for seed in range(trials))


def test_the_command_prints_a_table_and_how_to_repeat_a_failure(capsys, monkeypatch):
    assert main(["graphs", "--trials", "2"]) == 0
    assert capsys.readouterr().out.splitlines()[1].split()[:4] == ["graphs", "2", "0", "0"]
    monkeypatch.setattr(backward, "_sum", lambda a, b: b)
    assert main(["graphs", "--trials", "9"]) == 1
    (*_, line) = capsys.readouterr().out.splitlines()
    seed = line.removeprefix("graphs --seed ").partition(":")[0]
    assert main(["graphs", "--seed", seed]) == 1
    printed = capsys.readouterr()
    assert "Traceback" in printed.err and printed.out.splitlines()[-1] == line
