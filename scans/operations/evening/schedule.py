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
from datetime import UTC, datetime, time, timedelta
from typing import Any

import numpy as np
from django.db import transaction
from django.db.models import Q, QuerySet
from django_q.models import Schedule

from marketdata.errors import DataProblem
from marketdata.market_time import market_zone
from marketdata.markets import Market, get_market
from marketdata.operations.task_queue import queue_key
from marketdata.queries.market_calendar import get_calendar, get_hours
from marketdata.queries.readiness import GRACE
from scans.queries.schedules import PRECLOSE_TASK, SETTLE_TASK, TASK, EveningSchedule, evening_schedules
from scans.queries.versions import get_versions

FIRST_PAUSE, FIRST_PERIOD = timedelta(minutes=5), timedelta(minutes=15)
"""The pause between two tries of an incomplete session, and how long after the scheduled time it applies: bars of KRX
can be read until 15:59 on the same day."""
PAUSE, PATIENCE = timedelta(minutes=30), GRACE
"""The pause between two later tries of an incomplete session, and when tries end after the scheduled time."""
MORNING_PAUSE, MORNING_LATE = timedelta(minutes=10), timedelta(hours=1, minutes=45)
"""The pause between two tries of a morning, and how long after the scheduled time it applies: an exchange publishes its
lists minutes apart, and those of KRX are late at 10:00."""


def set_schedule(
    market: str,
    *,
    as_of: datetime,
    at: time | None = None,
    versions: Sequence[str] = (),
    collects: bool = True,
    preclose: Sequence[time] = (),
    scales_volume: bool = False,
    adds: bool = False,
    keeps: bool = False,
) -> EveningSchedule:
    """Create or change the market's schedule and return it; `at` None is the market's default; `preclose`: times of
    scans before the close, `scales_volume` as of `run_scan --scale-volume`; `adds`: one for these versions beside the
    others of the market; `keeps`: leave one that exists as it is. Raises UnknownMarket, UnknownVersion, and DataProblem
    for a time at which a session cannot be scanned before its close."""
    market_of_name = get_market(market)
    time_of_day = at or market_of_name.evening_at
    if adds and not (at and versions):
        raise DataProblem("--add needs --at and --version: whose evening it is, and when.")
    if keeps and (existing := [one for one in evening_schedules() if one.market == market]):
        return existing[0]
    if versions:
        get_versions(market, list(versions))
    if scales_volume and not preclose:
        raise DataProblem("--scale-volume goes with --preclose, the times of scans before the close.")
    for moment in preclose:
        _refuse_unquoted(market_of_name, moment, as_of)
    kwargs = {"market": market, "at": f"{time_of_day:%H:%M}", "collects": collects}
    fields = {
        "kwargs": repr(kwargs | {"versions": list(versions)}),
        "schedule_type": Schedule.DAILY,
        "repeats": -1,
        "intended_date_kwarg": "due",
        "next_run": next_moment(market_of_name, time_of_day, as_of),
    }
    with transaction.atomic():
        if adds:
            _write(TASK, f"{_name(market)} {time_of_day:%H:%M}", fields)
            return _schedule_at(market, time_of_day)
        _evenings(market).exclude(name=_name(market)).delete()
        _write(TASK, _name(market), fields)
        _write_preclose(market_of_name, versions, preclose, as_of, scales_volume=scales_volume)
        if collects and market_of_name.settled_at and len(market_of_name.family) == 1:
            _write_morning(market_of_name, market_of_name.settled_at, as_of)
        else:
            Schedule.objects.filter(func=SETTLE_TASK, name=_morning_name(market)).delete()
    return _schedule_at(market, time_of_day)


def is_last(market: str, at: str) -> bool:
    """Whether none of the market's schedules is later in the day than `at`."""
    return all(f"{other.at:%H:%M}" <= at for other in evening_schedules() if other.market == market)


def is_alone(market: str) -> bool:
    """Whether the market has one schedule at most."""
    return _evenings(market).count() <= 1


def _schedule_at(market: str, at: time) -> EveningSchedule:
    return next(one for one in evening_schedules() if (one.market, one.at) == (market, at))


def _evenings(market: str) -> QuerySet[Schedule]:
    """The market's schedules of evenings: one, or one for each time of day."""
    is_of_market = Q(name=_name(market)) | Q(name__startswith=f"{_name(market)} ")
    rows: QuerySet[Schedule] = Schedule.objects.filter(is_of_market, func=TASK)
    return rows


def _write(task: str, name: str, fields: dict[str, Any]) -> None:
    if not Schedule.objects.select_for_update().filter(func=task, name=name).update(**fields):
        Schedule.objects.create(func=task, name=name, **fields)


def _refuse_unquoted(market: Market, at: time, as_of: datetime) -> None:
    """DataProblem where sessions are not scanned at `at`."""
    calendar = get_calendar(market.name)
    following = calendar.sessions[calendar.sessions > np.datetime64(as_of.date())][0].item()
    shift = calendar.hours.shift(following)
    begins, ends = (moment - shift for moment in calendar.hours.quoted_hours(following))
    if not begins.time() <= at < ends.time():
        raise DataProblem(
            f"Market {market.name} cannot be scanned before its close at {at:%H:%M}: choose a time from "
            f"{begins:%H:%M} to before {ends:%H:%M}."
        )


