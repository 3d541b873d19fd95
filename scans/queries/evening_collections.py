"""The collections of evenings, as their notifications record them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from scans.models import Notification


def evening_collections(since: datetime) -> list[dict[str, Any]]:
    """The `CollectionSummary` of each notification that was written since then; without those that had no source."""
    rows = Notification.objects.filter(changed_at__gte=since).order_by().values_list("collection", flat=True)
    return [summary for summary in rows if summary.get("source")]
