"""What the task queue calls, by these names; each reads the clock and makes one call."""

from __future__ import annotations

from django.utils import timezone

from scans.operations import working


def work_request(number: int) -> str:
    """Work a scan request; how it ended."""
    return working.work(number, as_of=timezone.now())
