"""The content of a notification: the whole, or what a reader chose of it, and its message."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.conf import settings

from scans.models import EveningOutcome, Notification
from scans.notices.message import Form, Message, render
from scans.operations.evening.report import Content, digest, outcome
from scans.wording.calendar_message import calendar_message
from scans.wording.evening_message import evening_message, evening_subject
from scans.wording.intraday_message import intraday_message


def notification_content(row: Notification, versions: Collection[str] = ()) -> Content:
    """The content of a notification, of these `versions` alone (none: of all)."""
    content = {name: getattr(row, name) for name in ("reason", "versions", "collection", "signals", "readiness")}
    content["incomplete"] = row.outcome == EveningOutcome.INCOMPLETE
    if versions:
        content["versions"] = [version for version in row.versions if version["scanner_version"] in versions]
        moves = [move for move in row.signals.get("moves", ()) if move["scanner_version"] in versions]
        content["signals"] = {"moves": moves} | {name: row.signals[name] for name in ("error",) if name in row.signals}
    return content


def content_digest(row: Notification, versions: Collection[str] = ()) -> str:
    """The digest of a content; of all versions, and of one that never changes, that of the notification."""
    is_whole = not versions or row.kind == Notification.INTRADAY
    return row.digest if is_whole else digest(notification_content(row, versions))


def touched_codes(row: Notification, versions: Collection[str] = (), own: Collection[str] | None = None) -> set[str]:
    """The instruments of an intraday notification, of these `versions` (none: of all), and among `own` alone."""
    content = notification_content(row, versions)
    codes = {touch["code"] for version in content["versions"] for touch in version["touches"]}
    return codes if own is None else codes.intersection(own)


def concerns(row: Notification, versions: Collection[str], *, skips_empty: bool) -> bool:
    """Whether a notification is of any of the `versions` (none: of all) and, with `skips_empty`, has a pick or a signal
    of theirs that moved, or something went wrong."""
    content = notification_content(row, versions)
    if row.versions and not content["versions"]:
        return False
    has_news = any(version["matched"] for version in content["versions"]) or content["signals"].get("moves")
    return bool(has_news) or not skips_empty or outcome(content) != EveningOutcome.DONE


def notification_message(
    row: Notification, language: str, versions: Collection[str] = (), own: Collection[str] | None = None
) -> Message:
    """The message of a notification in a language, with the address of the evening's page; before the close, of the
    latest one. `own`: the instruments that an intraday message is limited to."""
    site = settings.PUBLIC_URL.rstrip("/")
    if row.kind == Notification.INTRADAY:
        link = f"{site}/{row.market}/signals" if site else ""
        return intraday_message(_evening(row, versions), language, link=link, own=own)
    if row.kind == Notification.CALENDAR:
        return calendar_message(_evening(row), language, link=f"{site}/{row.market}/sources" if site else "")
    page = f"{row.market}/" if row.as_of else f"{row.market}/{row.session}/"
    link = f"{site}/{page}" if site else ""
    return evening_message(_evening(row, versions), language, link=link)


def notification_subject(row: Notification, language: str) -> str:
    """The subject of that message."""
    if row.kind in (Notification.INTRADAY, Notification.CALENDAR):
        return notification_message(row, language).subject
    return evening_subject(_evening(row), language)


def _evening(row: Notification, versions: Collection[str] = ()) -> dict[str, Any]:
    content = notification_content(row, versions)
    evening = {"market": row.market, "session": row.session, "seconds": row.seconds, "as_of": row.as_of}
    evening["kind"] = row.kind
    return content | evening | {"outcome": str(outcome(content)) if versions else str(row.outcome)}


def notification_body(row: Notification) -> dict[str, Any]:
    """The notification as JSON types; `text` is its whole text, for receivers that show only that."""
    message = notification_message(row, settings.NOTIFY_LANGUAGE)
    return {
        "text": render(message, Form.TEXT, with_subject=True),
        "kind": row.kind,
        "market": row.market,
        "session": row.session.isoformat(),
        "as_of": row.as_of and row.as_of.isoformat(),
        "outcome": str(row.outcome),
        **{name: getattr(row, name) for name in ("reason", "versions", "collection", "signals", "readiness")},
        "seconds": row.seconds,
        "changed_at": row.changed_at.isoformat(),
        "digest": row.digest,
    }
