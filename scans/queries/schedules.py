"""Queries of the schedules of evenings; `operations.evening.schedule` changes them."""

from __future__ import annotations

import logging
from ast import literal_eval
from dataclasses import dataclass
from datetime import datetime, time

from django_q.models import Schedule

from marketdata.markets import get_market

LOGGER = logging.getLogger(__name__)
TASK = "scans.tasks.evening"


@dataclass(frozen=True, slots=True)
class EveningSchedule:
    """A market's schedule: the time of day in `zone`, its versions (none: all whose segments it has), the next run in
    UTC."""

    market: str
    at: time
    zone: str
    versions: tuple[str, ...]
    collects: bool
    next_run: datetime | None


def evening_schedules() -> list[EveningSchedule]:
    """Every schedule, by market; an invalid row, edited by hand, is logged and left out."""
    result = []
    for row in Schedule.objects.filter(func=TASK).order_by("name"):
        try:
            result.append(_schedule_of_row(row))
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
