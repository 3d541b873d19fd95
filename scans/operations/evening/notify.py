"""Notifications of evenings: one for each session, through the channels of the operator and of readers.

1. A session has one notification of each kind, and one of every check while it trades (`intraday`), for readers alone.
   A run with the same result as the one before changes nothing and sends nothing.
2. New content becomes one delivery for each channel. A conditional UPDATE claims a delivery, and it is tried at once; a
   temporary failure is tried again later by a task worker, at most `MAX_ATTEMPTS` times in all. A channel that fails
   does not affect the others.
3. A delivery that was acknowledged is sent again only on a person's request. If a process dies between the sending and
   the record of the acknowledgement, a webhook may get the delivery twice, with the same x-seismo-delivery. Mail and
   services cannot recognize a repeated one: theirs is given up, since it may have arrived.

The configuration of a channel (an address, a password) is written to no log, and that of the operator to no row.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from django.core.cache import cache
from django.db import transaction
from django.db.models import F, Q
from django_q.models import Schedule

from marketdata.errors import NotDelivered
from marketdata.market_time import market_date
from marketdata.operations.calendar_notices import take_calendar_changes
from marketdata.operations.task_queue import queue_key
from marketdata.queries.calendar_disagreements import get_disagreements
from marketdata.queries.market_calendar import get_calendar
from marketdata.queries.readiness import DISPUTED_BACK
from scans.models import Delivery, EveningOutcome, Notification
from scans.operations.evening.channels import (
    Channel,
    delivery_channel,
    is_temporary,
    operator_channels,
    reader_channels,
)
from scans.operations.evening.notification_content import notification_content
from scans.operations.evening.report import Content, EveningReport, digest, merge, outcome

TASK = "scans.tasks.deliver"
RETRY_DELAYS = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2))
MAX_ATTEMPTS = len(RETRY_DELAYS) + 1
LEASE = timedelta(minutes=5)
"""After this time a claimed delivery without a result may be claimed again."""
EMPTY_CONTENT: Content = {
    "reason": "",
    "incomplete": False,
    "versions": [],
    "collection": {},
    "signals": {},
    "readiness": {},
}

TEST, PAUSE = "test-notification", 10
"""The key of the last test in the cache, and the least seconds between two."""
NEW_DELIVERY: dict[str, Any] = {"attempts": 0, "claimed_at": None, "sending_at": None, "given_up": False, "error": ""}
UNKNOWN_RESULT = "the process ended while it was sent: it may have arrived"

LOGGER = logging.getLogger(__name__)


class NoEvening(Exception):
    """No evening has a notification yet."""


class TooSoon(Exception):
    """A test was sent less than `PAUSE` seconds ago."""


class NoChannel(Exception):
    """No channel is configured; the message says how to configure one."""


def record_report(report: EveningReport, *, at: datetime, sends: bool = True) -> None:
    """Save the report as its session's notification; sets `report.notification` and `report.news`. Without `sends` a
    later evening of the session sends it, unless that has been."""
    kind = Notification.PRECLOSE if report.as_of else Notification.EVENING
    key = {"market": report.market, "session": report.session, "kind": kind}
    recorded = _record(key, report.content(), at, seconds=report.seconds, as_of=report.as_of, sends=sends)
    report.notification, report.news = recorded


def record_settled(market: str, session: date, content: Content, *, at: datetime) -> int | None:
    """Save the lists of a session that settled bars changed as its second notification; returns its number if there is
    something to send."""
    key = {"market": market, "session": session, "kind": Notification.SETTLED}
    number, is_new = _record(key, content, at)
    return number if is_new else None


def send_calendar(market: str, *, clock: Callable[[], datetime]) -> None:
    """Send the operator once the days that a source calls otherwise than the calendar; rows are marked in the
    transaction that records the message."""
    at = clock()
    today = market_date(at, market)
    with transaction.atomic():
        changed = take_calendar_changes(market, since=today - DISPUTED_BACK, at=at)
        if not changed:
            return
        sentences = {one.day: one.sentence for one in get_disagreements(market, today - DISPUTED_BACK)}
        reason = " ".join(filter(None, (sentences.get(day, other) for day, other in changed.items())))
        key = {"market": market, "session": today, "kind": Notification.CALENDAR}
        number, is_new = _record(key, {**EMPTY_CONTENT, "reason": reason}, at) if reason else (0, False)
    if is_new:
        send_waiting(number, clock=clock)


def record_intraday(market: str, session: date, content: Content, *, at: datetime) -> int:
    """Save levels that signals reached while the session trades as a notification of their own; returns its number."""
    key = {"market": market, "session": session, "kind": Notification.INTRADAY}
    count = Notification.objects.filter(**key).count()
    return _record({**key, "number": count + 1}, content, at, as_of=at)[0]


def _record(
    key: dict[str, Any],
    own: Content,
    at: datetime,
    *,
    seconds: float = 0.0,
    as_of: datetime | None = None,
    sends: bool = True,
) -> tuple[int, bool]:
    """Save a content; returns the number of its notification, and whether there is something new to send."""
    with transaction.atomic():
        row = Notification.objects.select_for_update().filter(**key).first()
        content = merge(notification_content(row) if row else EMPTY_CONTENT, own)
        new_digest = digest(content)
        if row is None:
            row = Notification(**key, created_at=at)
        elif row.digest == new_digest:
            return row.pk, False
        is_notice = row.kind == Notification.CALENDAR
        row.outcome = EveningOutcome.NOTICE if is_notice else outcome(content)
        row.digest, row.changed_at = new_digest, at
        row.reason, row.versions = content["reason"], content["versions"]
        row.collection, row.signals = content["collection"], content["signals"]
        row.readiness = content["readiness"]
        row.seconds, row.as_of = seconds, as_of
        row.save()
        if not sends and not Delivery.objects.filter(notification=row).exists():
            return row.pk, False
        channels = [] if row.kind == Notification.INTRADAY else list(operator_channels().values())
        readers = [] if is_notice else reader_channels(row)
        for channel in (*channels, *readers):
            _prepare_delivery(row, channel, at)
    return row.pk, True


def _prepare_delivery(row: Notification, channel: Channel, at: datetime) -> None:
    """Create the delivery of the notification's content unless it was sent or may have been; one that was given up for
    another reason starts again."""
    delivery, made = Delivery.objects.get_or_create(
        notification=row, channel=channel.name, digest=channel.digest(row), reader_channel_id=channel.reader_channel
    )
    if delivery.sent_at or delivery.sending_at:
        return
    if not made:
        Delivery.objects.filter(pk=delivery.pk).update(**NEW_DELIVERY)
    _schedule_try(delivery.pk, at + 2 * LEASE)  # in case this process dies before its first try


def send_new(report: EveningReport, *, clock: Callable[[], datetime]) -> None:
    """Try the new deliveries of the report."""
    if report.news and report.notification is not None:
        send_waiting(report.notification, clock=clock)


def send_waiting(notification: int, *, clock: Callable[[], datetime]) -> None:
    """Try the deliveries of a notification that were not tried yet."""
    waiting = Delivery.objects.filter(notification=notification, sent_at=None, attempts=0)
    for number in list(waiting.values_list("pk", flat=True)):
        deliver(number, as_of=clock())


def send_again(row: Notification, *, as_of: datetime) -> list[str]:
    """Have a task worker send a notification again through the operator's channels; returns their names. NoChannel if
    none is configured."""
    channels = _configured_channels()
    with transaction.atomic():
        for channel in channels.values():
            delivery, _ = Delivery.objects.update_or_create(
                notification=row, channel=channel.name, digest=row.digest, defaults={**NEW_DELIVERY, "sent_at": None}
            )
            _schedule_try(delivery.pk, as_of)
    return list(channels)


def send_test() -> dict[str, str]:
    """Send the notification of the last evening through each of the operator's channels, as a delivery of its own that
    is not recorded; returns channel -> "" or the reason why it was not taken. NoChannel, NoEvening, TooSoon."""
    channels = _configured_channels()
    row = Notification.objects.filter(kind=Notification.EVENING).order_by("-session", "-changed_at").first()
    if row is None:
        raise NoEvening
    if not cache.add(TEST, value=True, timeout=PAUSE):
        raise TooSoon
    row.digest = f"test {uuid.uuid4().hex[:24]}"
    failures = {}
    for channel in channels.values():
        try:
            channel.send(row)
        except NotDelivered as failure:
            failures[channel.name] = str(failure)
        except Exception as error:  # each mail backend has its own errors
            failures[channel.name] = type(error).__name__
        else:
            failures[channel.name] = ""
    return failures


def _configured_channels() -> Mapping[str, Channel]:
    """The operator's channels; NoChannel where there are none."""
    channels = operator_channels()
    if not channels:
        raise NoChannel(
            "No channel is configured: set SEISMO_NOTIFY_URL or SEISMO_NOTIFY_EMAIL or SEISMO_NOTIFY_APPRISE."
        )
    return channels


