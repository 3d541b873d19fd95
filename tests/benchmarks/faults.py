"""faults: what faults do to what is recorded and read: wrong values, what a clean rerun leaves missing, calls, status.

Each line of `FIGURES` is a subject with a file of its own in this folder, whose function gives tables; adding one is a
file and a line. `python -m tests.benchmarks faults` prints all, `faults:kis` those of one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tests.benchmarks import faults_candles, faults_disk, faults_kis, faults_krx, faults_us, faults_yfinance
from tests.benchmarks.installations import Bench
from tests.benchmarks.report import Table

Figures = Callable[[Bench], Iterable[Table]]

FIGURES: dict[str, Figures] = {
    "kis": faults_kis.tables,
    "krx": faults_krx.tables,
    "us": faults_us.tables,
    "yfinance": faults_yfinance.tables,
    "candles": faults_candles.tables,
    "disk": faults_disk.tables,
}


def section(bench: Bench) -> None:
    """The tables of every subject."""
    for name in FIGURES:
        subject(name)(bench)


def subject(name: str) -> Callable[[Bench], None]:
    """The section of one subject."""

    def run(bench: Bench) -> None:
        for table in FIGURES[name](bench):
            bench.report.table(table)

    return run
