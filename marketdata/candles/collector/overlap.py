"""The overlap of a chunk with the record: a label for people, and the part that is still to be collected.

By verified intervals, never by rows: a verified slot without trades is recorded.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from marketdata.candles.collector.coverage import Coverage, clip, subtract
from marketdata.candles.collector.timeframes import Grid, Interval, slot_count


class Overlap(StrEnum):
    NONE = "none"
    COMPLETE = "complete"
    PARTIAL_START = "PARTIAL_START"
    PARTIAL_MIDDLE_CONTINUOUS = "PARTIAL_MIDDLE_CONTINUOUS"
    PARTIAL_MIDDLE_FRAGMENT = "PARTIAL_MIDDLE_FRAGMENT"


class OverlapAnalysis(NamedTuple):
    """`ask`: the smallest interval that contains all missing slots (None: there are none); `slots`: its slots."""

    label: Overlap
    ask: Interval | None
    slots: int


def label(chunk: Interval, coverage: Coverage) -> Overlap:
    """The label of `chunk`.

    PARTIAL_START: one piece recorded, at the newer end (where an answer starts).
    PARTIAL_MIDDLE_CONTINUOUS: one piece, from the middle to the older end.
    PARTIAL_MIDDLE_FRAGMENT: anything else.
    """
    recorded = clip(coverage, chunk)
    if not recorded:
        return Overlap.NONE
    if len(recorded) > 1:
        return Overlap.PARTIAL_MIDDLE_FRAGMENT
    piece = recorded[0]
    if piece == chunk:
        return Overlap.COMPLETE
    if piece.end == chunk.end:
        return Overlap.PARTIAL_START
    if piece.start == chunk.start:
        return Overlap.PARTIAL_MIDDLE_CONTINUOUS
    return Overlap.PARTIAL_MIDDLE_FRAGMENT


def analyse(grid: Grid, chunk: Interval, coverage: Coverage) -> OverlapAnalysis:
    """The label and the missing interval.

    Fragments are one interval from the oldest to the newest missing slot: an answer has a whole chunk, so that takes
    one call instead of several.
    """
    missing = subtract(chunk, coverage)
    if not missing:
        return OverlapAnalysis(Overlap.COMPLETE, None, 0)
    ask = Interval(missing[0].start, missing[-1].end)
    return OverlapAnalysis(label(chunk, coverage), ask, slot_count(grid, ask.start, ask.end))
