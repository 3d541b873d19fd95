"""Figures of the cache of this host's processes, and the messages about it: too many misses, too much memory.

Each state is reported once as it begins and once as it ends, by whichever process sees it first: the file that stands
for the state is created and removed by one of them alone.
"""

from __future__ import annotations

import logging
import time

from django.conf import settings

from caching.memory import MemoryUse, get_memory_use
from caching.stats import STATS, CacheCounts, Counts, read_counts, sum_counts
from seismo_site.system import process_files

LOGGER = logging.getLogger(__name__)
NAME = "cache"
WINDOW = 15
"""Minutes over which the share of hits is judged."""
LEAST_REQUESTS = 200
"""Requests of the window below which it is not judged."""
MB = 1024 * 1024


def install() -> None:
    """Record this process's counts each minute, and report what is wrong."""
    STATS.each_minute = each_minute


def each_minute() -> None:
    """Record this process's counts and report the states of the cache."""
    report_states(cache_counts(), get_memory_use(), minute=int(time.time() // 60))


def cache_counts() -> CacheCounts:
    """The counts of all processes of this host; those of others up to their last whole minute."""
    process_files.write(NAME, STATS.dump())
    return sum_counts(read_counts(body) for body in process_files.read(NAME))


def window_counts(counts: CacheCounts, minute: int) -> Counts:
    """The counts of all policies in the `WINDOW` whole minutes before `minute`."""
    total = Counts()
    for number, rows in counts.minutes.items():
        if minute - WINDOW <= number < minute:
            for row in rows.values():
                total.add(row)
    return total


def report_states(counts: CacheCounts, memory: MemoryUse | None, *, minute: int) -> None:
    """Log each state of the cache as it begins and as it ends."""
    recent = window_counts(counts, minute)
    if recent.requests >= LEAST_REQUESTS and recent.ratio is not None:
        percent = f"{100 * recent.ratio:.0f} % of {recent.requests:,} answers of {WINDOW} minutes"
        _report(
            "cache_low",
            recent.ratio < settings.CACHE_LEAST_RATIO,
            f"Only {percent} came from the cache, less than {100 * settings.CACHE_LEAST_RATIO:.0f} %: "
            "/api/system/cache-stats has them by policy",
            f"{percent} come from the cache again",
        )
    if memory:
        use = f"The cache uses {memory.used // MB:,} MB"
        most = settings.CACHE_MOST_MB
        _report("cache_large", memory.used > most * MB, f"{use}, more than {most:,} MB", f"{use} again")


def _report(state: str, holds: bool, begin: str, end: str) -> None:
    mark = process_files.FOLDER / state
    try:
        if holds:
            mark.touch(exist_ok=False)
        else:
            mark.unlink()
    except OSError:  # reported already, or nothing to report
        return
    LOGGER.warning(begin if holds else end)