def _write_preclose(
    market: Market, versions: Sequence[str], times: Sequence[time], as_of: datetime, *, scales_volume: bool
) -> None:
    """The schedules of scans before the close, these alone."""
    _preclose_rows(market.name).exclude(name__in=[_preclose_name(market.name, f"{at:%H:%M}") for at in times]).delete()
    for at in times:
        text = f"{at:%H:%M}"
        fields = {
            "kwargs": repr(
                {"market": market.name, "at": text, "versions": list(versions), "scales_volume": scales_volume}
            ),
            "schedule_type": Schedule.DAILY,
            "repeats": -1,
            "next_run": next_moment(market, at, as_of, early=True),
            "cluster": queue_key("high"),
        }
        _write(PRECLOSE_TASK, _preclose_name(market.name, text), fields)


def _write_morning(market: Market, at: time, as_of: datetime) -> None:
    """The schedule of `settle`."""
    fields = {
        "kwargs": repr({"market": market.name, "at": f"{at:%H:%M}"}),
        "schedule_type": Schedule.DAILY,
        "repeats": -1,
        "next_run": next_moment(market, at, as_of),
    }
    _write(SETTLE_TASK, _morning_name(market.name), fields)


def remove_schedule(market: str) -> bool:
    """Delete the market's schedule; returns whether there was one."""
    _preclose_rows(market).delete()
    Schedule.objects.filter(func=SETTLE_TASK, name=_morning_name(market)).delete()
    return bool(_evenings(market).delete()[0])


def set_next_run(market: str, at: str, *, as_of: datetime) -> None:
    """Set the market's next run to the next `at` of its local time."""
    _update_next_run(market, at, next_moment(get_market(market), time.fromisoformat(at), as_of))


def set_next_morning(market: str, at: str, *, as_of: datetime) -> None:
    """The same for the morning that settles the session."""
    moment = next_moment(get_market(market), time.fromisoformat(at), as_of)
    Schedule.objects.filter(func=SETTLE_TASK, name=_morning_name(market)).update(next_run=moment)


def set_next_preclose(market: str, at: str, *, as_of: datetime) -> None:
    """The same for a scan before the close, which is earlier where the session closes earlier than usual."""
    moment = next_moment(get_market(market), time.fromisoformat(at), as_of, early=True)
    Schedule.objects.filter(func=PRECLOSE_TASK, name=_preclose_name(market, at)).update(next_run=moment)


def retry_later(market: str, at: str, *, as_of: datetime) -> bool:
    """Schedule another try of the market's evening, until `PATIENCE` after its last `at`; returns whether there is
    one."""
    began = last_moment(get_market(market), time.fromisoformat(at), as_of)
    soon = as_of + (FIRST_PAUSE if as_of - began < FIRST_PERIOD else PAUSE)
    if soon - began > PATIENCE:
        return False
    _update_next_run(market, at, soon)
    return True


def retry_morning(market: str, at: str, *, as_of: datetime) -> bool:
    """Schedule another try of a morning that lacks something, until `PATIENCE` after its last `at`; returns whether the
    exchange's lists are late."""
    began = last_moment(get_market(market), time.fromisoformat(at), as_of)
    is_late = as_of - began >= MORNING_LATE
    soon = as_of + (PAUSE if is_late else MORNING_PAUSE)
    if soon - began <= PATIENCE:
        Schedule.objects.filter(func=SETTLE_TASK, name=_morning_name(market)).update(next_run=soon)
    return is_late


def closing_span(market: str, at: str, due: datetime, *, as_of: datetime) -> tuple[datetime, datetime]:
    """The period in which the session of the run due at `due` closed: from a day before `due` in the market's local
    time to the market's last `at`. A session that closed later has its own run."""
    market_of_name = get_market(market)
    since = due.astimezone(market_zone(market)) - timedelta(days=1)
    return since, last_moment(market_of_name, time.fromisoformat(at), as_of)


def _update_next_run(market: str, at: str, moment: datetime) -> None:
    rows = _evenings(market)
    (rows if is_alone(market) else rows.filter(kwargs__contains=repr(at))).update(next_run=moment)


def next_moment(market: Market, at: time, moment: datetime, *, early: bool = False) -> datetime:
    """The first `at` of the market's local time after `moment`, in UTC; with `early` it is earlier on a day whose
    session closes earlier than usual."""
    return _nearest_moment(market, at, moment, range(-1, 3), later=True, early=early)


def last_moment(market: Market, at: time, moment: datetime) -> datetime:
    """The last `at` of the market's local time before `moment`, in UTC."""
    return _nearest_moment(market, at, moment, range(1, -3, -1), later=False)


def _nearest_moment(
    market: Market, at: time, moment: datetime, days: range, *, later: bool, early: bool = False
) -> datetime:
    zone = market_zone(market)
    today, hours = moment.astimezone(zone).date(), get_hours(market.name)
    dates = (today + timedelta(days=n) for n in days)
    shift = hours.shift if early else hours.later_than_usual
    candidates = ((datetime.combine(day, at) + shift(day)).replace(tzinfo=zone).astimezone(UTC) for day in dates)
    return next(candidate for candidate in candidates if (candidate > moment if later else candidate < moment))


def _name(market: str) -> str:
    return f"evening {market}"


def _morning_name(market: str) -> str:
    return f"settle {market}"


def _preclose_name(market: str, at: str) -> str:
    return f"preclose {market} {at}"


def _preclose_rows(market: str) -> QuerySet[Schedule]:
    rows: QuerySet[Schedule] = Schedule.objects.filter(func=PRECLOSE_TASK, name__startswith=f"preclose {market} ")
    return rows
