"""The schedules of evenings, as they are planned; `operations.schedule` makes and moves them."""

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
    """A market's schedule: the time of day in `zone`, its versions (none: all that fit), the next run in UTC."""

    market: str
    at: time
    zone: str
    versions: tuple[str, ...]
    collects: bool
    next_run: datetime | None


def evening_schedules() -> list[EveningSchedule]:
    """Every schedule, by market; a row that somebody wrote by hand and that is none is logged and left out."""
    found = []
    for row in Schedule.objects.filter(func=TASK).order_by("name"):
        try:
            found.append(_planned(row))
        except (ValueError, SyntaxError, TypeError, KeyError):  # UnknownMarket is a ValueError
            LOGGER.warning("Schedule %r of the task queue is no evening's: delete it", row.name)
    return found


def _planned(row: Schedule) -> EveningSchedule:
    given = literal_eval(row.kwargs)
    named = get_market(given["market"])
    return EveningSchedule(
        market=named.name,
        at=time.fromisoformat(given["at"]),
        zone=named.timezone,
        versions=tuple(given["versions"]),
        collects=given["collects"],
        next_run=row.next_run,
    )
