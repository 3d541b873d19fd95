"""Gaps: runs of consecutive slots without a candle, and their reasons.

Gaps are computed from open times alone; the time of a candle's last tick proves nothing about its neighbours. They are
computed over a whole interval, so that one across a chunk border is one gap.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from marketdata.candles.collector.coverage import Coverage, clip, subtract
from marketdata.candles.collector.timeframes import Grid, Interval, slot_count


class GapReason(StrEnum):
    BEFORE_LISTING = "before_listing"  # older than the market's first candle
    NO_TRADES = "no_trades"  # verified: nothing traded
    UNVERIFIED = "unverified"  # never collected
    FORMING = "forming"  # still open, or in the future


class GapPlace(StrEnum):
    LEADING = "leading"  # no candle before it in the interval
    INNER = "inner"
    TRAILING = "trailing"  # no candle after it
    WHOLE = "whole"  # no candle at all


class Gap(NamedTuple):
    interval: Interval
    slots: int
    reason: GapReason
    place: GapPlace


def empty_runs(grid: Grid, interval: Interval, opened: npt.NDArray[np.int64]) -> list[Interval]:
    """Runs of slots of `interval` without any of `opened` (ascending, on the grid)."""
    first = grid.index(grid.ceil(interval.start))
    last = grid.index(grid.ceil(interval.end))
    inside = grid.indices(opened)
    inside = inside[(inside >= first) & (inside < last)]
    edges = np.concatenate(([first - 1], inside, [last]))
    at = np.flatnonzero(np.diff(edges) > 1)
    return [Interval(grid.opening(int(edges[i]) + 1), grid.opening(int(edges[i + 1]))) for i in at.tolist()]


def classify(
    grid: Grid,
    interval: Interval,
    opened: npt.NDArray[np.int64],
    coverage: Coverage,
    *,
    listed: int | None = None,
    closed_until: int | None = None,
) -> list[Gap]:
    """Every empty slot of `interval` in exactly one gap, ascending.

    `listed`: opening of the market's first candle, None while it is unknown; `closed_until`: the opening of the forming
    slot. A run with more than one reason is cut where the reason changes.
    """
    start, end = grid.ceil(interval.start), grid.ceil(interval.end)
    older = end if listed is None else min(max(listed, start), end)
    still_open = end if closed_until is None else min(max(closed_until, start), end)
    gaps: list[Gap] = []
    for run in empty_runs(grid, interval, opened):
        place = _place(run, start, end)
        for piece, reason in _reasons(run, coverage, older if listed is not None else start, still_open):
            gaps.append(Gap(piece, slot_count(grid, *piece), reason, place))
    return gaps


def _place(run: Interval, start: int, end: int) -> GapPlace:
    if run.start <= start:
        return GapPlace.WHOLE if run.end >= end else GapPlace.LEADING
    return GapPlace.TRAILING if run.end >= end else GapPlace.INNER


def _reasons(run: Interval, coverage: Coverage, listed: int, still_open: int) -> list[tuple[Interval, GapReason]]:
    cut: list[tuple[Interval, GapReason]] = []
    before = Interval(run.start, min(run.end, listed))
    after = Interval(max(run.start, still_open), run.end)
    middle = Interval(max(run.start, listed), min(run.end, still_open))
    if before.start < before.end:
        cut.append((before, GapReason.BEFORE_LISTING))
    if middle.start < middle.end:
        cut.extend((piece, GapReason.NO_TRADES) for piece in clip(coverage, middle))
        cut.extend((piece, GapReason.UNVERIFIED) for piece in subtract(middle, coverage))
    if after.start < after.end:
        cut.append((Interval(max(after.start, before.end), after.end), GapReason.FORMING))
    return sorted(cut)


def slots_by_reason(gaps: Sequence[Gap]) -> dict[str, int]:
    """The number of slots by reason."""
    slots: Counter[str] = Counter()
    for gap in gaps:
        slots[gap.reason.value] += gap.slots
    return dict(slots)
