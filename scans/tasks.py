"""What the task queue calls, by these names; each reads the clock and makes one call."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.utils import timezone

from marketdata.markets import UnknownMarket
from marketdata.operations.lease import LeaseLost, LeaseTaken
from scans.api.after_publication import warm_up_responses
from scans.operations.evening import notify, schedule
from scans.operations.requests import worker
from scans.queries.versions import UnknownVersion, get_scan_request

LOGGER = logging.getLogger(__name__)


def work_request(number: int) -> str:
    """Work a scan request; how it ended."""
    told = worker.process_request(number, as_of=timezone.now())
    row = get_scan_request(number)
    if row is not None and row.publishes:
        warm_up_responses(row.market, row.versions)
    return told


def evening(market: str, at: str, due: str, versions: Sequence[str] = (), collects: bool = True) -> str:
    """The evening that was due at `due`; how it went. `at` is the time of its schedule on the market's clock."""
    from scans.operations.evening import evening as evenings

    now = timezone.now()
    schedule.set_next_run(market, at, as_of=now)
    since, until = schedule.closing_span(market, at, datetime.fromisoformat(due), as_of=now)
    asked = evenings.EveningRequest(
        market=market,
        versions=versions,
        since=since,
        until=until,
        collects=collects,
        executor=settings.SCAN_EXECUTOR,
        started_by="schedule",
    )
    try:
        told = evenings.run_evening(asked, clock=timezone.now, warm_up=warm_up_responses)
    except (UnknownMarket, UnknownVersion, LeaseTaken, LeaseLost) as error:
        LOGGER.error("The evening of market %s was not run: %s", market, error)
        return str(error)
    if told.session is None:
        return told.reason
    again = told.incomplete and schedule.retry_later(market, at, as_of=timezone.now())
    return f"{market} {told.session}: {told.outcome}{', to be looked at again' if again else ''}"


def deliver(number: int) -> str:
    """Try a delivery of a notification; how it went."""
    return notify.deliver(number, as_of=timezone.now())