def deliver(number: int, *, as_of: datetime) -> str:
    """Try a delivery; returns its state as text for the task queue's record."""
    waiting = Delivery.objects.filter(pk=number, sent_at=None, given_up=False)
    if waiting.filter(sending_at__lt=as_of - LEASE).update(given_up=True, claimed_at=None, error=UNKNOWN_RESULT):
        _unschedule(number)
        return f"delivery {number}: {UNKNOWN_RESULT}"
    free = Q(claimed_at=None) | Q(claimed_at__lt=as_of - LEASE)
    if not waiting.filter(free).update(claimed_at=as_of, attempts=F("attempts") + 1):
        return f"delivery {number} does not wait"
    _schedule_try(number, as_of + 2 * LEASE)  # in case this process dies
    row = Delivery.objects.select_related("notification", "reader_channel__user").get(pk=number)
    channel = delivery_channel(row)
    try:
        if channel is None:
            raise NotDelivered("the channel is no longer configured", temporary=False)
        is_of_session = row.notification.kind != Notification.CALENDAR
        if is_of_session and row.notification.session in get_calendar(row.notification.market).closed:
            raise NotDelivered("the market was closed that day, as an override says", temporary=False)
        if row.digest != channel.digest(row.notification):
            raise NotDelivered("the evening has another result since", temporary=False)
        if not channel.knows_repeated:
            Delivery.objects.filter(pk=number).update(sending_at=as_of)
        channel.send(row.notification)
    except NotDelivered as failure:
        _record_failure(row, failure, as_of)
    except Exception as error:  # each mail backend has its own errors
        _record_failure(row, NotDelivered(type(error).__name__, temporary=is_temporary(error)), as_of)
    else:
        Delivery.objects.filter(pk=number).update(sent_at=as_of, claimed_at=None, sending_at=None, error="")
        _unschedule(number)
    row.refresh_from_db()
    return str(row)


