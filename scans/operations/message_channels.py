"""A reader's own channels: changes, test messages, what they would show now, and the newest key for all addresses."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from marketdata.errors import NotDelivered
from scans.models import MessageChannel, Notification
from scans.models.encrypted_text import UnreadableText
from scans.notices.message import Message
from scans.operations.evening.channels import channel_language, channel_message, send_to_reader
from scans.operations.intraday.schedule import update_checks
from scans.wording.evening_message import sample_message

PAUSE = timedelta(seconds=10)
"""The least time between two test messages of a channel."""


class TooSoon(Exception):
    """A test message was sent less than `PAUSE` ago."""


def save_channel(channel: MessageChannel, *, as_of: datetime) -> None:
    """Save a channel; checks while a market trades begin with the first one that wants their messages."""
    channel.save()
    update_checks(as_of=as_of)


def delete_channel(channel: MessageChannel, *, as_of: datetime) -> None:
    """Delete a channel with its deliveries; checks that were for it alone end."""
    channel.delete()
    update_checks(as_of=as_of)


def preview(channel: MessageChannel) -> Message:
    """The message of the latest evening that the channel gets; a sentence where there is none yet."""
    row = _latest(channel)
    if row is None:
        return sample_message(channel_language(channel), link=settings.PUBLIC_URL)
    return channel_message(channel, row)


def send_test(channel: MessageChannel, *, as_of: datetime) -> str:
    """Send the preview through the channel once; returns "", or the reason why it was not taken. TooSoon after another
    test of the channel."""
    rows = MessageChannel.objects.filter(Q(tested_at=None) | Q(tested_at__lte=as_of - PAUSE), pk=channel.pk)
    if not rows.update(tested_at=as_of):
        raise TooSoon
    try:
        send_to_reader(channel, preview(channel), is_problem=False)
    except NotDelivered as failure:
        return str(failure)
    except Exception as error:  # each mail backend has its own errors
        return type(error).__name__
    return ""


def encrypt_addresses() -> tuple[int, list[MessageChannel]]:
    """Encrypt every address again with the newest key; returns their number, and the channels whose address no present
    key decrypts, which stay as they are."""
    with transaction.atomic():
        rows = list(MessageChannel.objects.select_for_update().exclude(address=""))
        unreadable = [row for row in rows if isinstance(row.address, UnreadableText)]
        for row in rows:
            row.save(update_fields=["address"])
    return len(rows) - len(unreadable), unreadable


def _latest(channel: MessageChannel) -> Notification | None:
    rows = Notification.objects.filter(kind=Notification.EVENING)
    if channel.markets:
        rows = rows.filter(market__in=channel.markets)
    return rows.order_by("-session", "-changed_at").first()
