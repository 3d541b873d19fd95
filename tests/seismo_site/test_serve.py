"""The server and the worker together: a signal ends both in order, and where one ends, so does the other."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from seismo_site.serve import commands
from tests.seismo_site.running import ROOT
from tests.serving import SERVER

pytestmark = pytest.mark.slow

WAITS = (
    "import os, signal, sys;"
    "end = lambda *_: (signal.signal(15, signal.SIG_IGN), sys.exit(os.write(1, b'ended in order\\n') and 0));"
    "signal.signal(signal.SIGTERM, end);"
)
FOREVER = f"{WAITS} os.write(1, b'started\\n'); signal.pause()"
"""Writes whole lines, since two processes share the pipe."""
ENDS = "import sys; sys.exit(7)"
TOGETHER = "import sys; from seismo_site.serve import run_together; sys.exit(run_together({programs}))"


def together(*programs: str) -> subprocess.Popen[str]:
    called = [[sys.executable, "-c", program] for program in programs]
    program = TOGETHER.format(programs=called)
    return subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_both_in_order(number: signal.Signals) -> None:
    process = together(FOREVER, FOREVER)
    assert process.stdout
    assert [process.stdout.readline() for _ in range(2)] == ["started\n"] * 2
    process.send_signal(number)
    assert process.stdout.read() == "ended in order\n" * 2
    assert process.wait() == 0


def test_where_one_ends_so_does_the_other() -> None:
    process = together(FOREVER, f"input(); {ENDS}".replace("input(); ", "import time; time.sleep(2); "))
    output, _ = process.communicate()
    assert output == "started\nended in order\n"
    assert process.returncode == 7


def test_the_server_has_the_options_that_are_measured() -> None:
    server, worker = commands("8123")
    assert set(SERVER) <= set(server)
    assert server[-2:] == ["--port", "8123"]
    assert worker[-1] == "qcluster"
