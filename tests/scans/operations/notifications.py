"""A notification of an evening, as tests of channels send it."""

from __future__ import annotations

from datetime import UTC, date, datetime

from scans.models import Notification
from tests.scans.wording.evening_content import content

NOW = datetime(2026, 8, 21, 9, 10, tzinfo=UTC)
DAY = date(2026, 8, 21)
PUBLIC_URL = "https://seismo.example.org"


def notification(**given: object) -> Notification:
    """The row of `evening_content.content`."""
    body = content(**given)
    names = ("market", "outcome", "reason", "versions", "collection", "signals", "readiness", "seconds")
    fields = {name: body[name] for name in names}
    return Notification.objects.create(session=DAY, digest="0" * 32, created_at=NOW, changed_at=NOW, **fields)
