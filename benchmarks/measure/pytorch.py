"""PyTorch, which all is compared with: loading it, and saying what the numbers were measured on."""

from __future__ import annotations

from typing import Any

from .turns import machine


class Disagreement(Exception):
    """The frameworks do not do the same work, so their times say nothing about each other."""


def pytorch(threads: int) -> tuple[Any, str]:
    """PyTorch with that many threads; or None, and why."""
    try:
        import torch
    except ImportError as error:
        return None, f'No PyTorch ({error}), so no ratios. pip install -e ".[bench]"'
    torch.set_num_threads(threads)
    return torch, ""


def introduce(threads: int) -> tuple[Any, dict[str, Any]]:
    """PyTorch, or None, and the facts of machine() with it; both are printed."""
    torch, missing = pytorch(threads)
    facts = machine() | {
        "PyTorch": f"{torch.__version__}, {torch.get_num_threads()} threads" if torch else "none"
    }
    for key, value in facts.items():
        print(f"{key:15}{value}")
    if missing:
        print(missing)
    return torch, facts
