"""Every read of market data that scans and faces may use."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import numpy as np
from django.conf import settings
from django.db.models import Max

from marketdata import calendars
from marketdata.breaks import Break
from marketdata.errors import DataProblem, LakeError
from marketdata.lake import breaks_file, index_file
from marketdata.lake.footers import Part, survey
from marketdata.lake.layout import Lake
from marketdata.lake.reader import Window
from marketdata.markets import Market, get_market
from marketdata.models import (
    CalendarOverride,
    FlowPartition,
    Instrument,
    InstrumentStatus,
    LakePartition,
)
from marketdata.panel import Floats
from marketdata.queries.carry_forward import carried
from marketdata.record import Days, FlowRecord, Record
from marketdata.session_activity import SessionCounts
from marketdata.session_hours import SessionHours

RECENT = 60
"""Sessions before a scan's first whose doubts are named with it."""

Counts = Sequence[Any]
NOTHING: Counts = (0, "", 0, 0, 0, 0)
"""What `Partition.sessions` says of a session; of one without a bar."""


def lake() -> Lake:
    """The configured lake."""
    return Lake(str(settings.LAKE_DIR))


def sessions(market: str) -> Days:
    """All sessions of the market's calendar with the recorded overrides, ascending; a market such as kr-adj has those
    of kr too, unless it says otherwise itself."""
    named = get_market(market)
    return calendar_of(named, CalendarOverride.objects.filter(market__in=named.family))


def hours(market: str) -> SessionHours:
    """When the sessions of the market open and close, recorded overrides included."""
    named = get_market(market)
    return hours_of(named, CalendarOverride.objects.filter(market__in=named.family))


def hours_of(named: Market, overrides: Iterable[CalendarOverride]) -> SessionHours:
    """The same from overrides that were read before, of any markets."""
    said = {(row.market, row.date): row.minutes for row in overrides if row.minutes != (None, None)}
    mine = {day: said[name, day] for wanted in named.family for name, day in said if name == wanted}
    return SessionHours(named, settings.CALENDAR_DIR, mine)


def calendar(market: str) -> tuple[Days, frozenset[date]]:
    """The same sessions, and those of them that are so by an override alone or in spite of what their bars say."""
    named = get_market(market)
    overrides = list(CalendarOverride.objects.filter(market__in=named.family))
    return calendar_of(named, overrides), opened_of(named, overrides)


def opened_of(named: Market, overrides: Iterable[CalendarOverride]) -> frozenset[date]:
    """The days that an override calls open, as `calendar_of` takes them."""
    said = {(row.market, row.date): row.is_open for row in overrides}
    mine = {day: said[name, day] for wanted in named.family for name, day in said if name == wanted}
    return frozenset(day for day, is_open in mine.items() if is_open)


def calendar_of(named: Market, overrides: Iterable[CalendarOverride]) -> Days:
    """The same from overrides that were read before, of any markets."""
    said = {(row.market, row.date): row.is_open for row in overrides}
    mine = {day: said[name, day] for wanted in named.family for name, day in said if name == wanted}
    return calendars.sessions(named.calendar, cache=settings.CALENDAR_DIR, overrides=mine)


def record(market: str) -> Record:
    """What is recorded of `market`, as of the lake's last projection; `stale` names the months that are behind."""
    return records([market])[0]


def records(markets: Sequence[str]) -> list[Record]:
    """What is recorded of each of `markets`, in two queries whatever their number."""
    named = [get_market(name) for name in markets]
    family = {name for one in named for name in one.family}
    overrides = list(CalendarOverride.objects.filter(market__in=family))
    rows: dict[str, list[LakePartition]] = {name: [] for name in markets}
    for row in LakePartition.objects.filter(market__in=markets).order_by("month"):
        rows[row.market].append(row)
    return [
        _record(
            hours_of(one, overrides),
            calendar_of(one, overrides),
            opened_of(one, overrides),
            rows[one.name],
        )
        for one in named
    ]


def _record(hours: SessionHours, calendar: Days, opened: frozenset[date], rows: Iterable[LakePartition]) -> Record:
    counts: dict[str, Counts] = {}
    closed: dict[str, str] = {}
    parts, part_digests, stale = [], {}, []
    for row in rows:
        if row.is_stale or _has_other_sessions(row, calendar, opened):
            stale.append(row.month)
        path = lake().partition(hours.market.name, row.month)
        parts.append(Part(row.month, path, row.written, row.digest))
        if row.digest:  # a month that was never written is not in the index either
            part_digests[row.month.isoformat()] = row.digest
        counts.update(row.sessions)
        confirmed = set(row.closed).difference(_inside(row.closed, calendar))
        closed |= {day: "" if day in confirmed else why for day, (_, why) in row.closed.items()}
    shut = calendars.days([day for day, why in closed.items() if why])
    calendar = calendar[~np.isin(calendar, shut)] if len(shut) else calendar
    dated = [day for day in sorted(counts) if counts[day][0]]
    if dated:
        inside = (calendar >= np.datetime64(dated[0])) & (calendar <= np.datetime64(dated[-1]))
        days = calendar[inside]
    else:
        days = calendar[:0]
    told = [SessionCounts.of(counts.get(str(day), NOTHING)) for day in days]
    return Record(
        market=hours.market,
        hours=hours,
        calendar=calendar,
        sessions=days,
        bars=np.array([one.bars for one in told], dtype=np.int64),
        good=np.array([one.good for one in told], dtype=np.int64),
        counts=told,
        digests={day: counts[day][1] for day in _inside(counts, calendar)},
        parts=tuple(parts),
        part_digests=part_digests,
        stale=tuple(stale),
        closed=closed,
    )


