"""Queries of the schedules of evenings; `operations.evening.schedule` changes them."""

from __future__ import annotations

import logging
from ast import literal_eval
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, time

from django.db.models import QuerySet
from django_q.models import Schedule

from marketdata.markets import get_market

LOGGER = logging.getLogger(__name__)
TASK, SETTLE_TASK, PRECLOSE_TASK = "scans.tasks.evening", "scans.tasks.settle", "scans.tasks.preclose"
INTRADAY_TASK = "scans.tasks.intraday"


@dataclass(frozen=True, slots=True)
class EveningSchedule:
    """A market's schedule: the time of day in `zone`, its versions (none: all whose segments it has), the next run in
    UTC; `settled`: the next run of the morning that settles the session, None where the market has none; `preclose`:
    the times of day of its scans before the close, `scales_volume`: whether theirs are scaled; `watched`: whether its
    signals are checked while it trades."""

    market: str
    at: time
    zone: str
    versions: tuple[str, ...]
    collects: bool
    next_run: datetime | None
    settled: datetime | None = None
    preclose: tuple[time, ...] = ()
    scales_volume: bool = False
    watched: bool = False


def evening_schedules() -> list[EveningSchedule]:
    """Every schedule, by market; an invalid row, edited by hand, is logged and left out."""
    return make_schedules(schedule_rows())


def schedule_rows() -> QuerySet[Schedule]:
    """The rows of all schedules in the task queue."""
    tasks = (TASK, SETTLE_TASK, PRECLOSE_TASK, INTRADAY_TASK)
    rows: QuerySet[Schedule] = Schedule.objects.filter(func__in=tasks).order_by("name")
    return rows


def make_schedules(rows: Iterable[Schedule]) -> list[EveningSchedule]:
    """The schedules of these rows."""
    rows = list(rows)
    mornings = {row.name: row.next_run for row in rows if row.func == SETTLE_TASK}
    result = []
    for row in rows:
        if row.func != TASK:
            continue
        try:
            schedule = _schedule_of_row(row)
            early = [
                other for other in rows if other.func == PRECLOSE_TASK and other.name.split()[1] == schedule.market
            ]
            beside = replace(
                schedule,
                settled=mornings.get(f"settle {schedule.market}"),
                preclose=tuple(time.fromisoformat(other.name.split()[-1]) for other in early),
                scales_volume=any(literal_eval(other.kwargs).get("scales_volume", False) for other in early),
                watched=any(other.name == f"intraday {schedule.market}" for other in rows),
            )
            result.append(beside)
        except (ValueError, SyntaxError, TypeError, KeyError):  # UnknownMarket is a ValueError
            LOGGER.warning("Schedule %r of the task queue is not a schedule of an evening: delete it", row.name)
    return result


def _schedule_of_row(row: Schedule) -> EveningSchedule:
    kwargs = literal_eval(row.kwargs)
    named = get_market(kwargs["market"])
    return EveningSchedule(
        market=named.name,
        at=time.fromisoformat(kwargs["at"]),
        zone=named.timezone,
        versions=tuple(kwargs["versions"]),
        collects=kwargs["collects"],
        next_run=row.next_run,
    )
