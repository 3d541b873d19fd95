"""Writes of a reader's own marks and settings."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.db import transaction

from marketdata.normalization import nfc
from scans.models import Mark, MessageChannel, ReaderSettings
from scans.models.marks import MOST_MARKS

BLANK: Mapping[str, Any] = {"tag": "", "note": "", "seen": False}


class TooManyMarks(ValueError):
    """The user has as many marks as one may have."""


def compose_note(text: str) -> str:
    """The text of a note: composed (NFC), trimmed, its lines ended by a line feed."""
    return nfc(text).replace("\r\n", "\n").strip()


def save_mark(
    *, user: Any, market: str, code: str, day: date | None, changes: Mapping[str, Any], as_of: datetime
) -> tuple[Mark, bool]:
    """Set `tag`, `note` and `seen` of the user's mark, as far as `changes` has them; returns it, and whether it is new.
    `seen` keeps the time of the first review. TooManyMarks where a new one would exceed `MOST_MARKS`."""
    with transaction.atomic():
        rows = Mark.objects.select_for_update(no_key=True)
        mark, created = rows.get_or_create(
            user=user, market=market, code=code, date=day, defaults={"updated_at": as_of}
        )
        if created and Mark.objects.filter(user=user).count() > MOST_MARKS:
            raise TooManyMarks(f"You have {MOST_MARKS:,} marks, the most there can be: delete some first.")
        mark.tag = changes.get("tag", mark.tag)
        mark.note = changes.get("note", mark.note)
        if "seen" in changes:
            mark.seen_at = (mark.seen_at or as_of) if changes["seen"] else None
        mark.updated_at = as_of
        mark.save()
    return mark, created


def delete_mark(*, user: Any, market: str, code: str, day: date | None) -> bool:
    """Delete the user's mark; whether there was one."""
    count, _ = Mark.objects.filter(user=user, market=market, code=code, date=day).delete()
    return bool(count)


def save_settings(*, user: Any, changes: Mapping[str, Any]) -> ReaderSettings:
    """Set the fields of the user's settings that `changes` has."""
    row, _ = ReaderSettings.objects.update_or_create(user=user, defaults=changes)
    return row


def delete_own_data(user: Any) -> dict[str, int]:
    """Delete the user's marks, settings and channels of messages; how many of each."""
    rows = {"marks": Mark.objects, "settings": ReaderSettings.objects, "message_channels": MessageChannel.objects}
    with transaction.atomic():
        return {
            name: manager.filter(user=user).delete()[1].get(manager.model._meta.label, 0)
            for name, manager in rows.items()
        }
