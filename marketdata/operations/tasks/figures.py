"""Figures of background tasks: the share of failed ones."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Count, Q

from marketdata.models import TaskRecord, TaskStatus

WINDOWS = {"24 hours": timedelta(hours=24), "30 days": timedelta(days=30)}


def failure_shares(now: datetime) -> dict[str, float | None]:
    """Window -> share (0 to 1) of the tasks ended in it that are dead; None where none has ended."""
    counts = {}
    for n, window in enumerate(WINDOWS.values()):
        ended = Q(finished_at__gte=now - window)
        counts[f"all_{n}"] = Count("pk", filter=ended)
        counts[f"dead_{n}"] = Count("pk", filter=ended & Q(status=TaskStatus.DEAD))
    rows = TaskRecord.objects.filter(finished_at__gte=now - max(WINDOWS.values())).aggregate(**counts)
    return {name: rows[f"dead_{n}"] / rows[f"all_{n}"] if rows[f"all_{n}"] else None for n, name in enumerate(WINDOWS)}
