"""`collect_prices` as a process of its own: seen on a terminal, interrupted, killed, and run again until it is done."""

from __future__ import annotations

import os
import pty
import re
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.exchanges.kis import KisExchange
from tests.exchanges.server import Request, Response
from tests.marketdata.operations.collect.kis_installation import install, listed
from tests.seismo_site.running import ROOT, environment

pytestmark = pytest.mark.slow

PAGES = 3  # of 100 bars for 250 sessions
LISTED = 24


class StrikingExchange(KisExchange):
    """Sends a signal to the process that calls it once it has been called so often."""

    def __init__(self) -> None:
        super().__init__(listed(LISTED), per_second=100_000, token_every=0.0)
        self.victim: subprocess.Popen[str] | None = None
        self.calls_left, self.signal = -1, signal.SIGINT
        self.started = threading.Event()

    def answer(self, request: Request, fault: str | None) -> Response:
        if request.path.endswith("itemchartprice"):
            self.calls_left -= 1
            if self.calls_left == 0:
                self.started.wait(30)
                assert self.victim is not None
                self.victim.send_signal(self.signal)
        return super().answer(request, fault)


@pytest.fixture(scope="module")
def exchange() -> Iterator[StrikingExchange]:
    with StrikingExchange() as running:
        yield running


@pytest.fixture(scope="module")
def installation(exchange: StrikingExchange, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The settings of an installation that knows the instruments and has no bar yet; they have 250, up to the latest
    session that is over."""
    folder, env, first = install(exchange, tmp_path_factory.mktemp("collecting"))
    return {**environment(folder), **env, "since": str(first)}


def command(installation: dict[str, str]) -> tuple[str, ...]:
    return ("collect_prices", "--since", installation["since"])


def struck(
    exchange: StrikingExchange, installation: dict[str, str], *, after: int, by: signal.Signals
) -> tuple[int, str]:
    """The exit status and the errors of a collection that gets a signal with a call."""
    exchange.calls_left, exchange.signal = after, by
    exchange.started.clear()
    with subprocess.Popen(
        [sys.executable, "manage.py", *command(installation)],
        cwd=ROOT,
        env=installation,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        exchange.victim = running
        exchange.started.set()
        errors = running.communicate(timeout=120)[1]
    return running.returncode, errors


def on_a_terminal(installation: dict[str, str], *arguments: str) -> tuple[int, str, str]:
    """The exit status, what a command printed, and what its terminal saw of errors and progress."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=installation,
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
    ) as running:
        os.close(theirs)
        seen = b""
        while True:
            try:
                more = os.read(ours, 65_536)
            except OSError:  # the other end was closed
                break
            if not more:
                break
            seen += more
        printed = running.communicate(timeout=120)[0]
    os.close(ours)
    return running.returncode, printed, seen.decode()


def recorded(installation: dict[str, str]) -> list[Any]:
    with sqlite3.connect(Path(installation["SEISMO_DATA_DIR"]) / "seismo.sqlite3") as db:
        return db.execute(
            "SELECT stock_code, date, open, high, low, close, volume, base_price "
            "FROM marketdata_stockprice ORDER BY stock_code, date"
        ).fetchall()


def test_whatever_ends_it_the_next_run_takes_up_what_is_missing(
    exchange: StrikingExchange, installation: dict[str, str]
) -> None:
    served = [
        (code, str(b.session), b.open, b.high, b.low, b.close, b.volume, b.base)
        for code, one in sorted(exchange.market.items())
        for b in one.bars
    ]
    status, errors = struck(exchange, installation, after=9, by=signal.SIGINT)
    assert status != 0
    assert "the same command completes the rest" in errors
    assert "Traceback" not in errors
    for after in (2, 17, 30):
        status, _ = struck(exchange, installation, after=after, by=signal.SIGKILL)
        assert status == -signal.SIGKILL
        rows = recorded(installation)
        assert set(rows) <= set(served)
        assert len(rows) == len(set(rows))

    status, printed, seen = on_a_terminal(installation, *command(installation))
    assert status == 0, seen
    assert recorded(installation) == served
    assert re.search(r"[0-9,]+ rows, [0-9.]+ calls/s", seen)
    planned = int(re.search(r"([0-9,]+) calls, .* at the limit", printed)[1])  # type: ignore[index]
    assert planned <= LISTED * PAGES

    exchange.calls.clear()
    status, printed, _ = on_a_terminal(installation, *command(installation))
    assert status == 0
    assert f"{LISTED} complete, 0 sessions missing" in printed
    assert not any(path.endswith("itemchartprice") for path in exchange.calls)
    where = Path(installation["SEISMO_DATA_DIR"])
    secret = exchange.keys[1].encode()
    assert not [one for one in where.rglob("*") if one.is_file() and secret in one.read_bytes()]
