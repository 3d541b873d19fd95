"""A collection with faults and again without: what it recorded wrongly or not at all, and the calls of both runs."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from tests.benchmarks.installations import Installation
from tests.benchmarks.measurement import ROOT
from tests.benchmarks.report import Line
from tests.exchanges.server import Exchange

CALLS = re.compile(r"rejected; ([0-9,]+) calls")


class Run(NamedTuple):
    """How a command ended: its exit status, seconds, the calls it reports, the calls that came, its last line."""

    status: int
    seconds: float
    reported: int
    made: int
    text: str


def run_command(installation: Installation, exchange: Exchange, settings: dict[str, str], *arguments: str) -> Run:
    """`manage.py ...` to its end, with whatever status."""
    before, began = sum(exchange.calls.values()), time.perf_counter()
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={**installation.env, **settings},
        capture_output=True,
        text=True,
        check=False,
    )
    calls = CALLS.search(done.stdout)
    return Run(
        done.returncode,
        time.perf_counter() - began,
        int(calls[1].replace(",", "")) if calls else 0,
        sum(exchange.calls.values()) - before,
        (done.stderr.strip().splitlines() or [""])[-1],
    )


def spoiled_and_clean(
    text: str,
    installation: Installation,
    exchange: Exchange,
    settings: dict[str, str],
    command: Sequence[str],
    compare: Callable[[], tuple[int, int]],
) -> Line:
    """The line of a command that runs against faults, then without them. `compare`: wrong and missing bars now."""
    first = run_command(installation, exchange, settings, *command)
    wrong, lacking = compare()
    exchange.faults.rates.clear()
    again = run_command(installation, exchange, settings, *command)
    more_wrong, missing = compare()
    return Line(
        text,
        [first.seconds],
        note=(
            f"status {first.status}, {first.reported} calls reported and {first.made} made, {wrong} wrong bars, "
            f"{lacking} lacking; clean rerun: status {again.status}, {again.reported} reported and {again.made} made, "
            f"{more_wrong} wrong, {missing} missing"
        ),
    )
