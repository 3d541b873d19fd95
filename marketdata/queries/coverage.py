"""Coverage of each market: its recorded sessions, the missing ones, how far the lake is behind, open suspicions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
from django.db.models import Count, Max, Sum

from caching.cached import leave_unstored
from marketdata.errors import LakeError
from marketdata.models import Instrument, LakePartition
from marketdata.queries.readiness import Freshness
from marketdata.queries.records import get_records
from marketdata.queries.suspicions import get_suspicions
from marketdata.record import Record


@dataclass(frozen=True, slots=True)
class MarketState:
    """The state of a market as of the lake's last projection. Days are None where there is none; `suspects` is None
    where the lake is behind the record, so that their number is unknown; `freshness`: the record against the calendar,
    where a moment was given; `untraded`: days on which the market did not trade against its calendar, which no operator
    has confirmed."""

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
class MonthState:
    """A month of a market's record and of its lake."""

    partition: LakePartition
    sessions: int
    bars: int
    missing: tuple[date, ...]


def get_market_states(markets: Sequence[str], fresh: Sequence[Freshness] = ()) -> list[MarketState]:
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
    by_market = {freshness.market: freshness for freshness in fresh}
    return [
        _state(
            record,
            instruments.get(record.market.name, 0),
            *lake.get(record.market.name, (0, None)),
            by_market.get(record.market.name),
        )
        for record in get_records(markets)
    ]


def get_month_states(record: Record) -> list[MonthState]:
    """The months of one market, the latest first."""
    missing = record.sessions[record.bars == 0]
    months, missing_months = record.sessions.astype("datetime64[M]"), missing.astype("datetime64[M]")
    states = []
    for partition in LakePartition.objects.filter(market=record.market.name).order_by("-month"):
        inside = months == np.datetime64(partition.month, "M")
        absent = missing[missing_months == np.datetime64(partition.month, "M")]
        states.append(MonthState(partition, int(inside.sum()), int(record.bars[inside].sum()), tuple(absent.tolist())))
    return states


def _state(
    record: Record, instruments: int, size: int, written_at: datetime | None, fresh: Freshness | None
) -> MarketState:
    thin = [day for n, day in enumerate(record.sessions) if record.bars[n] and record.is_doubtful(n)]
    return MarketState(
        market=record.market.name,
        first=record.sessions[0].item() if len(record.sessions) else None,
        last=record.sessions[-1].item() if len(record.sessions) else None,
        sessions=int((record.bars > 0).sum()),
        bars=int(record.bars.sum()),
        missing=tuple(record.sessions[record.bars == 0].tolist()),
        thin=tuple(day.item() for day in thin),
        stale=record.stale,
        instruments=instruments,
        bytes=size,
        written_at=written_at,
        suspects=_suspicion_count(record),
        freshness=fresh,
        untraded=tuple(map(date.fromisoformat, record.closed_days())),
    )


def _suspicion_count(record: Record) -> int | None:
    try:
        return len(get_suspicions(record))
    except LakeError:
        leave_unstored()
        return None
