"""Cost of a stage of a scan: wall and CPU seconds, and memory of its own.

Memory is the peak of this process's resident memory during the stage over what was resident at the start of the scan:
of the scan itself, not of the process. Linux resets the peak of a process on request; elsewhere the peak of the whole
process is read, which shows only growth beyond all that went before.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

CLEAR_REFS = Path("/proc/self/clear_refs")
STATUS = Path("/proc/self/status")
RESET_PEAK = b"5"
"""Resets the peak resident memory of a process (Linux, proc(5))."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Wall seconds, CPU seconds and peak bytes of one stage; the sum of two has the larger peak."""

    seconds: float = 0.0
    cpu: float = 0.0
    memory: int = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.seconds + other.seconds, self.cpu + other.cpu, max(self.memory, other.memory))


class StageMeter:
    """Measures from its making on. `cpu_clock`: `time.thread_time` where other threads of the process work on other
    stages. `baseline`: resident bytes at the start of the scan; None: memory is not measured."""

    def __init__(self, *, cpu_clock: Callable[[], float] = time.process_time, baseline: int | None = None) -> None:
        self._cpu_clock, self._baseline = cpu_clock, baseline
        if baseline is not None:
            _reset_peak()
        self._began, self._cpu_began = time.perf_counter(), cpu_clock()

    def cost(self) -> Cost:
        """The cost since the start."""
        seconds, cpu = time.perf_counter() - self._began, self._cpu_clock() - self._cpu_began
        memory = 0 if self._baseline is None else max(peak_memory() - self._baseline, 0)
        return Cost(seconds, cpu, memory)


def resident_memory() -> int:
    """Resident bytes of this process; without procfs the peak, which is the best that is known."""
    return _status_bytes(b"VmRSS:") or _largest()


def peak_memory() -> int:
    """The peak resident bytes of this process since the last reset."""
    return _status_bytes(b"VmHWM:") or _largest()


def _reset_peak() -> None:
    try:
        CLEAR_REFS.write_bytes(RESET_PEAK)
    except OSError:  # no Linux, or a container that forbids it
        return


def _status_bytes(name: bytes) -> int:
    try:
        for line in STATUS.read_bytes().splitlines():
            if line.startswith(name):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def _largest() -> int:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
