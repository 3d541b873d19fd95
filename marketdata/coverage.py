"""How each market stands: what is recorded, what is missing, how far the lake is behind, what waits for a decision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
from django.db.models import Count, Max, Sum

from caching.cached import cached
from marketdata import queries
from marketdata.errors import LakeError
from marketdata.lake import digest
from marketdata.models import Instrument, LakePartition
from marketdata.readiness import Freshness
from marketdata.record import Record

Suspect = tuple[str, str, float, float]
"""Session (ISO), code, raw close before, raw close."""


@dataclass(frozen=True, slots=True)
class State:
    """A market as it stands, as of the lake's last projection. Days are None where there is none; `suspects` is None
    where the lake is behind the record, so that nobody knows, 0 where the market has no daily limit; `freshness`: the
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
        for held in queries.records(markets)
    ]


def months(held: Record) -> list[Month]:
    """The months of one market, the latest first."""
    missing = held.sessions[held.bars == 0]
    in_month = held.sessions.astype("datetime64[M]")
    found = []
    for partition in LakePartition.objects.filter(market=held.market.name).order_by("-month"):
        mine = in_month == np.datetime64(partition.month, "M")
        gone = missing[missing.astype("datetime64[M]") == np.datetime64(partition.month, "M")]
        found.append(
            Month(partition, int(mine.sum()), int(held.bars[mine].sum()), tuple(gone.tolist()))
        )
    return found


def suspects(held: Record) -> list[Suspect]:
    """The suspected corporate actions of a market, the newest first; LakeError where the lake is behind the record.
    Kept for as long as the lake and the calendar are what they are."""
    if held.market.suspect_move is None:
        return []
    if held.stale:
        raise LakeError(
            f"The lake of market {held.market.name} is behind the record in {held.stale[0]:%Y-%m}."
        )
    what = (*held.part_digests.values(), *map(str, held.sessions))
    return _suspects(held.market.name, digest.text(part.encode() for part in what))


@cached("kept", what="suspects", version=2)
def _suspects(market: str, state: str) -> list[Suspect]:
    del state  # it is in the key
    return [
        (str(day), code, before, close)
        for day, code, before, close in queries.suspected_actions(queries.record(market))[::-1]
    ]


def _state(
    held: Record,
    instruments: int,
    size: int,
    written_at: datetime | None,
    fresh: Freshness | None,
) -> State:
    thin = [day for n, day in enumerate(held.sessions) if held.bars[n] and queries.is_thin(held, n)]
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
        untraded=tuple(map(date.fromisoformat, queries.closed_days(held))),
    )


def _how_many(held: Record) -> int | None:
    try:
        return len(suspects(held))
    except LakeError:
        return None
