"""Tells people what came of an evening: one notification for each session, through the channels that are configured.

1. A session has one notification. A run that came out as the one before changes nothing and tells nobody.
2. A new content becomes one delivery for each channel. A delivery is taken by a conditional UPDATE and tried at once;
   what fails for a reason that may pass is tried again later by a task worker, at most `ATTEMPTS` times.
3. A delivery that was answered is never sent again, unless a person asks for it. Where a process dies between the
   answer and the record of it, or an answer is lost, a receiver may see it twice, with the same x-seismo-delivery.

What a channel is configured with (an address, a password) is in no row and no log.
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
BACKOFF = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
)
ATTEMPTS = len(BACKOFF) + 1
LEASE = timedelta(minutes=5)
"""After which a delivery that somebody took, and told nothing of, may be taken again."""
NOTHING: Content = {
    "reason": "",
    "incomplete": False,
    "versions": [],
    "collection": {},
    "signals": {},
    "readiness": {},
}

UNTRIED: dict[str, Any] = {"attempts": 0, "claimed_at": None, "given_up": False, "error": ""}

LOGGER = logging.getLogger(__name__)


class NoChannel(Exception):
    """No channel is configured; the message says how one is."""


def record_report(told: EveningReport, *, at: datetime) -> None:
    """Keep what came of an evening as its session's notification; sets `told.notification` and `told.news`."""
    with transaction.atomic():
        one = {"market": told.market, "session": told.session, "kind": Notification.EVENING}
        row = Notification.objects.select_for_update().filter(**one).first()
        content = merge(_content(row) if row else NOTHING, told.content())
        fresh = digest(content)
        if row is None:
            row = Notification(**one, created_at=at)
        elif row.digest == fresh:
            told.notification = row.pk
            return
        row.outcome, row.digest, row.changed_at = outcome(content), fresh, at
        row.reason, row.versions = content["reason"], content["versions"]
        row.collection, row.signals = content["collection"], content["signals"]
        row.readiness = content["readiness"]
        row.seconds = told.seconds
        row.save()
        for channel in channels():
            _prepare(row, channel, at)
    told.notification, told.news = row.pk, True


def _prepare(row: Notification, channel: str, at: datetime) -> None:
    """A delivery of the notification as it is now, unless it was sent; one that was given up begins anew."""
    delivery, made = Delivery.objects.get_or_create(notification=row, channel=channel, digest=row.digest)
    if delivery.sent_at:
        return
    if not made:
        Delivery.objects.filter(pk=delivery.pk).update(**UNTRIED)
    _later(delivery.pk, at + 2 * LEASE)  # should this process die before it has tried


def _content(row: Notification) -> Content:
    return {
        "reason": row.reason,
        "incomplete": False,
        "versions": row.versions,
        "collection": row.collection,
        "signals": row.signals,
        "readiness": row.readiness,
    }


def send_new(told: EveningReport, *, clock: Callable[[], datetime]) -> None:
    """Try what is new at once."""
    if told.news:
        waiting = Delivery.objects.filter(notification=told.notification, sent_at=None, attempts=0)
        for number in list(waiting.values_list("pk", flat=True)):
            deliver(number, as_of=clock())


def send_again(row: Notification, *, as_of: datetime) -> list[str]:
    """Send a notification once more through every channel, by a task worker; the channels. NoChannel where none is
    configured."""
    found = list(channels())
    if not found:
        raise NoChannel("No channel is configured: set SEISMO_NOTIFY_URL or SEISMO_NOTIFY_EMAIL.")
    with transaction.atomic():
        for channel in found:
            one, _ = Delivery.objects.update_or_create(
                notification=row,
                channel=channel,
                digest=row.digest,
                defaults={**UNTRIED, "sent_at": None},
            )
            _later(one.pk, as_of)
    return found


