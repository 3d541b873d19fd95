"""Identity of a process across processes and hosts: does the process that wrote a row still run?

A process number alone is no identity: numbers are used again, each container has its own, and so has each boot. The
identity is (boot and process namespace of the host, number, start in clock ticks after boot), as Linux has them in
/proc (proc(5)). Elsewhere the host is "" and the state of other processes is unknown.
"""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PROC = Path("/proc")
STATE, START = 0, 19
"""Places in /proc/PID/stat after the command's name, which ends with the last parenthesis."""


@dataclass(frozen=True, slots=True)
class Process:
    """A process: `host` is "" where it cannot be recognised from another process."""

    host: str
    hostname: str
    pid: int
    started: int


def this_process() -> Process:
    """The process that calls."""
    pid = os.getpid()
    return Process(_host(), socket.gethostname(), pid, _start(pid) or 0)


def is_running(host: str, pid: int, started: int) -> bool | None:
    """Whether that process still runs; None where this host cannot see it."""
    if not host or host != _host():
        return None
    now = _start(pid)
    if now is not None:
        return now == started
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return None  # it exists, but hidden from this user
    return _start(pid) == started


def end_with_parent(number: signal.Signals = signal.SIGKILL) -> None:
    """Have the kernel send this process a signal when its parent ends (Linux: prctl(PR_SET_PDEATHSIG = 1))."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, int(number))


@cache
def _host() -> str:
    """This boot of this host, and the namespace in which its process numbers count; "" where there is no /proc."""
    try:
        boot = (PROC / "sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {os.readlink(PROC / 'self/ns/pid')}"
    except OSError:
        return ""


def _start(pid: int) -> int | None:
    """When the process started, in clock ticks after boot; None where there is none, or only a zombie."""
    try:
        text = (PROC / str(pid) / "stat").read_text()
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    return None if fields[STATE] in "ZX" else int(fields[START])
