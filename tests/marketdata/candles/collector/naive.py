"""Independent, slow answers to compare the candle arithmetic with: sets of slots, stepped one by
one.

Weeks, months and years are walked with `calendar` dates, never with the code under test.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone

STEPS = {
    "1s": timedelta(seconds=1),
    **{f"{n}m": timedelta(minutes=n) for n in (1, 3, 5, 10, 15, 30, 60, 240)},
    "1d": timedelta(days=1),
    "1w": timedelta(days=7),
}
# One opening of each timeframe in UTC by the calendar: 2024-01-01 was a Monday.
EPOCH = datetime(2024, 1, 1)  # noqa: DTZ001 - on the source's own clock


def following(name: str, local: datetime, steps: int = 1) -> datetime:
    """The opening `steps` slots after the opening `local`, both on the source's clock."""
    if name in STEPS:
        return local + STEPS[name] * steps
    months = steps if name == "1mo" else 12 * steps
    year, month = divmod(local.year * 12 + local.month - 1 + months, 12)
    return local.replace(year=year, month=month + 1)


def openings(name: str, start: datetime, end: datetime, offset_hours: int = 0) -> list[int]:
    """Openings in [start, end) as seconds since 1970 UTC, walked from `EPOCH`."""
    zone = timezone(timedelta(hours=offset_hours))
    at = EPOCH.replace(tzinfo=zone)
    openings: list[int] = []
    while at >= start:
        at = following(name, at, -1)
    while at < end:
        if at >= start:
            openings.append(int(at.timestamp()))
        at = following(name, at)
    return openings


def seconds(intervals: Iterable[tuple[int, int]]) -> set[int]:
    """Every integer moment of the intervals."""
    return {when for start, end in intervals for when in range(start, end)}


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
