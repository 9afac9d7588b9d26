"""The house has floors, and imports go down the stairs only.  Read from the sources with `ast`.

messages <- devices <- engine <- ops <- layers <- training <- diagnosis; the others beside them.
Module, which layers derive from, is in models, so models are below layers and import none of them.
`__main__`, the command, is at the top: it alone uses the public names, and finds the lessons.
"""

from __future__ import annotations

import ast
import graphlib
import os
import subprocess
import sys
import textwrap
import types
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent.parent

# From the ground up.  A room imports from the floors below it, and its files from each other.
FLOORS = (
    {"messages"},
    {"devices"},
    {"engine"},
    {"io", "metrics", "ops"},
    {"data", "models", "optim"},
    {"layers", "plot"},
    {"training"},
    {"__main__", "diagnosis"},
)
FLOOR_OF = {name: floor for floor, names in enumerate(FLOORS) for name in names}


class Import(NamedTuple):
    """One module that a file imports."""

    module: str  # absolute, with dots
    name: str  # what is taken from it; "" for the module itself
    inside: bool  # inside a function
    typing: bool  # under `if TYPE_CHECKING:`, never run


def imports(source: str, package: str = "") -> list[Import]:
    """Every import of a source text, in functions and conditions too.  package: where it lives."""
    found = []

    def read(node: ast.AST, inside: bool, typing: bool) -> None:
        if isinstance(node, ast.Import):
            found.extend(Import(alias.name, "", inside, typing) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1]
            parts = [*above, node.module] if node.level else [node.module]
            module = ".".join(part for part in parts if part)
            found.extend(Import(module, alias.name, inside, typing) for alias in node.names)
        inside |= isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for child in ast.iter_child_nodes(node):
            guarded = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
            read(child, inside, typing or (guarded and child not in node.orelse))

    read(ast.parse(source), False, False)
    return found


def dotted(path: Path) -> str:
    """tinynet/ops/loss.py -> tinynet.ops.loss, tinynet/ops/__init__.py -> tinynet.ops"""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def files(*folders: str) -> dict[str, Path]:
    return {dotted(p): p for folder in folders for p in sorted((ROOT / folder).rglob("*.py"))}


def imports_of(path: Path) -> list[Import]:
    return imports(path.read_text(encoding="utf-8"), dotted(path.parent / "__init__.py"))


TINYNET = files("tinynet")
EVERYTHING = files("tinynet", "lessons", "benchmarks")


def target(i: Import) -> str:
    """The module of tinynet that an import loads: `from . import data` loads tinynet.data."""
    return f"{i.module}.{i.name}" if f"{i.module}.{i.name}" in TINYNET else i.module


def first(module: str) -> str:
    return module.split(".")[0]


# -- the reader itself -----------------------------------------------------------------------------


def test_the_reader_sees_imports_of_every_form():
    source = textwrap.dedent(
        """
        from typing import TYPE_CHECKING
        import a.b, c
        from . import d
        from .e import f
        from ..g import h
        from i import *
        if TYPE_CHECKING:
            from .j import k
        else:
            import l
        def function():
            import m
            class Inner:
                from n import o
        class Outer:
            import p
        """
    )
    assert imports(source, "tinynet.ops") == [
        Import("typing", "TYPE_CHECKING", False, False),
        Import("a.b", "", False, False),
        Import("c", "", False, False),
        Import("tinynet.ops", "d", False, False),
        Import("tinynet.ops.e", "f", False, False),
        Import("tinynet.g", "h", False, False),
        Import("i", "*", False, False),
        Import("tinynet.ops.j", "k", False, True),
        Import("l", "", False, False),
        Import("m", "", True, False),
        Import("n", "o", True, False),
        Import("p", "", False, False),
    ]


def test_the_reader_reads_this_tree():
    modules = {"tinynet", "tinynet.engine.tensor", "tinynet.ops.loss", "tinynet.devices.gpu"}
    assert modules <= set(TINYNET)
    assert Import("tinynet.devices", "xp", False, False) in imports_of(TINYNET["tinynet.ops.loss"])
    assert any(i.typing for i in imports_of(TINYNET["tinynet"]))


# -- the floors ------------------------------------------------------------------------------------


def test_every_room_has_a_floor_and_there_are_eight_floors():
    rooms = {name.split(".")[1] for name in TINYNET if name != "tinynet"}
    assert rooms == set(FLOOR_OF), "say in FLOORS what the new room stands on"
    assert len(rooms) <= 15
    assert len(FLOORS) <= 8


@pytest.mark.parametrize("name", [name for name in TINYNET if name != "tinynet"])
def test_a_file_imports_from_its_room_and_the_floors_below_it_only(name):
    own = name.split(".")[1]
    for i in imports_of(TINYNET[name]):
        if first(i.module) != "tinynet":
            continue
        if target(i) == "tinynet":
            assert own == "__main__", f"{name} imports the public names; import their module"
            continue
        other = target(i).split(".")[1]
        assert other == own or FLOOR_OF[other] < FLOOR_OF[own], f"{name} imports {target(i)}"


def test_no_imports_go_round_in_a_circle():
    """Those that only type checkers read, too."""
    graph = {
        name: {target(i) for i in imports_of(path) if target(i) in TINYNET}
        for name, path in TINYNET.items()
        if name != "tinynet"
    }
    graphlib.TopologicalSorter(graph).prepare()  # CycleError names the circle


def test_tinynet_imports_no_lesson_no_benchmark_and_no_test():
    for name, path in TINYNET.items():
        used = {first(i.module) for i in imports_of(path)}
        assert not used & {"lessons", "benchmarks", "tests"}, name