def _has_other_sessions(row: LakePartition, calendar: Days, opened: frozenset[date]) -> bool:
    """Whether a day of the partition was closed or opened by the calendar since it was written."""
    if len(_inside(row.sessions, calendar)) < len(row.sessions):
        return True
    ours = [day for day, (_, why) in row.closed.items() if not why]
    return bool(_inside(ours, calendar)) or any(
        why and date.fromisoformat(day) in opened for day, (_, why) in row.closed.items()
    )


def _inside(days: Iterable[str], calendar: Days) -> list[str]:
    """Those of `days` (ISO) that are sessions."""
    found = list(days)
    if not found:
        return []
    dates = calendars.days(found)
    at = np.minimum(np.searchsorted(calendar, dates), len(calendar) - 1)
    return [day for day, held in zip(found, calendar[at] == dates, strict=True) if held]


def as_projected(market: str, *days: date) -> Record:
    """What is recorded of `market`, for those who write nothing. LakeError where the lake is behind the record and
    what is asked for may be what it lacks: one of `days`, or without any the last session."""
    held = record(market)
    missing = [day for day in days if np.datetime64(day) not in held.sessions]
    if held.stale and (missing or not days):
        raise _behind(market, held.stale[0])
    return held


def _behind(market: str, month: date) -> LakeError:
    return LakeError(
        f"The lake of market {market} is behind the record in {month:%Y-%m}: run `manage.py project_lake`."
    )


def last_complete_session(held: Record, as_of: datetime) -> date:
    """The latest recorded session that has closed by `as_of` and is complete (see `doubt`)."""
    held.refuse_empty()
    for n in range(held.hours.last_closed(held.sessions, as_of), -1, -1):
        if held.bars[n] and not is_thin(held, n):
            found: date = held.sessions[n].item()
            return found
    raise DataProblem(
        f"Market {held.market.name} has no complete session yet: its last one had not closed, or has too few bars; "
        "name one with --date."
    )


def is_thin(held: Record, n: int) -> bool:
    """Whether session n of the record is in doubt: see `doubt`."""
    return bool(doubt(held, n))


def doubt(held: Record, n: int) -> str:
    """Why session n of the record is not to be scanned unless a person says so, "" where nothing is wrong: too many
    bars are missing, too few instruments traded, or the bars are those of the session before."""
    return held.doubt(n)


def closed_days(held: Record) -> dict[str, str]:
    """The sessions of the calendar that the record leaves out since the market did not trade, and why: ISO date -> a
    sentence. An operator confirms it by a calendar override, or says by one that the market was open."""
    return {day: f"{day}: {why}; closed?" for day, why in sorted(held.closed.items()) if why}


def notices(held: Record, asked: Days) -> list[str]:
    """A sentence for each day about which a scan of the sessions `asked` should be read with care: days from `RECENT`
    sessions before them on that are left out since the market did not trade, and sessions before them in doubt."""
    first = int(np.searchsorted(held.sessions, asked[0]))
    low = max(first - RECENT, 0)
    since = str(held.sessions[low])
    found = {day: told for day, told in closed_days(held).items() if day >= since}
    for n in range(low, first):
        if held.bars[n] and (why := doubt(held, n)):
            found[str(held.sessions[n])] = f"{held.sessions[n]}: {why}"
    return [found[day] for day in sorted(found)]


def flow_record(market: str) -> FlowRecord:
    """What is recorded of the market's investor flow, as of the lake's last projection."""
    rows = list(FlowPartition.objects.filter(market=market).order_by("month"))
    return FlowRecord(
        digests={day: found[1] for row in rows for day, found in row.sessions.items()},
        parts=tuple(Part(row.month, lake().flows(market, row.month), row.written, row.digest) for row in rows),
        stale=tuple(row.month for row in rows if row.is_stale),
    )


def damage_seen(market: str, until: date) -> datetime | None:
    """When a file of the lake up to the month of `until` was last found damaged, None where none was: an answer that
    was published before may have been computed from it."""
    seen = [
        kind._default_manager.filter(market=market, month__lte=until).aggregate(at=Max("damage_seen_at"))["at"]
        for kind in (LakePartition, FlowPartition)
    ]
    return max((at for at in seen if at), default=None)


