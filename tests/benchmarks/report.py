"""What the benchmarks print, and the same as JSON."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from tests.benchmarks.measurement import ROOT, Others

PACKAGES = ("numpy", "pyarrow", "Django", "pandas", "polars", "TA-Lib")


@dataclass(slots=True)
class Line:
    """One measurement: what was called, the seconds of every run, and what else was seen.

    work: units done in one run, for a rate; ratio: a multiple of something measured in turns with it; aims: `rate` at
    least, `seconds`, `mb`, `kb` and `ratio` at most.
    """

    what: str
    seconds: Sequence[float] = ()
    work: int = 0
    peak_mb: float = 0.0
    kb: float = 0.0
    ratio: float = 0.0
    note: str = ""
    aims: dict[str, float] = field(default_factory=dict)

    @property
    def median(self) -> float:
        return median(self.seconds) if self.seconds else 0.0

    @property
    def rate(self) -> float:
        """Units of work a second, by the median; 0 where none are counted."""
        return self.work / self.median if self.median else 0.0

    def verdicts(self) -> list[str]:
        """Each aim with whether it was met, as text."""
        verdicts = []
        for aim, limit in self.aims.items():
            if aim == "rate":
                text, met = f">= {limit:,.0f}/s", self.rate >= limit
            elif aim == "ratio":
                text, met = f"<= {limit:g} x", self.ratio <= limit
            elif aim == "kb":
                text, met = f"<= {limit:g} KB", self.kb <= limit
            elif aim == "mb":
                text, met = f"< {limit:,.0f} MB", self.peak_mb < limit
            else:
                text, met = f"< {limit:g} s", self.median < limit
            verdicts.append(f"{text} {'met' if met else 'MISSED'}")
        return verdicts


@dataclass(slots=True)
class Table:
    """Measurements of one thing, with the command or call that was measured."""

    section: str
    title: str
    call: str
    lines: list[Line]
    remarks: list[str] = field(default_factory=list)


class Report:
    """Prints tables as they come and keeps them."""

    def __init__(self) -> None:
        self.machine = _machine()
        self.tables: list[Table] = []
        self._others = Others()

    def head(self) -> None:
        """Where this runs; noise is part of it."""
        for name, value in self.machine.items():
            print(f"{name:>12}  {value}")
        print(
            "\nMedian (least .. most) of the runs. On a machine that does other work besides, single figures wander:"
            "\ntrust medians, CPU seconds, and ratios between lines of one table, which were measured in turns."
        )

    def table(self, table: Table) -> None:
        """Print `table` and keep it, with how busy the rest of the machine was since the table before."""
        busy = self._others.busy()
        if busy is not None:
            table.remarks.append(f"meanwhile other work kept {busy:.1f} cores busy")
        self.tables.append(table)
        print(f"\n{table.section}: {table.title}\n  {table.call}")
        wide = max((len(line.what) for line in table.lines), default=0)
        for line in table.lines:
            print(f"  {line.what:<{wide}}  {_figures(line)}".rstrip())
        for remark in table.remarks:
            print(f"  {remark}")
        sys.stdout.flush()

    def tell(self, text: str) -> None:
        """Say something that is no measurement."""
        print(f"\n({text})", flush=True)

    def missed(self) -> list[str]:
        """The lines with an aim that was missed."""
        return [
            f"{table.section}: {line.what}"
            for table in self.tables
            for line in table.lines
            if any(verdict.endswith("MISSED") for verdict in line.verdicts())
        ]

    def write(self, file: Path) -> None:
        """Everything as JSON."""
        tables = []
        for table in self.tables:
            kept: dict[str, Any] = asdict(table)
            for line, made in zip(table.lines, kept["lines"], strict=True):
                made |= {"median": line.median, "rate": line.rate, "verdicts": line.verdicts()}
            tables.append(kept)
        text = json.dumps({"machine": self.machine, "tables": tables}, indent=1)
        file.write_text(text + "\n", encoding="utf-8")


def _figures(line: Line) -> str:
    parts = []
    if line.seconds:
        parts.append(
            f"{line.median:8.3f} s ({min(line.seconds):.3f} .. {max(line.seconds):.3f}, {len(line.seconds)} runs)"
        )
    if line.rate:
        parts.append(f"{line.rate:,.0f}/s")
    if line.ratio:
        parts.append(f"{line.ratio:.2f} x")
    if line.kb:
        parts.append(f"{line.kb:,.1f} KB")
    if line.peak_mb:
        parts.append(f"peak {line.peak_mb:,.0f} MB")
    parts += [*line.verdicts(), line.note]
    return "  ".join(part for part in parts if part)


def _machine() -> dict[str, str]:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    machine = {
        "machine": f"{platform.system()} {platform.machine()}, {cores} cores, Python {platform.python_version()}",
        "packages": ", ".join(f"{name} {version(name)}" for name in PACKAGES),
        "revision": _revision(),
    }
    if hasattr(os, "getloadavg"):
        machine["load before"] = " ".join(f"{load:.2f}" for load in os.getloadavg())
    return machine


def _revision() -> str:
    revision = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return revision.stdout.strip() or "unknown"
