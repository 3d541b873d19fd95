"""Memory of this process, sampled at some chunks of a collection."""

from __future__ import annotations

import os
import resource
import sys
from pathlib import Path
from typing import NamedTuple

STATM = Path("/proc/self/statm")  # Linux: sizes in pages, the second of them resident


class MemorySample(NamedTuple):
    """Bytes of resident memory now (None where the system does not say) and at most so far."""

    resident: int | None
    peak: int


class MemorySampler:
    """A sample at every `every`-th call, about 20 microseconds; never where that is 0."""

    def __init__(self, every: int) -> None:
        self._every = every
        self._calls = 0

    def sample(self) -> MemorySample | None:
        self._calls += 1
        if not self._every or (self._calls - 1) % self._every:
            return None
        unit = 1 if sys.platform == "darwin" else 1024
        return MemorySample(_resident(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit)


def _resident() -> int | None:
    try:
        pages = int(STATM.read_bytes().split()[1])
    except OSError:
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")
