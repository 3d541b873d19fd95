"""The production server over an installation, as `make serve` and the image start it."""

from __future__ import annotations

import http.client
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.seismo_site.running import ROOT

SERVER = (
    "--interface",
    "wsgi",
    "--workers",
    "2",
    "--blocking-threads",
    "1",
    "--workers-kill-timeout",
    "5",
)
"""Its options, which stand in the Makefile and the Dockerfile too. One thread a worker: what is computed holds the
interpreter, and two that take turns make both late."""
START_SECONDS = 180.0


class NotServed(AssertionError):
    """The server did not start; the message carries the end of its log."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: the process that owns its workers, and its port on this host."""

    pid: int
    port: int

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def serving(env: Mapping[str, str], log: Path, workers: int = 2) -> Iterator[Server]:
    """The server, from its first answer on; a second worker takes as long to start as the first."""
    with _port() as port:
        yield from _served(port, env, log, workers)


def _served(port: int, env: Mapping[str, str], log: Path, workers: int) -> Iterator[Server]:
    options = (*SERVER, "--workers", str(workers), "--host", "127.0.0.1", "--port", str(port))
    command = [sys.executable, "-m", "granian", *options]
    with log.open("wb") as written:
        process = subprocess.Popen(
            [*command, "--log-level", "warning", "seismo_site.wsgi:application"],
            cwd=ROOT,
            env=dict(env),
            stdout=written,
            stderr=subprocess.STDOUT,
        )
        try:
            deadline = time.monotonic() + START_SECONDS
            while not _answers(port):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise NotServed(f"the server did not start: {log.read_text()[-2000:]}")
                time.sleep(0.1)
            yield Server(process.pid, port)
        finally:
            process.terminate()
            process.wait(60)


@contextmanager
def _port() -> Iterator[int]:
    """A port that no other test is given: it stays bound here, and the server shares it. A port that was only looked
    for could be another's by the time that the server starts, and the two servers would then share that one."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))  # exclusive, so that the kernel chooses a free one
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        yield int(one.getsockname()[1])


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=START_SECONDS)
    try:
        connection.request("GET", "/api/health/live")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
