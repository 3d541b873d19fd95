"""What a reference scan answers, and the one way its rows are ranked (scanner definitions, section 0)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.reference.indicators import above

Row = dict[str, Any]


@dataclass(frozen=True)
class Outcome:
    """One version on one session. `status` is matched or no_match; `reason` is "", "regime" or "nothing passed".

    `step` is the fallback step used (0 the base), `eligible` the size of the universe, `matched` the number of
    matches before top_n; `rows` are ranked and carry rank, code, score and what the engine says besides.
    """

    status: str
    reason: str
    regime: str
    eligible: int
    matched: int = 0
    step: int = 0
    rows: list[Row] = field(default_factory=list)


def ranked(rows: Sequence[Row], top_n: int | None = None) -> list[Row]:
    """Score descending, then A descending, then code; ranks from 1. Scores tied with the first of a group are equal."""
    groups: list[list[Row]] = []
    for row in sorted(rows, key=lambda row: -row["score"]):
        if groups and not above(groups[-1][0]["score"], row["score"]):
            groups[-1].append(row)
        else:
            groups.append([row])
    ordered = [row for group in groups for row in sorted(group, key=lambda row: (-row["A"], row["code"]))]
    return [{**row, "rank": place} for place, row in enumerate(ordered[:top_n], start=1)]


def answer(regime: str, eligible: int, rows: Sequence[Row], top_n: int | None = None) -> Outcome:
    """The outcome of a scan whose regime is open."""
    best = ranked(rows, top_n)
    return Outcome(
        status="matched" if best else "no_match",
        reason="" if best else "nothing passed",
        regime=regime,
        eligible=eligible,
        matched=len(rows),
        rows=best,
    )


def closed(regime: str, eligible: int) -> Outcome:
    """The outcome of a scan whose regime is closed."""
    return Outcome(status="no_match", reason="regime", regime=regime, eligible=eligible)
