"""Suspicions: moves that wait for a person's decision, with what the decision needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

import numpy as np
from django.db.models import Q

from caching.cached import cached
from marketdata.breaks import LIMIT, Break
from marketdata.errors import LakeError
from marketdata.lake import digest
from marketdata.models import StockPrice
from marketdata.queries.breaks import get_breaks
from marketdata.queries.records import get_record
from marketdata.queries.window import open_block_window
from marketdata.record import Record

PAIRS = 200
"""Conditions in one statement; SQLite takes a thousand."""


@dataclass(frozen=True, slots=True)
class Suspicion:
    """A move that waits for a decision: session (ISO), code, raw close before and that of the session, the reason in
    words, the factor of the nearest simple split (None where none is near, or the move is no split), and the turnover
    of the session in currency."""

    session: str
    code: str
    before: float
    close: float
    reason: str
    split: float | None
    turnover: float

    @property
    def move(self) -> float:
        """In percent."""
        return 100 * (self.close / self.before - 1)


def get_suspected_moves(record: Record) -> list[tuple[np.datetime64, str, float, float]]:
    """The suspected moves of the whole record, ascending: (session, code, raw close before, raw close). LakeError where
    the lake is behind the record."""
    if record.market.suspect_move is None:
        return [
            (np.datetime64(break_.session), break_.code, break_.before, break_.close)
            for break_ in get_breaks(record)
            if break_.is_suspicion
        ]
    windows = (open_block_window(record, block, block, look_back=0) for block in record.blocks())
    return [move for window in windows for move in window.suspects()]


def get_suspicions(record: Record) -> list[Suspicion]:
    """The suspicions of a market's instruments, the newest first; LakeError where the lake is behind the record.
    Cached for as long as the lake and the calendar stay the same."""
    if record.stale:
        raise LakeError(f"The lake of market {record.market.name} is behind the record in {record.stale[0]:%Y-%m}.")
    sentences = digest.text(break_.sentence().encode() for break_ in get_breaks(record))
    parts = (*record.part_digests.values(), *map(str, record.sessions), sentences)
    state = digest.text(part.encode() for part in parts)
    return [Suspicion(*values) for values in _suspicions(record.market.name, state)]


@cached("kept", what="suspects", version=3)
def _suspicions(market: str, state: str) -> list[tuple[Any, ...]]:
    """The suspicions as plain data."""
    del state  # it is in the key
    record = get_record(market)
    breaks = {(break_.session, break_.code): break_ for break_ in get_breaks(record)}
    moves = [(str(day), code, before, close) for day, code, before, close in get_suspected_moves(record)[::-1]]
    turnovers = _turnovers(market, [(day, code) for day, code, _, _ in moves])
    suspicions = []
    for day, code, before, close in moves:
        reason = breaks.get((day, code)) or Break(day, code, LIMIT, before, close)
        turnover = turnovers.get((day, code), 0.0)
        suspicions.append((day, code, before, close, reason.sentence(), reason.nearest_split(), turnover))
    return suspicions


def _turnovers(market: str, moves: Sequence[tuple[str, str]]) -> dict[tuple[str, str], float]:
    """The turnover of these codes on these days (ISO), the largest of all sources'."""
    codes_on: dict[str, list[str]] = {}
    for day, code in moves:
        codes_on.setdefault(day, []).append(code)
    pairs = [Q(date=day, stock_code__in=codes) for day, codes in codes_on.items()]
    turnovers: dict[tuple[str, str], float] = {}
    bars = StockPrice.objects.filter(market=market)
    for low in range(0, len(pairs), PAIRS):
        rows = bars.filter(reduce(or_, pairs[low : low + PAIRS]))
        for on, code, amount, close, volume in rows.values_list("date", "stock_code", "amount", "close", "volume"):
            key = on.isoformat(), code
            turnovers[key] = max(turnovers.get(key, 0.0), amount or close * volume)
    return turnovers
