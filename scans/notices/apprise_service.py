"""Apprise: one message to one address of a chat or push service (Telegram, Slack, Discord, KakaoTalk, ntfy and others).

An address is a secret: it is in no message, and the logging configuration silences the library, whose lines show it.
Redirects are not followed. The library answers only whether the service took the message; any failure counts as
temporary. It is imported with the first message.
"""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from marketdata.errors import NotDelivered
from scans.notices.message import Form, Message, render

PUBLIC = frozenset({"tgram", "slack", "discord", "kakaotalk", "kakao", "line", "pover", "pbul"})
"""Schemas of services whose host is fixed."""
HOSTED = frozenset({"ntfy", "ntfys", "json", "jsons", "gotify", "gotifys", "mmost", "mmosts"})
"""Schemas of services on a host of one's own; of these ntfy has a public one too."""
NATIVE = {"discord.com": "discord", "hooks.slack.com": "slack"}
"""Hosts whose own https:// addresses the library takes too, with their schemas."""
OPTIONS = frozenset({"format", "thread", "topic", "silent", "priority", "tags"})
"""The options that a reader's address may have; others read files, or fetch other addresses."""


UNKNOWN_ADDRESS, NOT_TAKEN = "the service does not know such an address", "the service did not take it"


class Refusal(StrEnum):
    """Why a reader may not use an address."""

    SCHEMA = "schema"
    OPTIONS = "options"
    UNKNOWN = "unknown"
    HOST = "host"
    RECIPIENTS = "recipients"


class AddressRefused(ValueError):
    """An address that a reader may not use, with the reason."""

    def __init__(self, reason: Refusal) -> None:
        super().__init__(reason)
        self.reason = reason


def check_reader_address(address: str, *, hosts: Collection[str]) -> str:
    """The schema of an address that a reader typed. AddressRefused unless it is a known service on a public host of
    its own or on one of `hosts`, names one recipient, and has no option outside `OPTIONS`."""
    try:
        url = urlsplit(address)
        host = (url.hostname or "").lower()
    except ValueError:
        raise AddressRefused(Refusal.SCHEMA) from None
    schema = NATIVE.get(host, "") if url.scheme == "https" else url.scheme.lower()
    if schema not in PUBLIC | HOSTED:
        raise AddressRefused(Refusal.SCHEMA)
    options = {name.lower() for name, _ in parse_qsl(url.query, keep_blank_values=True)} - OPTIONS
    if options or url.fragment:
        raise AddressRefused(Refusal.OPTIONS)
    plugin = _plugin(address, 10.0)
    if plugin is None or (url.scheme == "https" and plugin.secure_protocol != schema):
        raise AddressRefused(Refusal.UNKNOWN)
    is_public = schema in PUBLIC or getattr(plugin, "mode", "") == "cloud"
    if not is_public and host not in hosts:
        raise AddressRefused(Refusal.HOST)
    if len(plugin) > 1:
        raise AddressRefused(Refusal.RECIPIENTS)
    return schema


def send_message(address: str, message: Message, *, seconds: float, is_problem: bool, store: str) -> None:
    """Send the message once; NotDelivered unless the service took it. In the directory `store` the library keeps what a
    service renews, such as the refresh token of KakaoTalk."""
    plugin = _plugin(address, seconds, store)
    if plugin is None:
        raise NotDelivered(UNKNOWN_ADDRESS, temporary=False)
    if len(plugin) > 1:  # a repeated try would reach those again that the first one reached
        raise NotDelivered("the address names several recipients: write one address for each", temporary=False)
    from apprise import NotifyType

    form = _form(plugin)
    title = message.subject[: plugin.title_maxlen] if plugin.title_maxlen > 0 else ""
    limit = plugin.body_maxlen - len(title) - 2
    body = render(message, form, limit=limit, with_subject=not title)
    kind = NotifyType.WARNING if is_problem else NotifyType.INFO
    if not plugin.notify(body=body, title=title, notify_type=kind, body_format=form.value):
        raise NotDelivered(NOT_TAKEN, temporary=True)


def _plugin(address: str, seconds: float, store: str = "") -> Any:
    """The library's object for an address; None where it knows none."""
    from apprise import Apprise, AppriseAsset

    asset = AppriseAsset(
        app_id="Seismo",
        app_desc="Seismo",
        app_url="",
        image_url_mask="",
        image_url_logo="",
        async_mode=False,
        http_redirects=False,
        storage_path=store or None,
        storage_mode="flush" if store else "memory",
    )
    plugin = Apprise.instantiate(address, asset=asset, suppress_exceptions=True)
    if plugin is not None:
        plugin.socket_connect_timeout = plugin.socket_read_timeout = seconds
    return plugin


def _form(plugin: Any) -> Form:
    """The richest form that the service takes; Slack shows Markdown's backslashes, and gets plain text."""
    if plugin.secure_protocol == "slack":
        return Form.TEXT
    formats = plugin.notify_format if isinstance(plugin.notify_format, tuple) else (plugin.notify_format,)
    for form in (str(getattr(one, "value", one)) for one in formats):
        if form != Form.TEXT:
            return Form(form)
    return Form.TEXT
