"""Channels of notifications: those that the operator configured, and those of readers."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from smtplib import SMTPRecipientsRefused, SMTPResponseException

from django.conf import settings
from django.core.mail import EmailMultiAlternatives

from marketdata.errors import NotDelivered
from scans.models import (
    ChannelKind,
    Delivery,
    EveningOutcome,
    IntradayMessages,
    MessageChannel,
    Notification,
    Tag,
)
from scans.models.encrypted_text import UnreadableText
from scans.notices.failure import UNREADABLE_ADDRESS
from scans.notices.message import Form, Message, render
from scans.operations.evening.notification_content import (
    concerns,
    content_digest,
    notification_body,
    notification_message,
    touched_codes,
)
from scans.queries import marks

WEBHOOK, EMAIL = "webhook", "email"


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel. `send` sends a notification or raises; `digest` is that of what it sends. `knows_repeated`: its
    receivers recognize a delivery that comes twice. `reader_channel`: its key, None for one of the operator."""

    name: str
    send: Callable[[Notification], None]
    digest: Callable[[Notification], str] = content_digest
    knows_repeated: bool = False
    reader_channel: int | None = None


def operator_channels() -> Mapping[str, Channel]:
    """Name -> channel, of those that the settings configure."""
    channels = []
    if settings.NOTIFY_URL:
        channels.append(Channel(WEBHOOK, _post, knows_repeated=True))
    if settings.NOTIFY_EMAIL:
        channels.append(Channel(EMAIL, _mail_to_operator))
    channels += [_service(address) for address in settings.NOTIFY_APPRISE]
    return {channel.name: channel for channel in channels}


def reader_channels(row: Notification) -> Iterator[Channel]:
    """The channels of readers who want this notification."""
    for channel in MessageChannel.objects.filter(enabled=True, user__is_active=True).select_related("user"):
        in_market = not channel.markets or row.market in channel.markets
        if in_market and _concerns(channel, row):
            yield _reader_channel(channel)


def delivery_channel(row: Delivery) -> Channel | None:
    """The channel of a delivery; None if it is no longer configured."""
    if row.reader_channel is None:
        return operator_channels().get(row.channel)
    usable = row.reader_channel.enabled and row.reader_channel.user.is_active
    return _reader_channel(row.reader_channel) if usable else None


def channel_language(channel: MessageChannel) -> str:
    """The language of a reader's channel: its own, else the operator's."""
    return channel.language or settings.NOTIFY_LANGUAGE


def channel_message(channel: MessageChannel, row: Notification) -> Message:
    """The message of a notification as a reader's channel gets it."""
    return notification_message(row, channel_language(channel), channel.versions, _own_codes(channel, row))


def send_to_reader(channel: MessageChannel, message: Message, *, is_problem: bool, digest: str = "") -> None:
    """Send a message by a reader's channel once; raises where it was not taken."""
    if isinstance(channel.address, UnreadableText):
        raise NotDelivered(UNREADABLE_ADDRESS, temporary=False)
    if channel.kind == ChannelKind.SERVICE:
        send_to_service(channel.address, message, is_problem=is_problem)
        return
    if not channel.user.email:
        raise NotDelivered("the account has no e-mail address", temporary=False)
    send_email([channel.user.email], message, digest=digest)


def send_email(recipients: list[str], message: Message, *, digest: str) -> None:
    """Mail a message as plain text and HTML."""
    headers = {"X-Seismo-Delivery": digest}
    mail = EmailMultiAlternatives(message.subject, render(message) + "\n", to=recipients, headers=headers)
    mail.attach_alternative(f"<p>{render(message, Form.HTML)}</p>", "text/html")
    mail.send()


def send_to_service(address: str, message: Message, *, is_problem: bool) -> None:
    """Send a message to a chat or push service."""
    from scans.notices.apprise_service import send_message  # imports an HTTP client

    store = str(settings.SERVICE_DIR)
    send_message(address, message, seconds=settings.NOTIFY_SECONDS, is_problem=is_problem, store=store)


def is_temporary(error: Exception) -> bool:
    """Whether a mail error may be gone at the next try: replies of 5xx are permanent."""
    if isinstance(error, SMTPRecipientsRefused):
        return any(code < 500 for code, _ in error.recipients.values())
    return not (isinstance(error, SMTPResponseException) and error.smtp_code >= 500)


def _concerns(channel: MessageChannel, row: Notification) -> bool:
    if row.kind != Notification.INTRADAY:
        return concerns(row, channel.versions, skips_empty=channel.skips_empty)
    return bool(channel.intraday and touched_codes(row, channel.versions, _own_codes(channel, row)))


def _own_codes(channel: MessageChannel, row: Notification) -> Collection[str] | None:
    """The instruments that the reader tagged as bought, where the channel gets intraday messages of these alone; None:
    all."""
    if row.kind != Notification.INTRADAY or channel.intraday != IntradayMessages.OWN:
        return None
    tags = marks.tags(channel.user, row.market, touched_codes(row))
    return {code for code, tag in tags.items() if tag == Tag.BUY}


def _reader_channel(channel: MessageChannel) -> Channel:
    def send(row: Notification) -> None:
        if row.kind == Notification.INTRADAY and not _concerns(channel, row):
            raise NotDelivered("the channel no longer wants it", temporary=False)
        send_to_reader(channel, channel_message(channel, row), is_problem=_is_problem(row), digest=row.digest)

    digest = partial(content_digest, versions=channel.versions)
    return Channel(f"reader {channel.pk}", send, digest, reader_channel=channel.pk)


def _is_problem(row: Notification) -> bool:
    return row.outcome != EveningOutcome.DONE


def _service_name(address: str) -> str:
    """`tgram 1a2b3c4d`: the schema and a keyed digest, which tells addresses apart and does not contain them."""
    digest = hmac.new(settings.SECRET_KEY.encode(), address.encode(), "sha256").hexdigest()
    return f"{address.split('://')[0][:24]} {digest[:8]}"


def _mail_to_operator(row: Notification) -> None:
    send_email(list(settings.NOTIFY_EMAIL), notification_message(row, settings.NOTIFY_LANGUAGE), digest=row.digest)


def _service(address: str) -> Channel:
    def send(row: Notification) -> None:
        send_to_service(address, notification_message(row, settings.NOTIFY_LANGUAGE), is_problem=_is_problem(row))

    return Channel(_service_name(address), send)


def _post(row: Notification) -> None:
    from marketdata.webhook import Webhook, post_json  # imports an HTTP client

    hook = Webhook(settings.NOTIFY_URL, settings.NOTIFY_SECRET, settings.NOTIFY_SECONDS)
    post_json(hook, notification_body(row), delivery=row.digest)
