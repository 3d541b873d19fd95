"""What trades, from the lists of a source: names, segments, kinds, flags and listing dates, as of the day of asking.

1. Every segment's list is fetched; one that fails is reported, and then nothing counts as gone.
2. `Instrument` takes the latest names, kinds, segments and listing dates; what the source says of membership is merged
   into what it said before (`membership_runs`): point in time, never backward.
3. An instrument that no list holds any more is gone: its last statement ends with the day it was last seen, and
   `gone_on` says when it was missed. A list that lost a tenth of what it held is taken to be broken instead.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import NamedTuple

import numpy as np
from django.db import transaction

from marketdata.errors import DataProblem
from marketdata.markets import get_market
from marketdata.models import Instrument, InstrumentStatus
from marketdata.operations import bulk, generations
from marketdata.operations.collect.plan import market_zone
from marketdata.operations.projection import dirty_months
from marketdata.operations.record import statuses
from marketdata.operations.record.instruments import NAME_LENGTH
from marketdata.operations.record.status_intervals import Days, StatusInterval
from marketdata.operations.record.statuses import StatusUpdate
from marketdata.queries.market_calendar import get_sessions
from marketdata.sources.base import ListedInstrument, SourceError
from marketdata.sources.batches import RowStatus
from marketdata.sources.daily import InstrumentSource

KINDS = {
    "stock": "common",
    "foreign": "common",
    "spac": "spac",
    "reit": "reit",
    "etf": "etf",
    "etn": "etn",
    "fund": "fund",
    "dr": "dr",
}
"""Kinds that are recorded; what a list holds beside them (ELWs, rights) is passed over."""
BROKEN = 0.1
"""A list that lost more than this share of the instruments it held is not believed."""


class _InstrumentRow(NamedTuple):
    """One instrument as `Instrument` keeps it."""

    name: str
    kind: str
    segment: str
    listed_on: date | None
    gone_on: date | None


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What became of the lists. `gone` and `back`: codes that are no longer, or again, in a list; `failures`: pairs of
    a segment and why its list is not here."""

    listed: int = 0
    passed_over: int = 0
    new: int = 0
    changed: int = 0
    gone: tuple[str, ...] = ()
    back: tuple[str, ...] = ()
    failures: tuple[tuple[str, str], ...] = ()


def sync(source: InstrumentSource, *, market: str, as_of: datetime) -> SyncReport:
    """Fetch and record the lists of `source`. DataProblem where a list cannot be believed; nothing is recorded then."""
    named = get_market(market)
    if source.daily_market not in named.family:
        raise DataProblem(f"{source.title} lists instruments of market {source.daily_market}, not of {market}.")
    found: dict[str, ListedInstrument] = {}
    failures, passed_over = [], 0
    for segment in source.segments:
        try:
            listed = source.instruments(segment)
        except SourceError as error:
            failures.append((segment, str(error)))
            continue
        found |= {one.code: one for one in listed if one.kind in KINDS}
        passed_over += sum(one.kind not in KINDS for one in listed)
    today = as_of.astimezone(market_zone(named)).date()
    with transaction.atomic():
        bulk.lock(named.name)
        done = _record(found, source.name, named.name, today, whole=not failures, at=as_of)
    return SyncReport(len(found), passed_over, *done, tuple(failures))


def _record(
    found: dict[str, ListedInstrument],
    source: str,
    market: str,
    today: date,
    *,
    whole: bool,
    at: datetime,
) -> tuple[int, int, tuple[str, ...], tuple[str, ...]]:
    """How many are new and changed, and the codes gone and back."""
    known = {
        code: _InstrumentRow(*rest)
        for code, *rest in Instrument.objects.filter(market=market).values_list("code", *_InstrumentRow._fields)
    }
    gone = _gone(found, known, source, market) if whole else []
    back = [code for code in found if code in known and known[code].gone_on]
    told = {code: _told(one, known.get(code)) for code, one in found.items()}
    told |= {code: known[code]._replace(gone_on=today) for code in gone}
    written = {code: one for code, one in told.items() if known.get(code) != one}
    bulk.upsert(
        Instrument,
        [(market, code, *one) for code, one in sorted(written.items())],
        fields=("market", "code", *_InstrumentRow._fields),
        key=("market", "code"),
    )
    dirty_months.mark(market, _merge(found, source, market, today, at))
    generations.advance(market)
    new = sum(code not in known for code in written)
    return new, len(written) - new - len(gone), tuple(sorted(gone)), tuple(sorted(back))


def _gone(found: dict[str, ListedInstrument], known: dict[str, _InstrumentRow], source: str, market: str) -> list[str]:
    """Codes that are known and in no list any more."""
    seen = set(
        InstrumentStatus.objects.filter(source=source, instrument__market=market, instrument__gone_on=None).values_list(
            "instrument__code", flat=True
        )
    )
    lost = seen - found.keys()
    if len(lost) > max(20, BROKEN * len(seen)) or not found:
        raise DataProblem(
            f"The lists of {source} hold {len(seen) - len(lost):,} of the {len(seen):,} instruments they held before: "
            "that is not believed, and nothing was recorded. Run this again later."
        )
    return [code for code, one in known.items() if code not in found and one.gone_on is None]


def _told(one: ListedInstrument, before: _InstrumentRow | None) -> _InstrumentRow:
    return _InstrumentRow(
        one.name[:NAME_LENGTH] or (before.name if before else ""),
        kind_of(one),
        one.segment,
        one.listed_on or (before.listed_on if before else None),
        None,
    )


def kind_of(one: ListedInstrument) -> str:
    """The record's word for the kind of an instrument."""
    kind = KINDS[one.kind]
    return "preferred" if one.preferred and kind == "common" else kind


def _merge(found: dict[str, ListedInstrument], source: str, market: str, today: date, at: datetime) -> Iterable[date]:
    """Record what the lists say of membership today; the months of the lake that changes."""
    if not found:
        return ()
    codes = (min(found), max(found))
    rows = Instrument.objects.filter(market=market, code__range=codes)
    calendar, day = get_sessions(market), np.datetime64(today)
    seen = calendar[(calendar < day) & (calendar > day - 14)].tolist()
    said = []
    for code, pk, last_bar in rows.values_list("code", "pk", "last_bar"):
        if code in found:
            status = _status(found[code])
            run = StatusInterval(today, today, status)
            said.append(StatusUpdate(code, pk, last_bar, [run], partial(_days, run, seen)))
    return statuses.merge_statuses(said, market=market, source=source, codes=codes, at=at)


def _days(run: StatusInterval, seen: list[date]) -> tuple[Days, list[date]]:
    return [(run.first, run.said)], seen


def _status(one: ListedInstrument) -> RowStatus:
    return RowStatus(
        segment=one.segment,
        department=None,
        kind=kind_of(one),
        managed=one.managed,
        caution=one.caution,
        halted=one.halted,
        warning=one.warning,
    )
