"""Schedules of evenings: every day at a time of the market's own zone, run by a task worker.

The queue counts days in UTC and ignores daylight saving time. Therefore the task first sets its own next run
(`set_next_run`) by the market's clock. If it is killed before that, the queue's next run is at most an hour early or
late; a run that is an hour early finds no closed session and corrects the time. On a day whose session closes later
than usual (KRX on the day of the university entrance exam) the evening runs later by as much.

A run that was due without a worker is done once, when a worker is there: for the latest session that closed since the
run before (`closing_span`); each version scans the sessions it lacks. A session with incomplete bars is tried again
every five minutes for a quarter of an hour, then every half hour, for three hours.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction
from django_q.models import Schedule

from marketdata.markets import Market, get_market
from marketdata.queries.market_calendar import get_hours
from marketdata.queries.readiness import GRACE
from scans.queries import versions as queries
from scans.queries.schedules import TASK, EveningSchedule, evening_schedules

SHORT, SOON = timedelta(minutes=5), timedelta(minutes=15)
"""Between two looks at a session that is not complete in the first minutes after the time of the schedule: bars of KRX
can be read until 15:59 on the day itself."""
PAUSE, PATIENCE = timedelta(minutes=30), GRACE
"""Between two looks at a session that is not complete, and for how long after the time of the schedule."""


def set_schedule(
    market: str,
    *,
    as_of: datetime,
    at: time | None = None,
    versions: Sequence[str] = (),
    collects: bool = True,
) -> EveningSchedule:
    """Make the market's schedule, or change it; `at` None is the market's own default. Raises UnknownMarket and
    UnknownVersion."""
    named = get_market(market)
    when = at or named.evening_at
    if versions:
        queries.get_versions(market, list(versions))
    given = {"market": market, "at": f"{when:%H:%M}", "collects": collects}
    found = {
        "kwargs": repr(given | {"versions": list(versions)}),
        "schedule_type": Schedule.DAILY,
        "repeats": -1,
        "intended_date_kwarg": "due",
        "next_run": after(named, when, as_of),
    }
    with transaction.atomic():
        rows = Schedule.objects.select_for_update().filter(func=TASK, name=_name(market))
        if not rows.update(**found):
            Schedule.objects.create(func=TASK, name=_name(market), **found)
    return next(one for one in evening_schedules() if one.market == market)


def remove_schedule(market: str) -> bool:
    """Take the market's schedule away; whether there was one."""
    return bool(Schedule.objects.filter(func=TASK, name=_name(market)).delete()[0])


def set_next_run(market: str, at: str, *, as_of: datetime) -> None:
    """Set the market's next run to its own clock's next `at`."""
    _next_run(market, after(get_market(market), time.fromisoformat(at), as_of))


def retry_later(market: str, at: str, *, as_of: datetime) -> bool:
    """Have the market run once more in a while, until `PATIENCE` after its last `at`; whether it will."""
    began = before(get_market(market), time.fromisoformat(at), as_of)
    soon = as_of + (SHORT if as_of - began < SOON else PAUSE)
    if soon - began > PATIENCE:
        return False
    _next_run(market, soon)
    return True


def closing_span(market: str, at: str, due: datetime, *, as_of: datetime) -> tuple[datetime, datetime]:
    """Between which moments a session closed that the run due at `due` is for: from the same time on the market's
    clock, the day before, to the market's last `at`, since what closed after that has its own run to come."""
    named = get_market(market)
    since = due.astimezone(ZoneInfo(named.timezone)) - timedelta(days=1)
    return since, before(named, time.fromisoformat(at), as_of)


def _next_run(market: str, moment: datetime) -> None:
    Schedule.objects.filter(func=TASK, name=_name(market)).update(next_run=moment)


def after(market: Market, at: time, moment: datetime) -> datetime:
    """The first time that the market's clock shows `at` after `moment`, in UTC."""
    return _moment(market, at, moment, range(-1, 3), later=True)


def before(market: Market, at: time, moment: datetime) -> datetime:
    """The last time that the market's clock showed `at` before `moment`, in UTC."""
    return _moment(market, at, moment, range(1, -3, -1), later=False)


def _moment(market: Market, at: time, moment: datetime, days: range, *, later: bool) -> datetime:
    zone = ZoneInfo(market.timezone)
    today, hours = moment.astimezone(zone).date(), get_hours(market.name)
    dates = (today + timedelta(days=n) for n in days)
    found = (
        (datetime.combine(day, at) + hours.later_than_usual(day)).replace(tzinfo=zone).astimezone(ZoneInfo("UTC"))
        for day in dates
    )
    return next(one for one in found if (one > moment if later else one < moment))


def _name(market: str) -> str:
    return f"evening {market}"
