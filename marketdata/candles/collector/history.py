"""The start of a series' history: how an answer changes the recorded one.

    unknown --(a short page)--> claimed --(the answer of a later run agrees)--> confirmed
    claimed, confirmed --(an answer has an older candle)--> withdrawn, with all verified slots before it

For a minute a claim lets runs skip the slots before it; after that the next run for older slots requests them once
more.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from marketdata.candles.collector.collections import History
from marketdata.candles.collector.verification import CONFIRMED_AFTER


class HistoryChange(NamedTuple):
    """`history` to record, None to leave it; `withdrawn`: slots before this moment are no longer verified."""

    history: History | None
    withdrawn: int | None


def is_due(history: History, as_of: int) -> bool:
    """Whether a claim is old enough to be requested again."""
    return not history.confirmed and as_of - history.claimed_at >= CONFIRMED_AFTER


def change_history(history: History, claim: History | None, oldest: int | None) -> HistoryChange:
    """The change of the recorded history by an answer: `claim` is its own claim, `oldest` the opening of its oldest
    candle."""
    if history.first is not None and oldest is not None and oldest < history.first:
        return HistoryChange(claim or History(), history.first)
    if claim is None or (claim.first is None and history.first is not None):
        return HistoryChange(None, None)
    if claim.first is None or claim.first != history.first:
        return HistoryChange(claim, None)
    if claim.claimed_at - history.claimed_at < CONFIRMED_AFTER or history.confirmed:
        return HistoryChange(None, None)
    return HistoryChange(replace(history, confirmed=True), None)
