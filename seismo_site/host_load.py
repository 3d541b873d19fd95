"""The free CPU and memory of the host, within the limits of its control group (Linux; elsewhere plenty)."""

from __future__ import annotations

from pathlib import Path

PLENTY = 2**40
CGROUP = Path("/sys/fs/cgroup")


class CpuMeter:
    """The share of the host's CPU in use between two calls (proc_stat(5))."""

    def __init__(self) -> None:
        self._before = _cpu_ticks()

    def share(self) -> float:
        """0 to 1 since the call before; 0 where it is unknown."""
        idle, total = _cpu_ticks()
        idle_before, total_before = self._before
        self._before = idle, total
        return 1 - (idle - idle_before) / (total - total_before) if total > total_before else 0.0


def memory_left() -> int:
    """Bytes that processes may still use: what the host has available, or less by the control group's limit."""
    left = PLENTY
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                left = int(line.split()[1]) * 1024
        limit = (CGROUP / "memory.max").read_text().strip()
        if limit != "max":
            left = min(left, int(limit) - int((CGROUP / "memory.current").read_text()))
    except (OSError, ValueError):
        pass
    return left


def _cpu_ticks() -> tuple[int, int]:
    try:
        ticks = [int(value) for value in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    except (OSError, ValueError):
        return 0, 0
    return ticks[3] + ticks[4], sum(ticks)
