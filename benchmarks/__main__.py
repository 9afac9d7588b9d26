"""`python -m benchmarks` lists the benchmarks; `python -m benchmarks NAME` runs one."""

from __future__ import annotations

import argparse
import difflib
import importlib
import os
import sys
from collections.abc import Sequence

BENCHMARKS = {
    "accuracy": "the Fashion-MNIST CNN trained here and in PyTorch: the same accuracy?",
    "cpu": "the lessons' models against PyTorch on the CPU: time, memory, single operations",
    "engine": "a training step against PyTorch, the longest chain, memory over 10,000 steps",
    "gpu": "the lessons' models on the CPU and on the GPU: time, crossover, memory, agreement",
    "operations": "convolutions, pooling and others beside PyTorch's and the machine's limits",
    "reading": "how much there is to read: rooms, floors, lines, and a training step, traced",
}
# The others are as their names.
MODULES = {"cpu": "cpu.report", "gpu": "gpu.report", "operations": "cpu.operations"}

# What the libraries that NumPy may be built with read: OpenMP, OpenBLAS, MKL, Accelerate; then what
# tinynet reads, and JAX.
THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "TINYNET_THREADS",
    "NPROC",
)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Without a name: list the benchmarks."
    )
    parser.add_argument("name", nargs="?", help="the benchmark to run")
    parser.add_argument(
        "--quick", action="store_true", help="sooner: rough numbers, never recorded"
    )
    parser.add_argument(
        "--record",
        action="store_true",
        help="write benchmarks/results/NAME.json, which the docs quote (a test compares them)",
    )
    parser.add_argument(
        "--threads",
        type=_positive,
        default=None,
        metavar="N",
        help="threads for tinynet, BLAS and the others alike (all processors; --scaling: 2)",
    )
    parser.add_argument(
        "--models",
        nargs="+",
        default=[],
        metavar="MODEL",
        help="cpu, gpu: these alone, never recorded",
    )
    parser.add_argument(
        "--scaling", action="store_true", help="cpu: one thread beside N, never recorded"
    )
    parser.add_argument(
        "--emulated", action="store_true", help="gpu: count launches, waits and copies without one"
    )
    parser.add_argument(
        "--all", action="store_true", help="gpu: its tests, kernels, models and lessons as well"
    )
    parser.add_argument(
        "--tf32", action="store_true", help="gpu: products in TF32, here and in PyTorch"
    )
    options = parser.parse_args(arguments)
    if options.name is None:
        for name, line in BENCHMARKS.items():
            print(f"{name:12}{line}")
        return 0
    if options.name not in BENCHMARKS:
        near = difflib.get_close_matches(options.name, BENCHMARKS, n=1)
        fix = f"Did you mean {near[0]!r}?" if near else f"There is: {', '.join(BENCHMARKS)}."
        parser.error(f"there is no benchmark {options.name!r}. {fix}")
    if options.models and options.name not in ("cpu", "gpu"):
        parser.error(f"--models belongs to cpu and gpu; {options.name} has no choice of models.")
    if options.emulated and options.name != "gpu":
        parser.error(f"--emulated belongs to gpu, and {options.name} needs none.")
    if options.all and options.name != "gpu":
        parser.error(f"--all belongs to gpu, and {options.name} has none.")
    if options.tf32 and options.name != "gpu":
        parser.error(f"--tf32 belongs to gpu, and {options.name} has none.")
    if options.emulated and (options.record or options.tf32):
        parser.error("--emulated only counts: leave --record and --tf32 out.")
    if options.emulated and options.all:
        parser.error("--emulated needs no GPU, and --all needs one. Give one of the two.")
    if options.scaling and options.name != "cpu":
        parser.error(f"--scaling belongs to cpu, and {options.name} has none.")
    threads = options.threads or (2 if options.scaling else _processors())
    # They are read once, when NumPy and the others are loaded; that is why none is loaded before.
    for variable in THREADS:
        os.environ[variable] = str(threads)
    benchmark = importlib.import_module(f"benchmarks.{MODULES.get(options.name, options.name)}")
    more = {"models": options.models} if options.models else {}
    more |= {"scale": True} if options.scaling else {}
    more |= {"emulated": True} if options.emulated else {}
    more |= {"whole": True} if options.all else {}
    more |= {"tf32": True} if options.tf32 else {}
    return benchmark.main(threads, options.quick, options.record, **more)


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


def _processors() -> int:
    """Those that this process may use, where the system tells."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


if __name__ == "__main__":
    sys.exit(main())
