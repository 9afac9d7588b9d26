"""Run a lesson that is not written in cells yet: one with main(), claims() and show()."""

from __future__ import annotations

import importlib
import time

import matplotlib.pyplot as plt

from .. import module_of, title_of
from .session import Claim, Session


def lesson(name: str, session: Session) -> bool:
    """Whether all its claims hold."""
    print(title_of(name), flush=True)
    module = importlib.import_module(module_of(name))
    start = time.perf_counter()
    results = module.main(device=session.device, full=session.size == "full")
    claims = module.claims(results)
    wide = [max(len(claim[i]) for claim in claims) for i in range(3)]
    for what, claimed, got, holds in claims:
        verdict = "ok" if holds else "FAILS"
        session.claims.append(Claim(what, got, verdict))
        row = f"{what:<{wide[0]}}  claimed {claimed:<{wide[1]}}  got {got:<{wide[2]}}"
        print(f"  {row}  {verdict}")
    for what, drawing in module.show(results).items():
        session.keep(what, drawing)
        if not session.keep_open:
            plt.close(drawing)
    print(f"  time    {time.perf_counter() - start:.1f} s\n", flush=True)
    return all(claim.holds for claim in claims)
