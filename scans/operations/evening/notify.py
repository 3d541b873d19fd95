"""Notifications of evenings: one for each session, through the configured channels.

1. A session has one notification. A run with the same result as the one before changes nothing and sends nothing.
2. New content becomes one delivery for each channel. A conditional UPDATE claims a delivery, and it is tried at once; a
   temporary failure is tried again later by a task worker, at most `MAX_ATTEMPTS` times in all.
3. A delivery that was acknowledged is sent again only on a person's request. If a process dies before it has recorded
   the acknowledgement, a receiver may get the delivery twice, with the same x-seismo-delivery.

The configuration of a channel (an address, a password) is written to no row and no log.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from smtplib import SMTPRecipientsRefused, SMTPResponseException
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import F, Q
from django_q.models import Schedule

from scans.models import Delivery, Notification
from scans.notices.failure import NotDelivered
from scans.notices.text import notification_subject, notification_text
from scans.operations.evening.report import Content, EveningReport, digest, merge, outcome

TASK = "scans.tasks.deliver"
WEBHOOK, EMAIL = "webhook", "email"
RETRY_DELAYS = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
)
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

NEW_DELIVERY: dict[str, Any] = {"attempts": 0, "claimed_at": None, "given_up": False, "error": ""}

LOGGER = logging.getLogger(__name__)


class NoChannel(Exception):
    """No channel is configured; the message says how to configure one."""


def record_report(report: EveningReport, *, at: datetime) -> None:
    """Save the report as its session's notification; sets `report.notification` and `report.news`."""
    with transaction.atomic():
        key = {"market": report.market, "session": report.session, "kind": Notification.EVENING}
        row = Notification.objects.select_for_update().filter(**key).first()
        content = merge(_content(row) if row else EMPTY_CONTENT, report.content())
        new_digest = digest(content)
        if row is None:
            row = Notification(**key, created_at=at)
        elif row.digest == new_digest:
            report.notification = row.pk
            return
        row.outcome, row.digest, row.changed_at = outcome(content), new_digest, at
        row.reason, row.versions = content["reason"], content["versions"]
        row.collection, row.signals = content["collection"], content["signals"]
        row.readiness = content["readiness"]
        row.seconds = report.seconds
        row.save()
        for channel in channels():
            _prepare_delivery(row, channel, at)
    report.notification, report.news = row.pk, True


def _prepare_delivery(row: Notification, channel: str, at: datetime) -> None:
    """Create the delivery of the notification's content unless it was sent; one that was given up starts again."""
    delivery, made = Delivery.objects.get_or_create(notification=row, channel=channel, digest=row.digest)
    if delivery.sent_at:
        return
    if not made:
        Delivery.objects.filter(pk=delivery.pk).update(**NEW_DELIVERY)
    _schedule_try(delivery.pk, at + 2 * LEASE)  # in case this process dies before its first try


def _content(row: Notification) -> Content:
    return {
        "reason": row.reason,
        "incomplete": False,
        "versions": row.versions,
        "collection": row.collection,
        "signals": row.signals,
        "readiness": row.readiness,
    }


def send_new(report: EveningReport, *, clock: Callable[[], datetime]) -> None:
    """Try the new deliveries of the report."""
    if report.news:
        waiting = Delivery.objects.filter(notification=report.notification, sent_at=None, attempts=0)
        for number in list(waiting.values_list("pk", flat=True)):
            deliver(number, as_of=clock())


def send_again(row: Notification, *, as_of: datetime) -> list[str]:
    """Have a task worker send a notification again through every channel; returns the channels' names. NoChannel if
    none is configured."""
    names = list(channels())
    if not names:
        raise NoChannel("No channel is configured: set SEISMO_NOTIFY_URL or SEISMO_NOTIFY_EMAIL.")
    with transaction.atomic():
        for channel in names:
            delivery, _ = Delivery.objects.update_or_create(
                notification=row,
                channel=channel,
                digest=row.digest,
                defaults={**NEW_DELIVERY, "sent_at": None},
            )
            _schedule_try(delivery.pk, as_of)
    return names


def deliver(number: int, *, as_of: datetime) -> str:
    """Try a delivery; returns its state as text for the task queue's record."""
    free = Q(claimed_at=None) | Q(claimed_at__lt=as_of - LEASE)
    waiting = Delivery.objects.filter(free, pk=number, sent_at=None, given_up=False)
    if not waiting.update(claimed_at=as_of, attempts=F("attempts") + 1):
        return f"delivery {number} does not wait"
    row = Delivery.objects.select_related("notification").get(pk=number)
    send_by = channels().get(row.channel)
    try:
        if row.digest != row.notification.digest:
            raise NotDelivered("the evening has another result since", temporary=False)
        if send_by is None:
            raise NotDelivered("the channel is no longer configured", temporary=False)
        send_by(row)
    except NotDelivered as failure:
        _record_failure(row, failure, as_of)
    except Exception as error:  # each mail backend has its own errors
        _record_failure(row, NotDelivered(type(error).__name__, temporary=_is_temporary(error)), as_of)
    else:
        Delivery.objects.filter(pk=number).update(sent_at=as_of, claimed_at=None, error="")
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
        Delivery.objects.filter(pk=row.pk).update(claimed_at=None, given_up=not is_retried, error=str(failure)[:200])
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
        },
    )


def _unschedule(number: int) -> None:
    """Delete the scheduled try of a delivery."""
    Schedule.objects.filter(func=TASK, name=f"delivery {number}").delete()


def channels() -> Mapping[str, Callable[[Delivery], None]]:
    """Name of each configured channel -> its sender."""
    senders: dict[str, Callable[[Delivery], None]] = {}
    if settings.NOTIFY_URL:
        senders[WEBHOOK] = _send_webhook
    if settings.NOTIFY_EMAIL:
        senders[EMAIL] = _send_email
    return senders


def notification_body(row: Notification) -> dict[str, Any]:
    """The notification as JSON types; `text` is its subject, for receivers that show only that."""
    content = {
        "kind": row.kind,
        "market": row.market,
        "session": row.session.isoformat(),
        "outcome": str(row.outcome),
        **{name: getattr(row, name) for name in ("reason", "versions", "collection", "signals", "readiness")},
        "seconds": row.seconds,
        "changed_at": row.changed_at.isoformat(),
        "digest": row.digest,
    }
    return {"text": notification_subject(content), **content}


def _send_webhook(row: Delivery) -> None:
    from scans.notices.webhook import Webhook, post_notification  # imports an HTTP client

    hook = Webhook(settings.NOTIFY_URL, settings.NOTIFY_SECRET, settings.NOTIFY_SECONDS)
    post_notification(hook, notification_body(row.notification), delivery=row.digest)


def _send_email(row: Delivery) -> None:
    content = notification_body(row.notification)
    EmailMessage(
        notification_subject(content),
        notification_text(content),
        to=list(settings.NOTIFY_EMAIL),
        headers={"X-Seismo-Delivery": row.digest},
    ).send()


def _is_temporary(error: Exception) -> bool:
    """Whether a mail error may be gone at the next try: replies of 5xx are permanent."""
    if isinstance(error, SMTPRecipientsRefused):
        return any(code < 500 for code, _ in error.recipients.values())
    return not (isinstance(error, SMTPResponseException) and error.smtp_code >= 500)
