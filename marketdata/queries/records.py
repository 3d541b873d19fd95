"""Records of markets: what is recorded of bars and of investor flow, as of the lake's last projection."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime
from functools import cached_property
from typing import Any

import numpy as np
from django.conf import settings
from django.db.models import Max, QuerySet

from caching.memo import Memo
from marketdata import calendars
from marketdata.errors import LakeError
from marketdata.joint_queries import evaluate_together
from marketdata.lake.footers import Part
from marketdata.lake.layout import Lake
from marketdata.models import FlowPartition, LakePartition
from marketdata.queries.market_calendar import MarketCalendar, get_overrides, make_calendars
from marketdata.record import Days, FlowRecord, Record
from marketdata.session_activity import SessionCounts

ISO_DAYS: Memo[tuple[Days, frozenset[str]]] = Memo(32)
"""The number of an array of sessions -> the array, and its days as text."""


def get_lake() -> Lake:
    """The configured lake."""
    return Lake(str(settings.LAKE_DIR))


def get_record(market: str) -> Record:
    """The record of `market`; its `stale` names the months in which the lake is behind."""
    return get_records([market])[0]


def get_records(markets: Sequence[str]) -> list[Record]:
    """The record of each of `markets`, in one query whatever their number."""
    queries = RecordQueries(markets)
    evaluate_together(*queries.query_sets)
    return [queries.record(name) for name in markets]


class RecordQueries:
    """The queries of the records of `markets`: evaluated one by one, or with others in one statement by
    `evaluate_together(*query_sets)`."""

    def __init__(self, markets: Sequence[str]) -> None:
        self.markets = markets
        self.overrides = get_overrides(markets)
        self.partitions = LakePartition.objects.filter(market__in=markets).order_by("month")

    @property
    def query_sets(self) -> list[QuerySet[Any, Any]]:
        """All of them."""
        return [self.overrides, self.partitions]

    @cached_property
    def calendars(self) -> dict[str, MarketCalendar]:
        """By market."""
        return dict(zip(self.markets, make_calendars(self.markets, self.overrides), strict=True))

    def record(self, market: str) -> Record:
        """The record of one of the markets."""
        if market not in self._records:
            rows = [row for row in self.partitions if row.market == market]
            self._records[market] = _record(self.calendars[market], rows)
        return self._records[market]

    @cached_property
    def _records(self) -> dict[str, Record]:
        return {}


def get_sessions_with_bars(market: str, first: date | None, last: date | None) -> list[date]:
    """The sessions of `market` from `first` to `last`, both included (None: all before, all after), that have bars,
    ascending."""
    record = get_record(market)
    days = record.sessions[record.bars > 0]
    start = 0 if first is None else int(np.searchsorted(days, np.datetime64(first)))
    end = len(days) if last is None else int(np.searchsorted(days, np.datetime64(last), side="right"))
    sessions: list[date] = days[start:end].tolist()
    return sessions


def get_projected_record(market: str, *days: date) -> Record:
    """The record of `market`, for a caller that writes nothing. LakeError where the lake is behind the record and may
    lack what the caller needs: one of `days`, or without any the last session."""
    record = get_record(market)
    missing = [day for day in days if np.datetime64(day) not in record.sessions]
    if record.stale and (missing or not days):
        raise stale_month_error(market, record.stale[0])
    return record


def stale_month_error(market: str, month: date) -> LakeError:
    """The error of a month in which the lake is behind the record."""
    return LakeError(
        f"The lake of market {market} is behind the record in {month:%Y-%m}: run `manage.py project_lake`."
    )


def get_flow_record(market: str) -> FlowRecord:
    """The record of the market's investor flow."""
    rows = list(FlowPartition.objects.filter(market=market).order_by("month"))
    return FlowRecord(
        digests={day: flows[1] for row in rows for day, flows in row.sessions.items()},
        parts=tuple(Part(row.month, get_lake().flows(market, row.month), row.written, row.digest) for row in rows),
        stale=tuple(row.month for row in rows if row.is_stale),
    )


def get_damage_time(market: str, until: date) -> datetime | None:
    """When a file of the lake up to the month of `until` was last damaged, None where none was: an answer published
    before may have been computed from it."""
    times = [
        partition._default_manager.filter(market=market, month__lte=until).aggregate(at=Max("damage_seen_at"))["at"]
        for partition in (LakePartition, FlowPartition)
    ]
    return max((at for at in times if at), default=None)


def _record(calendar: MarketCalendar, rows: Iterable[LakePartition]) -> Record:
    counts: dict[str, Sequence[int | str]] = {}
    closed: dict[str, str] = {}
    parts, part_digests, stale = [], {}, []
    session_days = _iso_days(calendar.sessions)
    for row in rows:
        if row.is_stale or _has_other_sessions(row, session_days, calendar.opened):
            stale.append(row.month)
        path = get_lake().partition(calendar.market.name, row.month)
        parts.append(Part(row.month, path, row.written, row.digest))
        if row.digest:  # a month that was never written is not in the index either
            part_digests[row.month.isoformat()] = row.digest
        counts.update(row.sessions)
        closed |= {day: why if day in session_days else "" for day, (_, why) in row.closed.items()}
    closed_days = {day for day, why in closed.items() if why}
    shut = calendars.to_days(closed_days)
    every = calendar.sessions[~np.isin(calendar.sessions, shut)] if len(shut) else calendar.sessions
    with_bars = [day for day in sorted(counts) if counts[day][0]]
    sessions = every[:0]
    if with_bars:
        sessions = every[(every >= np.datetime64(with_bars[0])) & (every <= np.datetime64(with_bars[-1]))]
    session_counts = [SessionCounts.of(counts.get(day)) for day in np.datetime_as_string(sessions).tolist()]
    recorded = [day for day in counts if day in session_days and day not in closed_days]
    return Record(
        market=calendar.market,
        hours=calendar.hours,
        calendar=every,
        sessions=sessions,
        bars=np.array([count.bars for count in session_counts], dtype=np.int64),
        good=np.array([count.good for count in session_counts], dtype=np.int64),
        counts=session_counts,
        digests={day: str(counts[day][1]) for day in recorded},
        cap_digests={day: str(counts[day][6]) for day in recorded if len(counts[day]) > 6},
        parts=tuple(parts),
        part_digests=part_digests,
        stale=tuple(stale),
        closed=closed,
    )


def _has_other_sessions(row: LakePartition, session_days: frozenset[str], opened: Collection[date]) -> bool:
    """Whether a day of the partition was closed or opened by the calendar since it was written."""
    return not session_days.issuperset(row.sessions) or any(
        date.fromisoformat(day) in opened if why else day in session_days for day, (_, why) in row.closed.items()
    )


def _iso_days(sessions: Days) -> frozenset[str]:
    """The sessions of a calendar as ISO text, which is how partitions name them."""
    # The memo keeps the array, so that no other one has its number.
    return ISO_DAYS.get(id(sessions), None, lambda: (sessions, frozenset(np.datetime_as_string(sessions).tolist())))[1]
