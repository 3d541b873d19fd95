"""The calls to each source, by all processes: those of a day, from midnight to midnight of its market, and when the
last one was sent, answered and refused.

Calls of a source with a daily limit are counted after each answer, since the plans of other processes depend on them;
those of others once the source is closed. Quotes for a page must not wait for a batch that locks the database: where it
is locked the calls stay in memory until the next source of that name is closed in this process.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from django.db import DatabaseError, connection, transaction

from marketdata.market_time import market_date
from marketdata.markets import Market
from marketdata.models import SourceVisit
from marketdata.sources.base import Source
from marketdata.sources.http.call_log import CallLog
from marketdata.sources.http.client import HttpClient
from marketdata.sources.sessions import SessionSource

LOGGER = logging.getLogger(__name__)
SPARE_CALLS = 0.95
"""Share of a day's calls that are planned; the others are left for retries."""
REFUSAL_LENGTH = 300

_PENDING: dict[str, CallLog] = {}
"""Source -> calls that are not recorded yet."""
_LOCK = threading.Lock()


def calls_left(source: SessionSource, market: Market, as_of: datetime) -> int:
    """How many calls of the day of `as_of` can still be planned."""
    visit = SourceVisit.objects.filter(source=source.name, what=SourceVisit.CALLS).first()
    made = visit.calls if visit is not None and _is_same_day(visit.at, as_of, market.name) else 0
    return max(int(source.calls_a_day * SPARE_CALLS) - made, 0)


def count_calls(source: SessionSource, market: Market, calls: int, at: datetime) -> None:
    """Add calls made at `at`."""
    if not calls:
        return
    with transaction.atomic():
        visit = _visit_of(source.name, market.name, at)
        visit.calls += calls
        visit.save()


def record_client(source: Source, http: HttpClient) -> None:
    """Add the calls of a source's client, which is being closed."""
    with _LOCK:
        log = _PENDING.pop(source.name, CallLog()) + http.log
    if log.sent_at is None:
        return
    try:
        with _without_waiting(), transaction.atomic():
            _record(source, log, log.sent_at)
    except DatabaseError as error:
        LOGGER.info("The calls to %s are recorded later: %s", source.name, error)
        with _LOCK:
            _PENDING[source.name] = log + _PENDING.get(source.name, CallLog())


def _record(source: Source, log: CallLog, sent_at: float) -> None:
    is_counted = isinstance(source, SessionSource)  # after each answer
    market = None if is_counted else str(getattr(source, "daily_market", ""))
    visit = _visit_of(source.name, market, _moment(sent_at))
    visit.calls += 0 if is_counted else log.sent
    visit.refusals += log.refusals
    if log.answered_at is not None:
        visit.answered_at = _moment(log.answered_at)
    if log.refused_at is not None:
        visit.refused_at, visit.refusal = _moment(log.refused_at), log.refusal[:REFUSAL_LENGTH]
    visit.save()


@contextmanager
def _without_waiting() -> Iterator[None]:
    """A locked SQLite database is an error at once."""
    if connection.vendor != "sqlite":
        yield
        return
    connection.ensure_connection()
    patience = int(connection.settings_dict["OPTIONS"].get("timeout", 5) * 1_000)
    connection.connection.execute("PRAGMA busy_timeout = 0")
    try:
        yield
    finally:
        connection.connection.execute(f"PRAGMA busy_timeout = {patience}")


def _visit_of(source: str, market: str | None, at: datetime) -> SourceVisit:
    """The row of a source, locked; with a market that of `at`, whose counts are those of that day in the market."""
    defaults = {"at": at}
    visit, _ = SourceVisit.objects.select_for_update().get_or_create(
        source=source, what=SourceVisit.CALLS, defaults=defaults
    )
    if market is not None:
        if not _is_same_day(visit.at, at, market):
            visit.calls = visit.refusals = 0
        visit.at = at
    return visit


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _is_same_day(first: datetime, second: datetime, market: str) -> bool:
    return market_date(first, market) == market_date(second, market)