def test_lessons_import_no_benchmark_and_neither_imports_the_tests():
    """Benchmarks may import lessons: they time the lectures' own networks."""
    for name, path in files("lessons", "benchmarks").items():
        used = {first(i.module) for i in imports_of(path)}
        if name == "benchmarks.gpu.counted":  # the pretended GPU is one of the tests' tools
            used.remove("tests")
        assert not used & ({"benchmarks", "tests"} - {first(name)}), name


# -- what comes from outside -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("libraries", "only"),
    [({"cupy", "cupyx", "cupy_backends"}, "tinynet.devices.gpu"), ({"matplotlib"}, "tinynet.plot")],
    ids=["cupy", "matplotlib"],
)
def test_one_module_imports_the_library_and_only_inside_functions(libraries, only):
    for name, path in TINYNET.items():
        for i in imports_of(path):
            if first(i.module) in libraries and not i.typing:
                home = name == only or name.startswith(f"{only}.")  # a file, or those of a package
                assert home and i.inside, f"{name} imports {i.module}"


def test_outside_functions_tinynet_imports_the_standard_library_and_numpy_only():
    for name, path in TINYNET.items():
        allowed = {*sys.stdlib_module_names, "numpy", "tinynet"}
        if name.startswith("tinynet.devices.loops"):  # which a function of devices/form.py imports
            allowed |= {"numba", "llvmlite"}
        for i in imports_of(path):
            assert i.inside or i.typing or first(i.module) in allowed, f"{name} imports {i.module}"


def test_tinynet_imports_by_statement_so_that_these_tests_see_it():
    for name, path in TINYNET.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)  # model.eval() is another thing
                if name != "tinynet.devices.loops.loop":  # writes functions by their annotations
                    assert called not in {"exec", "eval"}, name
                # tinynet's names, and the lessons, are loaded when they are asked for
                if name not in ("tinynet", "tinynet.__main__"):
                    assert called.split(".")[-1] not in {"import_module", "__import__"}, name


def test_nobody_imports_a_star():
    for name, path in EVERYTHING.items():
        assert all(i.name != "*" for i in imports_of(path)), name


def test_nobody_pickles():
    for name, path in EVERYTHING.items():
        used = {first(i.module) for i in imports_of(path)}
        assert not used & {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "shelve"}, name
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.keyword) and node.arg == "allow_pickle":
                assert ast.unparse(node.value) == "False", name


# -- the import itself -----------------------------------------------------------------------------


def in_new_process(code: str) -> str:
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(code)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_import_tinynet_loads_nothing_but_numpy():
    loaded = in_new_process(
        """
        import sys
        import numpy, numpy.random
        before = {name.split(".")[0] for name in sys.modules}
        import tinynet
        after = {name.split(".")[0] for name in sys.modules}
        print(*sorted(after - before - set(sys.stdlib_module_names)))
        print(*sorted(after & {"cupy", "cupyx", "matplotlib", "tqdm", "pooch", "PIL"}))
        """
    ).splitlines()
    assert loaded == ["tinynet", ""]


def test_tinynet_works_where_numpy_is_the_only_package():
    in_new_process(
        """
        import sys

        class NothingElse:
            def find_spec(self, name, path=None, target=None):
                known = {*sys.stdlib_module_names, "numpy", "tinynet"}
                if name.split(".")[0] not in known and not name.startswith("_sysconfigdata"):
                    raise ModuleNotFoundError(f"No module named {name!r}", name=name)

        sys.meta_path.insert(0, NothingElse())
        import tinynet as tn

        w = tn.Tensor([1.0, 2.0], requires_grad=True)
        tn.mse(w * 2, [0.0, 0.0]).backward()
        tn.optim.SGD([w], lr=0.1).step()
        tn.gradcheck(tn.exp, 1.0)
        assert not tn.gpu_available()
        assert tn.gpu_unavailable_reason().startswith("CuPy is not installed.")
        assert "cupy" not in sys.modules
        """
    )


def test_the_public_names_are_those_of_the_block_that_type_checkers_read():
    import tinynet

    said = {i.name for i in imports_of(TINYNET["tinynet"]) if i.typing}
    assert said == set(tinynet.__all__)
    assert len(said) == 96  # a name that is added or taken away is counted here
    assert {"Tensor", "fit", "init", "regularizers", "schedules", "callbacks", "data"} <= said
    modules = {"callbacks", "data", "init", "layers", "metrics", "optim", "plot"}
    modules |= {"regularizers", "schedules"}
    for name in tinynet.__all__:
        value = getattr(tinynet, name)
        assert isinstance(value, types.ModuleType) == (name in modules), name
        assert getattr(value, "__name__", name).split(".")[-1] == name


def test_tab_completion_shows_the_public_names_only():
    import tinynet

    tinynet.fit  # noqa: B018 (what it loads must not show)
    assert dir(tinynet) == sorted(tinynet.__all__)


def test_a_name_is_loaded_when_it_is_asked_for():
    loaded = in_new_process(
        """
        import sys
        import tinynet as tn

        print(*sorted(name for name in sys.modules if name.startswith("tinynet.")))
        tn.Tensor([1.0])
        print("tinynet.engine.tensor" in sys.modules, "tinynet.training" in sys.modules)
        print("tinynet.data" in sys.modules, "conv2d" in dir(tn), "conv2d" in vars(tn))
        """
    ).splitlines()
    assert loaded == ["", "True False", "False True False"]


def test_a_name_that_there_is_not_is_an_attribute_error():
    import tinynet

    with pytest.raises(AttributeError, match=r"^tn has no Tensr\. Did you mean Tensor\?$"):
        _ = tinynet.Tensr
