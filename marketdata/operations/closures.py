"""Closures of a month: days whose bars are not those of a session, by the calendar or by the bars themselves
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
    market: str, month: date, rows: bulk.Rows, order: NDArray[np.intp], *, before: bulk.Rows | None = None
) -> tuple[Closures, dict[str, int]]:
    """The closed days of `rows` (those at `order`, which are the month's), each with its number of bars and the reason,
    "" for the calendar; and for each other day the number of bars that repeat the session before. `before`: the bars of
    the last session before the month, where they are not in the lake yet."""
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
        preferred = before.preferred({})
        codes_before = np.searchsorted(codes, before.codes)[before.code[preferred]]
        bars = np.stack([before.values[name][preferred] for name in COMPARED_FIELDS], axis=1)
        walk.accept(codes_before, bars, walk.activity(codes_before, bars))
    by_day = order[np.argsort(rows.date[order], kind="stable")]
    edges = np.flatnonzero(np.diff(rows.date[by_day].astype(np.int64), prepend=-1))
    for day_rows in np.split(by_day, edges[1:]):
        day: date = rows.date[day_rows[0]].item()
        if not _is_session(calendar.sessions, rows.date[day_rows[0]]):
            closed[day] = (len(day_rows), "")
            continue
        activity = walk.activity(code[day_rows], values[day_rows])
        why = "" if day in calendar.opened else activity.closure()
        if why:
            closed[day] = (activity.bars, why)
            continue
        repeated[day.isoformat()] = activity.repeated
        walk.accept(code[day_rows], values[day_rows], activity)
    return closed, repeated


def _is_session(calendar: NDArray[np.datetime64], day: np.datetime64) -> bool:
    at = int(np.searchsorted(calendar, day))
    return at < len(calendar) and bool(calendar[at] == day)


def _session_before(market: str, month: date) -> bulk.Rows | None:
    """The bars of the last session before the month in the lake, None where there is none."""
    earlier = LakePartition.objects.filter(market=market, month__lt=month).exclude(digest="")
    counts = earlier.order_by("-month").values_list("sessions", flat=True).first()
    days = [day for day, values in (counts or {}).items() if values[0]]
    if not days:
        return None
    last = date.fromisoformat(max(days))
    return bulk.month_rows(market, last, last)
