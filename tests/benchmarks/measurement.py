"""How long something takes and how much memory it holds, in this process or in one of its own."""

from __future__ import annotations

import contextlib
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

MB = 1024 * 1024
ROOT = Path(__file__).parents[2]


class BenchFailed(Exception):
    """A measured command did not do its work; the message carries what it said."""


@dataclass(frozen=True, slots=True)
class Child:
    """A process that has ended: wall-clock seconds from its start to its end, CPU seconds, its peak memory, what it
    printed."""

    seconds: float
    cpu: float
    peak_mb: float
    output: str


def child(command: Sequence[str], env: Mapping[str, str]) -> Child:
    """Run `command` to its end in the checkout; BenchFailed where it fails.

    Peak memory is that of this one process, not of processes it has started itself.
    """
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        began = time.perf_counter()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=errors, env=env, cwd=ROOT)
        with _Watched(process.pid) as watched:
            _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        result = output.read().decode(errors="replace")
        if process.returncode:
            errors.seek(0)
            tail = (result + errors.read().decode(errors="replace"))[-3000:]
            raise BenchFailed(f"{' '.join(command)} ended with {process.returncode}:\n{tail}")
    peak = watched.peak or _mb(used.ru_maxrss)
    return Child(seconds, used.ru_utime + used.ru_stime, peak, result)


class _Watched:
    """The peak memory of a process, looked at every 20 ms until it ends (Linux; elsewhere 0).

    `wait4` reports no less than the memory that the parent process had at that moment, such as a whole market
    that an imitation serves.
    """

    def __init__(self, pid: int) -> None:
        self.peak = 0.0
        self._pid = str(pid)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> _Watched:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ended.wait(0.02):
            self.peak = max(self.peak, _high_water(self._pid))


def cpu_seconds() -> float:
    """CPU seconds so far of this process, all its threads and its finished children."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def tree_cpu(pids: Sequence[int]) -> float:
    """CPU seconds so far of these processes and of all that they have started and that still live (Linux; elsewhere
    0)."""
    ticks = os.sysconf("SC_CLK_TCK")
    parents: dict[int, int] = {}
    used: dict[int, float] = {}
    for file in Path("/proc").glob("[0-9]*/stat"):
        try:
            words = file.read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        except OSError:  # it has ended
            continue
        pid = int(file.parent.name)
        parents[pid] = int(words[1])
        used[pid] = (int(words[11]) + int(words[12])) / ticks
    tree = set(pids)
    while grown := {pid for pid, parent in parents.items() if parent in tree} - tree:
        tree |= grown
    return sum(used.get(pid, 0.0) for pid in tree)


class Others:
    """How many cores the rest of the machine has kept busy since this was made or called: noise, in numbers."""

    def __init__(self) -> None:
        self._since = self._now()

    def busy(self) -> float | None:
        """Cores in use by others; None where this is not Linux."""
        before, self._since = self._since, self._now()
        wall, all_busy, own = (now - then for now, then in zip(self._since, before, strict=True))
        return max(all_busy - own, 0.0) / wall if wall > 0 and self._since[1] else None

    @staticmethod
    def _now() -> tuple[float, float, float]:
        """Wall-clock seconds, busy seconds of all cores (0 where unknown), and our own."""
        try:
            first = Path("/proc/stat").read_text(encoding="ascii").splitlines()[0]
        except OSError:
            first = "cpu 0 0 0 0 0 0 0 0"
        user, nice, system, _, _, irq, soft, *_ = map(int, first.split()[1:])
        ticks = os.sysconf("SC_CLK_TCK")
        return time.perf_counter(), (user + nice + system + irq + soft) / ticks, cpu_seconds()


class Memory:
    """The most memory this process, and all its workers together, used inside a `with` block.

    Linux only: elsewhere `own` is the most since the process began, and workers are not seen.
    """

    def __init__(self, *, workers: bool = False) -> None:
        self.own = 0.0
        self._peaks: dict[str, float] = {}
        self._ended = threading.Event()
        self._watch = threading.Thread(target=self._look) if workers else None

    @property
    def workers(self) -> float:
        """The sum of the workers' own peaks, MB; what they share counts for each."""
        return sum(self._peaks.values())

    def __enter__(self) -> Memory:
        with contextlib.suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak begins anew
        if self._watch:
            self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        if self._watch:
            self._watch.join()
        self.own = _high_water("self") or _mb(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)

    def _look(self) -> None:
        while not self._ended.wait(0.02):
            for children in Path("/proc/self/task").glob("*/children"):
                with contextlib.suppress(OSError):
                    for pid in children.read_text(encoding="ascii").split():
                        self._peaks[pid] = max(self._peaks.get(pid, 0.0), _high_water(pid))


def _high_water(pid: str) -> float:
    """VmHWM of a process in MB; 0 where it has ended or this is not Linux."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except OSError:
        return 0.0
    lines = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(lines[0].split()[1]) / 1024 if lines else 0.0


def _mb(maxrss: int) -> float:
    return maxrss / MB if sys.platform == "darwin" else maxrss / 1024


def read_bytes() -> int:
    """Bytes this process has read by system calls so far (memory-mapped files do not count); 0 where the system does
    not tell."""
    try:
        lines = Path("/proc/self/io").read_text(encoding="ascii").splitlines()
    except OSError:  # not Linux
        return 0
    return int(next(line.split()[1] for line in lines if line.startswith("rchar:")))


def seconds(call: Callable[[], object], runs: int, *, warm: bool = True) -> list[float]:
    """Seconds of each of `runs` calls, after one that is not counted where `warm`."""
    if warm:
        call()
    spent = []
    for _ in range(runs):
        began = time.perf_counter()
        call()
        spent.append(time.perf_counter() - began)
    return spent