def window(held: Record, asked: Days, warm_up: int, *, flows: FlowRecord | None = None) -> Window:
    """`asked` (consecutive sessions) with up to `warm_up` before them, ready to be read, with `flows` their investor
    flow too.

    Raises LakeError where a partition in the window is behind the record, or its file missing or broken,
    DataProblem where a session is missing.
    """
    days, start = _readable(held, asked, warm_up, flows)
    found = _window(held, days, start)
    return found if flows is None else replace(found, flows=flows.months(days))


def refuse_unreadable(held: Record, asked: Days, warm_up: int, *, flows: FlowRecord | None = None) -> None:
    """What `window` raises, without looking at a file."""
    _readable(held, asked, warm_up, flows)


def _readable(held: Record, asked: Days, warm_up: int, flows: FlowRecord | None) -> tuple[Days, int]:
    days, start = held.history(asked, warm_up)
    _refuse_stale(held.market.name, held.months(days), held.stale)
    if flows is not None:
        _refuse_stale(held.market.name, flows.months(days), flows.stale)
    return days, start


def block_window(
    held: Record,
    block: Days,
    asked: Days,
    *,
    look_back: int,
    broken: Sequence[Break] | None = None,
) -> Window:
    """The same inside one block of consecutive recorded sessions, whatever lies before it; with these breaks instead of
    the market's, where given."""
    at = int(np.searchsorted(block, asked[0]))
    low = max(at - look_back, 0)
    return _window(held, block[low : at + len(asked)], at - low, broken)


def breaks(held: Record) -> tuple[Break, ...]:
    """The breaks of the market's series, ascending. LakeError where they are behind the lake."""
    found = breaks_file.read(lake(), held.market.name)
    if found.partitions != held.part_digests and held.part_digests:
        raise LakeError(f"The breaks of market {held.market.name} are behind its lake: run `manage.py project_lake`.")
    return found.breaks


def chain(held: Record, asked: Days) -> list[str]:
    """For each of `asked` the digest of what an answer may depend on (`Record.chain`), breaks included. LakeError where
    those are behind the lake."""
    return held.chain(asked, breaks(held))


def _window(held: Record, days: Days, start: int, broken: Sequence[Break] | None = None) -> Window:
    broken = breaks(held) if broken is None else broken
    parts = held.months(days)
    _refuse_stale(held.market.name, parts, held.stale)
    seen = survey(lake(), parts)
    begins = held.block(days[0])[0]
    return Window(
        lake=lake(),
        market=held.market.name,
        suspect_move=held.market.suspect_move,
        sessions=days,
        start=start,
        survey=seen,
        carry=carried(held, seen, days[0], begins, broken) if days[0] > begins else {},
        breaks=tuple(one for one in broken if str(days[0]) <= one.session <= str(days[-1])),
    )


def _refuse_stale(market: str, parts: Sequence[Part], stale: Sequence[date]) -> None:
    behind = sorted({part.month for part in parts} & set(stale))
    if behind:
        raise _behind(market, behind[0])


def index(held: Record) -> tuple[Days, Floats, Floats]:
    """The market's index: sessions (S,), m (S,) and range (S,), fractions; NaN where unknown. LakeError where it is
    behind the lake."""
    found = index_file.read(lake(), held.market.name)
    recorded = held.sessions[held.bars > 0]
    if found.partitions != held.part_digests or not np.array_equal(found.sessions, recorded):
        raise LakeError(f"The index of market {held.market.name} is behind its lake: run `manage.py project_lake`.")
    return found.sessions, found.m, found.range


def names(market: str, codes: Sequence[str]) -> dict[str, str]:
    """The latest known name of each of `codes`; codes without one are left out."""
    rows = Instrument.objects.filter(market=market, code__in=list(codes)).exclude(name="")
    return dict(rows.values_list("code", "name"))


def segments(market: str) -> list[str]:
    """The segments that the market's own scans look at, then all others that any source told of."""
    told = InstrumentStatus.objects.filter(instrument__market=market, segment__isnull=False)
    others = told.order_by("segment").values_list("segment", flat=True).distinct()
    return list(dict.fromkeys([*get_market(market).segments, *map(str, others)]))


def suspected_actions(held: Record) -> list[tuple[np.datetime64, str, float, float]]:
    """What is suspected in the whole record, ascending: (session, code, raw close before, raw close). LakeError where
    the lake is behind the record."""
    if held.market.suspect_move is None:
        return [
            (np.datetime64(one.session), one.code, one.before, one.close) for one in breaks(held) if one.is_suspicion
        ]
    return [found for block in held.blocks() for found in block_window(held, block, block, look_back=0).suspects()]
