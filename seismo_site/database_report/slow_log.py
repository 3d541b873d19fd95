"""The slow log of PostgreSQL (`log_min_duration_statement`), summed up by statement."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable

from seismo_site.database_report.section import SHOWN, Section

DURATION = re.compile(
    r"duration: (?P<ms>[\d.]+) ms  (?:statement|(?:parse|bind|execute) [^:]*): (?P<statement>.*)", re.DOTALL
)
START = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
"""A line that begins with a time begins an entry; others continue it."""
LITERAL = re.compile(r"'(?:[^']|'')*'|\b\d+(?:\.\d+)?\b|\$\d+")
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
LISTS = re.compile(r"\(\?(?:, \?)+\)")
LONGEST = 110


def normalized(statement: str) -> str:
    """A statement without comments, its values and lists of values replaced by `?`."""
    text = " ".join(LITERAL.sub("?", COMMENT.sub("", statement)).split())
    return LISTS.sub("(?, ...)", text)


def slow_statements(lines: Iterable[str]) -> Section:
    """How often each statement of a log was slow, the largest sum of times first."""
    times: defaultdict[str, list[float]] = defaultdict(list)
    for entry in _entries(lines):
        if match := DURATION.search(entry):
            times[normalized(match["statement"])].append(float(match["ms"]))
    rows = sorted(times.items(), key=lambda row: -sum(row[1]))
    return Section(
        "Slow log",
        ("times", "mean ms", "most ms", "sum ms", "statement"),
        [(len(ms), sum(ms) / len(ms), max(ms), sum(ms), name[:LONGEST]) for name, ms in rows[:SHOWN]],
        "" if rows else "No statement with its duration in this log: set log_min_duration_statement = 100.",
    )


def _entries(lines: Iterable[str]) -> Iterable[str]:
    entry: list[str] = []
    for line in lines:
        if START.match(line) and entry:
            yield "".join(entry)
            entry = []
        entry.append(line)
    if entry:
        yield "".join(entry)