def deliver(number: int, *, as_of: datetime) -> str:
    """Try a delivery; how it went, for the queue's own record."""
    free = Q(claimed_at=None) | Q(claimed_at__lt=as_of - LEASE)
    waiting = Delivery.objects.filter(free, pk=number, sent_at=None, given_up=False)
    if not waiting.update(claimed_at=as_of, attempts=F("attempts") + 1):
        return f"delivery {number} does not wait"
    row = Delivery.objects.select_related("notification").get(pk=number)
    send_by = channels().get(row.channel)
    try:
        if row.digest != row.notification.digest:
            raise NotDelivered("the evening came out otherwise since", passing=False)
        if send_by is None:
            raise NotDelivered("the channel is no longer configured", passing=False)
        send_by(row)
    except NotDelivered as failure:
        _failed(row, failure, as_of)
    except Exception as error:  # each mail backend has errors of its own
        _failed(row, NotDelivered(type(error).__name__, passing=_may_pass(error)), as_of)
    else:
        Delivery.objects.filter(pk=number).update(sent_at=as_of, claimed_at=None, error="")
        _never(number)
    row.refresh_from_db()
    return str(row)


def _failed(row: Delivery, failure: NotDelivered, as_of: datetime) -> None:
    """Give the delivery back, to be tried again where that may help."""
    goes_on = failure.passing and row.attempts < ATTEMPTS
    LOGGER.warning(
        "Notification %s was not delivered by %s, attempt %d: %s",
        row.notification, row.channel, row.attempts, failure,
    )  # fmt: skip
    with transaction.atomic():
        Delivery.objects.filter(pk=row.pk).update(claimed_at=None, given_up=not goes_on, error=str(failure)[:200])
        if goes_on:
            _later(row.pk, as_of + BACKOFF[row.attempts - 1])
        else:
            _never(row.pk)


def _later(number: int, at: datetime) -> None:
    """Have a task worker try a delivery at a time. A row, so that it needs no queue that answers now."""
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


def _never(number: int) -> None:
    """Take back what `_later` planned."""
    Schedule.objects.filter(func=TASK, name=f"delivery {number}").delete()


def channels() -> Mapping[str, Callable[[Delivery], None]]:
    """The channels that are configured, by name."""
    found: dict[str, Callable[[Delivery], None]] = {}
    if settings.NOTIFY_URL:
        found[WEBHOOK] = _post
    if settings.NOTIFY_EMAIL:
        found[EMAIL] = _mail
    return found


def notification_body(row: Notification) -> dict[str, Any]:
    """A notification as JSON types; `notification_text` is its subject, for receivers that show just that."""
    found = {
        "kind": row.kind,
        "market": row.market,
        "session": row.session.isoformat(),
        "outcome": str(row.outcome),
        **{name: getattr(row, name) for name in ("reason", "versions", "collection", "signals", "readiness")},
        "seconds": row.seconds,
        "changed_at": row.changed_at.isoformat(),
        "digest": row.digest,
    }
    return {"text": notification_subject(found), **found}


def _post(row: Delivery) -> None:
    from scans.notices.webhook import Webhook, post_notification  # an HTTP client, which only this needs

    hook = Webhook(settings.NOTIFY_URL, settings.NOTIFY_SECRET, settings.NOTIFY_SECONDS)
    post_notification(hook, notification_body(row.notification), delivery=row.digest)


def _mail(row: Delivery) -> None:
    told = notification_body(row.notification)
    EmailMessage(
        notification_subject(told),
        notification_text(told),
        to=list(settings.NOTIFY_EMAIL),
        headers={"X-Seismo-Delivery": row.digest},
    ).send()


def _may_pass(error: Exception) -> bool:
    """Whether what a mail server said may be otherwise later: 5xx is for good."""
    if isinstance(error, SMTPRecipientsRefused):
        return any(code < 500 for code, _ in error.recipients.values())
    return not (isinstance(error, SMTPResponseException) and error.smtp_code >= 500)
