"""Warm-up: answers computed before requests need them, after a publication or at the start of a server."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

LOGGER = logging.getLogger(__name__)


@dataclass(slots=True)
class WarmUpReport:
    """The result of a warm-up: the number of successful calls, the names of failed ones, the number of calls beyond
    the time budget."""

    warmed: int = 0
    failed: list[str] = field(default_factory=list)
    skipped: int = 0
    seconds: float = 0.0


def warm(
    calls: Iterable[tuple[str, Callable[[], object]]], *, budget: float, clock: Callable[[], float] = time.monotonic
) -> WarmUpReport:
    """Makes the named calls in order until `budget` seconds are over; one that fails does not stop the others."""
    started = clock()
    report = WarmUpReport()
    for name, call in calls:
        if clock() - started >= budget:
            report.skipped += 1
            continue
        try:
            call()
        except Exception:  # a failed call must not stop the others
            LOGGER.exception("Warming %s failed", name)
            report.failed.append(name)
        else:
            report.warmed += 1
    report.seconds = clock() - started
    return report
