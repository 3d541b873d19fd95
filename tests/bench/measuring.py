"""How long something takes and how much memory it holds, in this process or in one of its own."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
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
    """A process that has ended: wall-clock seconds from its start to its end, its peak memory, what it printed."""

    seconds: float
    peak_mb: float
    output: str


def child(command: Sequence[str], env: Mapping[str, str]) -> Child:
    """Run `command` to its end in the checkout; BenchFailed where it fails.

    Peak memory is that of this one process (wait4), not of processes it has started itself.
    """
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        began = time.perf_counter()
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=errors, env=env, cwd=ROOT
        )
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        said = output.read().decode(errors="replace")
        if process.returncode:
            errors.seek(0)
            tail = (said + errors.read().decode(errors="replace"))[-3000:]
            raise BenchFailed(f"{' '.join(command)} ended with {process.returncode}:\n{tail}")
    return Child(seconds, _mb(used.ru_maxrss), said)


def peak_mb() -> float:
    """The most memory this process has held since it began to run its program."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:  # not Linux
        return _mb(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


def workers_peak_mb() -> float:
    """The most memory any one finished child of this process has held; 0 without children."""
    return _mb(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)


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
