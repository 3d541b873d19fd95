"""Schedules of intraday checks: every minute of continuous trading, run by a task worker, of the markets of which a
reader wants messages while they trade and a source has live quotes. The task sets its own next run, so that nothing
runs outside those hours; without such a reader there is no schedule."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
from django.db import transaction
from django_q.models import Schedule

from marketdata.markets import MARKETS
from marketdata.operations.live_quotes import has_quotes
from marketdata.operations.task_queue import queue_key
from marketdata.queries.instruments import get_recorded_markets
from marketdata.queries.market_calendar import get_calendar
from scans.queries.message_channels import intraday_markets
from scans.queries.schedules import INTRADAY_TASK

PAUSE = timedelta(minutes=1)


def update_checks(*, as_of: datetime) -> None:
    """Create the schedules that readers' channels need, and delete the others."""
    wanted = intraday_markets()
    names = {
        f"intraday {name}": name
        for name in MARKETS.keys() & set(get_recorded_markets())
        if (wanted is None or name in wanted) and has_quotes(name)
    }
    with transaction.atomic():
        rows = Schedule.objects.filter(func=INTRADAY_TASK)
        rows.exclude(name__in=names).delete()
        for name in names.keys() - set(rows.values_list("name", flat=True)):
            Schedule.objects.create(
                func=INTRADAY_TASK,
                name=name,
                kwargs=repr({"market": names[name]}),
                schedule_type=Schedule.DAILY,
                repeats=-1,
                next_run=next_check(names[name], as_of),
                cluster=queue_key("high"),
            )


def set_next_check(market: str, *, as_of: datetime) -> None:
    """Set the market's next run: in a minute, or when its next session has quotes."""
    rows = Schedule.objects.filter(func=INTRADAY_TASK, name=f"intraday {market}")
    rows.update(next_run=next_check(market, as_of))


def next_check(market: str, as_of: datetime) -> datetime:
    """The moment of the first check after `as_of`."""
    calendar = get_calendar(market)
    yesterday = np.datetime64((as_of - timedelta(days=1)).date())
    for session in calendar.sessions[calendar.sessions > yesterday].tolist():
        begins, ends = calendar.hours.quoted_hours(session)
        if max(begins, as_of + PAUSE) < ends:
            return max(begins, as_of + PAUSE)
    return as_of + timedelta(days=1)  # the calendar ends
