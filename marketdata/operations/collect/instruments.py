"""Synchronises instruments with the lists of a source: names, segments, kinds, flags and listing dates, as of today.

1. Every segment's list is fetched; a failure is reported, and then no instrument counts as delisted.
2. `Instrument` takes the latest names, kinds, segments and listing dates; membership is merged into the intervals of
   the source (`status_intervals`): point in time, never backward.
   A source of whole sessions lists those of its last published session, and what it lists is as of that session.
3. An instrument that is in no list any more is delisted: its last interval ends with the day of its last list, and
   `gone_on` is the day on which it was missing. Lists that lost a tenth of their instruments are refused instead.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import NamedTuple

import numpy as np
from django.db import transaction

from marketdata.errors import DataProblem
from marketdata.market_time import market_date
from marketdata.markets import get_market
from marketdata.models import Instrument, InstrumentStatus
from marketdata.operations import bulk, generations
from marketdata.operations.collect.tick_sizes import read_tick_sizes
from marketdata.operations.collect.whole_sessions import published_sessions
from marketdata.operations.projection import dirty_months
from marketdata.operations.record import statuses
from marketdata.operations.record.instruments import NAME_LENGTH
from marketdata.operations.record.status_intervals import Days, StatusInterval
from marketdata.operations.record.statuses import StatusUpdate
from marketdata.operations.source_calls import count_calls
from marketdata.queries.market_calendar import get_sessions
from marketdata.sources.base import KINDS, ListedInstrument, SourceError
from marketdata.sources.batches import RowStatus
from marketdata.sources.daily import InstrumentSource, TickSource
from marketdata.sources.sessions import ListingSource

SEEN_WITHIN = timedelta(days=30)
"""How long before the lists of a source of whole sessions an instrument may have had its last row there."""
BROKEN = 0.1
"""Lists that lost more than this share of their instruments are refused."""


class _InstrumentRow(NamedTuple):
    """The columns of `Instrument` that lists provide."""

    name: str
    kind: str
    segment: str
    listed_on: date | None
    gone_on: date | None


@dataclass(frozen=True, slots=True)
class SyncReport:
    """Outcome of a synchronisation. `gone` and `back`: codes that are no longer, or again, in a list; `failures`: pairs
    of a segment and the reason why its list is missing; `tick_failure`: why tick sizes were not read."""

    listed: int = 0
    passed_over: int = 0
    new: int = 0
    changed: int = 0
    gone: tuple[str, ...] = ()
    back: tuple[str, ...] = ()
    failures: tuple[tuple[str, str], ...] = ()
    tick_failure: str = ""


def sync(source: InstrumentSource | ListingSource, *, market: str, as_of: datetime) -> SyncReport:
    """Fetch and record the lists of `source`. DataProblem where the lists are refused; nothing is recorded then."""
    rules = get_market(market)
    if source.daily_market not in rules.family:
        raise DataProblem(f"{source.title} lists instruments of market {source.daily_market}, not of {market}.")
    listed_by_code: dict[str, ListedInstrument] = {}
    failures, passed_over = [], 0
    made = source.calls_made
    day, since = market_date(as_of, rules), None
    if isinstance(source, ListingSource):
        day = published_sessions(source, market, as_of=as_of)[-1].item()
        since = day - SEEN_WITHIN
    for segment in source.segments:
        try:
            if isinstance(source, ListingSource):
                listed = source.listed_instruments(segment, day)
            else:
                listed = source.instruments(segment)
        except SourceError as error:
            failures.append((segment, str(error)))
            continue
        listed_by_code |= {instrument.code: instrument for instrument in listed if instrument.kind in KINDS}
        passed_over += sum(instrument.kind not in KINDS for instrument in listed)
    if isinstance(source, ListingSource):
        count_calls(source, rules, source.calls_made - made, as_of)
    with transaction.atomic():
        bulk.lock(rules.name)
        changes = _record(listed_by_code, source.name, rules.name, day, whole=not failures, since=since, at=as_of)
    tick_failure = ""
    if isinstance(source, TickSource):
        tick_failure = read_tick_sizes(source, rules.name, listed_by_code, day)
    return SyncReport(len(listed_by_code), passed_over, *changes, tuple(failures), tick_failure)


def _record(
    listed: dict[str, ListedInstrument],
    source: str,
    market: str,
    today: date,
    *,
    whole: bool,
    since: date | None,
    at: datetime,
) -> tuple[int, int, tuple[str, ...], tuple[str, ...]]:
    """Counts of new and changed instruments, and the codes gone and back."""
    recorded = {
        code: _InstrumentRow(*rest)
        for code, *rest in Instrument.objects.filter(market=market).values_list("code", *_InstrumentRow._fields)
    }
    gone = _delisted(listed, recorded, source, market, since) if whole else []
    back = [code for code in listed if code in recorded and recorded[code].gone_on]
    rows = {code: _row(row, recorded.get(code)) for code, row in listed.items()}
    rows |= {code: recorded[code]._replace(gone_on=today) for code in gone}
    changed_rows = {code: row for code, row in rows.items() if recorded.get(code) != row}
    bulk.upsert(
        Instrument,
        [(market, code, *row) for code, row in sorted(changed_rows.items())],
        fields=("market", "code", *_InstrumentRow._fields),
        key=("market", "code"),
    )
    dirty_months.mark(market, _merge_statuses(listed, source, market, today, at))
    generations.advance(market)
    new = sum(code not in recorded for code in changed_rows)
    return new, len(changed_rows) - new - len(gone), tuple(sorted(gone)), tuple(sorted(back))


def _delisted(
    listed: dict[str, ListedInstrument],
    recorded: dict[str, _InstrumentRow],
    source: str,
    market: str,
    since: date | None,
) -> list[str]:
    """Recorded codes that are in no list any more: with `since`, of those that the source has named since that day, as
    its lists lack other kinds. DataProblem where these are too many, of all or of one segment."""
    rows = InstrumentStatus.objects.filter(source=source, instrument__market=market, instrument__gone_on=None)
    rows = rows.filter(valid_to__gte=since) if since else rows
    listed_before = set(rows.values_list("instrument__code", flat=True))
    lost = listed_before - listed.keys()
    if not listed:
        raise DataProblem(f"The lists of {source} are empty: they are refused. Run this again later.")
    _check_loss(source, len(listed_before), len(lost))
    lost_by_segment = Counter(recorded[code].segment for code in lost)
    for segment, count in Counter(recorded[code].segment for code in listed_before).items():
        _check_loss(source, count, lost_by_segment[segment], f" of {segment}")
    if since:
        return sorted(lost)
    return [code for code, row in recorded.items() if code not in listed and row.gone_on is None]


def _check_loss(source: str, before: int, lost: int, of: str = "") -> None:
    if lost > max(20, BROKEN * before):
        raise DataProblem(
            f"The lists of {source} hold {before - lost:,} of the {before:,} instruments{of} they held before: they "
            "are refused, and nothing was recorded. Run this again later."
        )


def _row(instrument: ListedInstrument, before: _InstrumentRow | None) -> _InstrumentRow:
    return _InstrumentRow(
        instrument.name[:NAME_LENGTH] or (before.name if before else ""),
        kind_of(instrument),
        instrument.segment,
        instrument.listed_on or (before.listed_on if before else None),
        None,
    )


def kind_of(instrument: ListedInstrument) -> str:
    """The kind of an instrument as recorded."""
    kind = KINDS[instrument.kind]
    return "preferred" if instrument.preferred and kind == "common" else kind


def _merge_statuses(
    listed: dict[str, ListedInstrument], source: str, market: str, today: date, at: datetime
) -> Iterable[date]:
    """Record today's membership by the lists; returns the months of the lake that change."""
    if not listed:
        return ()
    codes = (min(listed), max(listed))
    rows = Instrument.objects.filter(market=market, code__range=codes)
    calendar, day = get_sessions(market), np.datetime64(today)
    sessions = calendar[(calendar < day) & (calendar > day - 14)].tolist()
    updates = []
    for code, pk, last_bar in rows.values_list("code", "pk", "last_bar"):
        if code in listed:
            status = _status(listed[code])
            interval = StatusInterval(today, today, status)
            updates.append(StatusUpdate(code, pk, last_bar, [interval], partial(_days, interval, sessions)))
    return statuses.merge_statuses(updates, market=market, source=source, codes=codes, at=at).months


def _days(interval: StatusInterval, sessions: list[date]) -> tuple[Days, list[date]]:
    return [(interval.first, interval.status)], sessions


def _status(instrument: ListedInstrument) -> RowStatus:
    return RowStatus(
        segment=instrument.segment,
        department=instrument.department,
        kind=kind_of(instrument),
        managed=instrument.managed,
        caution=instrument.caution,
        halted=instrument.halted,
        warning=instrument.warning,
    )
