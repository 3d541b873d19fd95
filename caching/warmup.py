"""Answers computed before anybody asks: after a change was published, or when a server starts."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

LOGGER = logging.getLogger(__name__)


@dataclass(slots=True)
class WarmUpReport:
    """How a warm-up went: calls that succeeded, those that failed by name, those that time did not allow."""

    warmed: int = 0
    failed: list[str] = field(default_factory=list)
    skipped: int = 0
    seconds: float = 0.0


def warm(
    calls: Iterable[tuple[str, Callable[[], object]]],
    *,
    budget: float,
    clock: Callable[[], float] = time.monotonic,
) -> WarmUpReport:
    """Makes the named calls in order until `budget` seconds are over; one that fails does not stop the others."""
    started = clock()
    warmth = WarmUpReport()
    for name, call in calls:
        if clock() - started >= budget:
            warmth.skipped += 1
            continue
        try:
            call()
        except Exception:  # each is somebody's answer: whatever one does, the others are wanted
            LOGGER.exception("Warming %s failed", name)
            warmth.failed.append(name)
        else:
            warmth.warmed += 1
    warmth.seconds = clock() - started
    return warmth
