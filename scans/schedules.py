"""The schedules of evenings, as they are planned; `operations.schedule` makes and moves them."""

from __future__ import annotations

from ast import literal_eval
from dataclasses import dataclass
from datetime import datetime, time

from django_q.models import Schedule

from marketdata.markets import market as market_named

TASK = "scans.tasks.evening"


@dataclass(frozen=True, slots=True)
class Planned:
    """A market's schedule: the time of day in `zone`, its versions (none: all that fit), the next run in UTC."""

    market: str
    at: time
    zone: str
    versions: tuple[str, ...]
    collects: bool
    next_run: datetime | None


def planned() -> list[Planned]:
    """Every schedule, by market."""
    return [_planned(row) for row in Schedule.objects.filter(func=TASK).order_by("name")]


def _planned(row: Schedule) -> Planned:
    given = literal_eval(row.kwargs)
    named = market_named(given["market"])
    return Planned(
        market=named.name,
        at=time.fromisoformat(given["at"]),
        zone=named.timezone,
        versions=tuple(given["versions"]),
        collects=given["collects"],
        next_run=row.next_run,
    )
