"""The start of a series' history: what an answer changes of what is recorded of it.

    nothing known --(a short page)--> claimed --(a later run is answered the same)--> confirmed
    claimed, confirmed --(an answer has something older)--> taken back, with all that was verified before it

A claim lets a run leave out what lies before it, until a minute has passed: then the next run that wants something
older asks once more.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from marketdata.candles.collector.collections import History
from marketdata.candles.collector.verification import CONFIRMED_AFTER


class HistoryChange(NamedTuple):
    """`history` to record, None to leave it; `withdrawn`: what is verified before this moment is so no longer."""

    history: History | None
    withdrawn: int | None


def is_due(known: History, as_of: int) -> bool:
    """Whether a claim is old enough to be asked for again."""
    return not known.confirmed and as_of - known.claimed_at >= CONFIRMED_AFTER


def change_history(known: History, said: History | None, oldest: int | None) -> HistoryChange:
    """What an answer changes: `said` is what it claims itself, `oldest` the opening of its oldest candle."""
    if known.first is not None and oldest is not None and oldest < known.first:
        return HistoryChange(said or History(), known.first)
    if said is None or (said.first is None and known.first is not None):
        return HistoryChange(None, None)
    if said.first is None or said.first != known.first:
        return HistoryChange(said, None)
    if said.claimed_at - known.claimed_at < CONFIRMED_AFTER or known.confirmed:
        return HistoryChange(None, None)
    return HistoryChange(replace(known, confirmed=True), None)
