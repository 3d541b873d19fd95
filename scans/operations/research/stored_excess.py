"""The excess of a sweep's figures as they were recorded."""

from __future__ import annotations

from collections.abc import Mapping


def excess_by_date(stored: Mapping[str, float | None]) -> float | None:
    """The excess of the calendar-time portfolio, in which each date counts alike, a fraction. Sweeps recorded it since
    December 2026; that of an earlier one is the middle of its interval, or where it has none, the mean over picks."""
    low, high = stored["low"], stored["high"]
    if "by_date" in stored or low is None or high is None:
        return stored.get("by_date", stored["mean"])
    return (low + high) / 2
