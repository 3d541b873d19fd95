"""How each market stands: what is recorded, what is missing, how far the lake is behind, what waits for a decision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import reduce
from operator import or_
from typing import Any

import numpy as np
from django.db.models import Count, Max, Q, Sum

from caching.cached import cached
from marketdata.breaks import LIMIT, Break
from marketdata.errors import LakeError
from marketdata.lake import digest
from marketdata.models import Instrument, LakePartition, StockPrice
from marketdata.queries.bars import breaks, closed_days, is_thin, record, records, suspected_actions
from marketdata.queries.readiness import Freshness
from marketdata.record import Record

PAIRS = 200
"""Conditions in one statement; SQLite takes a thousand."""


@dataclass(frozen=True, slots=True)
class Suspicion:
    """A move that waits for a decision: session (ISO), code, raw close before and that of the session, what is
    suspected, the factor of the nearest simple split (None where none is near, or that is not it), and the turnover of
    the session in currency."""

    session: str
    code: str
    before: float
    close: float
    told: str
    split: float | None
    turnover: float

    @property
    def move(self) -> float:
        """In percent."""
        return 100 * (self.close / self.before - 1)


@dataclass(frozen=True, slots=True)
class State:
    """A market as it stands, as of the lake's last projection. Days are None where there is none; `suspects` is None
    where the lake is behind the record, so that nobody knows; `freshness`: the
    record against the calendar, where a moment was given;
    `untraded`: days on which the market did not trade against its calendar, which nobody has confirmed."""

    market: str
    first: date | None
    last: date | None
    sessions: int
    bars: int
    missing: tuple[date, ...]
    thin: tuple[date, ...]
    stale: tuple[date, ...]
    instruments: int
    bytes: int
    written_at: datetime | None
    suspects: int | None
    freshness: Freshness | None = None
    untraded: tuple[date, ...] = ()

    @property
    def is_recorded(self) -> bool:
        return bool(self.last or self.stale)


@dataclass(frozen=True, slots=True)
class Month:
    """A month of a market's record and of its lake."""

    partition: LakePartition
    sessions: int
    bars: int
    missing: tuple[date, ...]


def states(markets: Sequence[str], fresh: Sequence[Freshness] = ()) -> list[State]:
    """The state of each market, in four queries whatever their number; with its freshness where `fresh` has it."""
    counted = Instrument.objects.filter(market__in=markets).order_by().values_list("market")
    instruments = dict(counted.annotate(n=Count("pk")))
    lake = {
        name: (size or 0, at)
        for name, size, at in LakePartition.objects.filter(market__in=markets)
        .order_by()
        .values_list("market")
        .annotate(size=Sum("bytes"), at=Max("written_at"))
    }
    ages = {one.market: one for one in fresh}
    return [
        _state(
            held,
            instruments.get(held.market.name, 0),
            *lake.get(held.market.name, (0, None)),
            ages.get(held.market.name),
        )
        for held in records(markets)
    ]


def months(held: Record) -> list[Month]:
    """The months of one market, the latest first."""
    missing = held.sessions[held.bars == 0]
    in_month = held.sessions.astype("datetime64[M]")
    found = []
    for partition in LakePartition.objects.filter(market=held.market.name).order_by("-month"):
        mine = in_month == np.datetime64(partition.month, "M")
        gone = missing[missing.astype("datetime64[M]") == np.datetime64(partition.month, "M")]
        found.append(Month(partition, int(mine.sum()), int(held.bars[mine].sum()), tuple(gone.tolist())))
    return found


def suspects(held: Record) -> list[Suspicion]:
    """What is suspected of a market's instruments, the newest first; LakeError where the lake is behind the record.
    Kept for as long as the lake and the calendar are what they are."""
    if held.stale:
        raise LakeError(f"The lake of market {held.market.name} is behind the record in {held.stale[0]:%Y-%m}.")
    told = digest.text(one.sentence().encode() for one in breaks(held))
    what = (*held.part_digests.values(), *map(str, held.sessions), told)
    state = digest.text(part.encode() for part in what)
    return [Suspicion(*one) for one in _suspects(held.market.name, state)]


@cached("kept", what="suspects", version=3)
def _suspects(market: str, state: str) -> list[tuple[Any, ...]]:
    """The suspicions as plain data."""
    del state  # it is in the key
    held = record(market)
    known = {(one.session, one.code): one for one in breaks(held)}
    moves = [(str(day), code, before, close) for day, code, before, close in suspected_actions(held)[::-1]]
    turnovers = _turnovers(market, [(day, code) for day, code, _, _ in moves])
    found = []
    for day, code, before, close in moves:
        one = known.get((day, code)) or Break(day, code, LIMIT, before, close)
        turnover = turnovers.get((day, code), 0.0)
        found.append((day, code, before, close, one.sentence(), one.nearest_split(), turnover))
    return found


def _turnovers(market: str, moves: Sequence[tuple[str, str]]) -> dict[tuple[str, str], float]:
    """What was paid on these days (ISO) for these codes, the largest that a source says."""
    on: dict[str, list[str]] = {}
    for day, code in moves:
        on.setdefault(day, []).append(code)
    pairs = [Q(date=day, stock_code__in=codes) for day, codes in on.items()]
    found: dict[tuple[str, str], float] = {}
    bars = StockPrice.objects.filter(market=market)
    for low in range(0, len(pairs), PAIRS):
        rows = bars.filter(reduce(or_, pairs[low : low + PAIRS]))
        for on_day, code, amount, close, volume in rows.values_list("date", "stock_code", "amount", "close", "volume"):
            key = on_day.isoformat(), code
            found[key] = max(found.get(key, 0.0), amount or close * volume)
    return found


def _state(
    held: Record,
    instruments: int,
    size: int,
    written_at: datetime | None,
    fresh: Freshness | None,
) -> State:
    thin = [day for n, day in enumerate(held.sessions) if held.bars[n] and is_thin(held, n)]
    return State(
        market=held.market.name,
        first=held.sessions[0].item() if len(held.sessions) else None,
        last=held.sessions[-1].item() if len(held.sessions) else None,
        sessions=int((held.bars > 0).sum()),
        bars=int(held.bars.sum()),
        missing=tuple(held.sessions[held.bars == 0].tolist()),
        thin=tuple(day.item() for day in thin),
        stale=held.stale,
        instruments=instruments,
        bytes=size,
        written_at=written_at,
        suspects=_how_many(held),
        freshness=fresh,
        untraded=tuple(map(date.fromisoformat, closed_days(held))),
    )


def _how_many(held: Record) -> int | None:
    try:
        return len(suspects(held))
    except LakeError:
        return None