def _record_failure(row: Delivery, failure: NotDelivered, as_of: datetime) -> None:
    """Release the delivery, and schedule another try if the failure is temporary."""
    is_retried = failure.temporary and row.attempts < MAX_ATTEMPTS
    LOGGER.warning(
        "Notification %s was not delivered by %s, attempt %d: %s",
        row.notification, row.channel, row.attempts, failure,
    )  # fmt: skip
    with transaction.atomic():
        Delivery.objects.filter(pk=row.pk).update(
            claimed_at=None, sending_at=None, given_up=not is_retried, error=str(failure)[:200]
        )
        if is_retried:
            _schedule_try(row.pk, as_of + RETRY_DELAYS[row.attempts - 1])
        else:
            _unschedule(row.pk)


def _schedule_try(number: int, at: datetime) -> None:
    """Schedule a try of a delivery by a task worker. A row, so that the queue need not be reachable now."""
    Schedule.objects.update_or_create(
        func=TASK,
        name=f"delivery {number}",
        defaults={
            "args": f"({number},)",
            "schedule_type": Schedule.ONCE,
            "next_run": at,
            "repeats": -1,
            "cluster": queue_key("high"),
        },
    )


def _unschedule(number: int) -> None:
    """Delete the scheduled try of a delivery."""
    Schedule.objects.filter(func=TASK, name=f"delivery {number}").delete()
