"""The days of a month whose bars are no session's: the calendar says that the market was closed, or the bars do
(`session_activity`)."""

from __future__ import annotations

from datetime import date

import numpy as np
from numpy.typing import NDArray

from marketdata.models import LakePartition
from marketdata.operations import bulk
from marketdata.queries.market_calendar import get_calendar
from marketdata.session_activity import COMPARED_FIELDS, ActivityTracker

Closures = dict[date, tuple[int, str]]


def month_closures(
    market: str,
    month: date,
    rows: bulk.Rows,
    order: NDArray[np.intp],
    *,
    before: bulk.Rows | None = None,
) -> tuple[Closures, dict[str, int]]:
    """The closed days of `rows` (those at `order`, which are the month's), each with how many bars it has and why it is
    closed, "" where the calendar says so; and for each other day how many bars repeat the session before. `before`: the
    bars of the last session before the month, where they are not those that the lake knows of."""
    closed: Closures = {}
    repeated: dict[str, int] = {}
    if not len(order):
        return closed, repeated
    calendar = get_calendar(market)
    before = _session_before(market, month) if before is None else before
    codes = np.union1d(rows.codes, before.codes) if before is not None else rows.codes
    code = np.searchsorted(codes, rows.codes)[rows.code]
    values = np.stack([rows.values[name] for name in COMPARED_FIELDS], axis=1)
    walk = ActivityTracker(len(codes))
    if before is not None:
        kept = before.preferred({})
        theirs = np.searchsorted(codes, before.codes)[before.code[kept]]
        bars = np.stack([before.values[name][kept] for name in COMPARED_FIELDS], axis=1)
        walk.accept(theirs, bars, walk.activity(theirs, bars))
    by_day = order[np.argsort(rows.date[order], kind="stable")]
    edges = np.flatnonzero(np.diff(rows.date[by_day].astype(np.int64), prepend=-1))
    for mine in np.split(by_day, edges[1:]):
        day: date = rows.date[mine[0]].item()
        if not _is_session(calendar.sessions, rows.date[mine[0]]):
            closed[day] = (len(mine), "")
            continue
        activity = walk.activity(code[mine], values[mine])
        why = "" if day in calendar.opened else activity.closure()
        if why:
            closed[day] = (activity.bars, why)
            continue
        repeated[day.isoformat()] = activity.repeated
        walk.accept(code[mine], values[mine], activity)
    return closed, repeated


def _is_session(calendar: NDArray[np.datetime64], day: np.datetime64) -> bool:
    at = int(np.searchsorted(calendar, day))
    return at < len(calendar) and bool(calendar[at] == day)


def _session_before(market: str, month: date) -> bulk.Rows | None:
    """The bars of the last session before the month, as far as the lake knows of one."""
    earlier = LakePartition.objects.filter(market=market, month__lt=month).exclude(digest="")
    found = earlier.order_by("-month").values_list("sessions", flat=True).first()
    days = [day for day, told in (found or {}).items() if told[0]]
    if not days:
        return None
    last = date.fromisoformat(max(days))
    return bulk.month_rows(market, last, last)
