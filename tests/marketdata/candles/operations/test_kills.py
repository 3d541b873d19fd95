"""`collect_candles` killed with SIGKILL at random moments: the end equals an undisturbed collection."""

from __future__ import annotations

import contextlib
import os
import queue
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from django.db import connection

from marketdata.candles.collector.cache import Series
from marketdata.candles.collector.timeframes import Grid, Interval, get_timeframe, moment
from marketdata.candles.models import CandleChunk, CandleCollection, CandleCoverage
from marketdata.candles.record import RecordedCandles
from tests.exchanges.server import Request, Response
from tests.exchanges.upbit import UpbitExchange, generated
from tests.marketdata.candles.collector.naive import utc

pytestmark = pytest.mark.slow

KILLS = 50
START = moment(utc("2025-09-01T00:00:00"))
DAYS = 15
TICKS = generated(START, DAYS * 1440, density=0.9, seed=5)
REQUEST = "--timeframe 1m --from 2025-09-01 --to 2025-09-16"


class KillingExchange(UpbitExchange):
    """Kills the process that calls it once it has been called so often, a moment later."""

    def __init__(self) -> None:
        book = {"KRW-KIL": TICKS, "KRW-WHL": TICKS}
        super().__init__(book, per_second=100_000, clock=lambda: START + 30 * 86_400.0)
        self.victims: queue.Queue[int] = queue.Queue()
        self.calls_left = -1
        self.later = 0.0

    def answer(self, request: Request, fault: str | None) -> Response:
        self.calls_left -= 1
        if self.calls_left == 0:
            victim = self.victims.get(timeout=30)
            if self.later:
                threading.Timer(self.later, kill, [victim]).start()
            else:
                kill(victim)
        return super().answer(request, fault)


def kill(process: int) -> None:
    with contextlib.suppress(ProcessLookupError):  # it had ended
        os.kill(process, signal.SIGKILL)


@pytest.fixture
def killing() -> Iterator[KillingExchange]:
    with KillingExchange() as running:
        yield running


@pytest.fixture
def processes(transactional_db: None, killing: KillingExchange, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """What makes a process for each line; its database is the tests'."""
    environment = os.environ | {
        "DATABASE_URL": database_url(),
        "SEISMO_DATA_DIR": str(tmp_path),
        "UPBIT_HOST": killing.url,
        "UPBIT_PER_SECOND": "100000",
        "REDIS_URL": "",
    }
    connection.close()
    command = [sys.executable, "-m", "tests.marketdata.candles.operations.collecting"]
    with subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as running:
        yield running


def database_url() -> str:
    """The address of the database that this test uses."""
    body = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{body['NAME']}"
    user, host = quote(body["USER"] or ""), quote(body["HOST"], safe="")
    return f"postgres://{user}@/{body['NAME']}?host={host}"


def collected(processes: subprocess.Popen[str], killing: KillingExchange, market: str) -> int:
    """How a process that collects `market` ended."""
    assert processes.stdin
    assert processes.stdout
    processes.stdin.write(f"--market {market} {REQUEST}\n")
    processes.stdin.flush()
    killing.victims.put(int(processes.stdout.readline()))
    how = int(processes.stdout.readline())
    while not killing.victims.empty():
        killing.victims.get()
    return how


def recorded(market: str) -> tuple[list[tuple[float, ...]], list[tuple[int, int]], int | None]:
    """Rows, verified intervals and start of history of a market."""
    series = Series("upbit", market, Grid(get_timeframe("1m")))
    record = RecordedCandles()
    candles = record.candles(series, Interval(0, 1 << 40))
    rows = list(zip(*(column.tolist() for column in candles.columns), strict=True))
    verified = CandleCoverage.objects.filter(series__market=market).values_list("start", "end")
    return rows, list(verified), record.listed(series)


def test_fifty_kills_lose_nothing_and_double_nothing(
    processes: subprocess.Popen[str], killing: KillingExchange
) -> None:
    draw = random.Random(3)
    assert collected(processes, killing, "KRW-WHL") == 0
    whole = CandleChunk.objects.count()
    kills = 0
    while kills < KILLS:
        killing.calls_left = draw.randint(1, 3)
        killing.later = draw.choice((0.0, draw.uniform(0.0, 0.02)))
        how = collected(processes, killing, "KRW-KIL")
        assert how in (0, -signal.SIGKILL)
        if how == 0:
            break
        kills += 1
    killing.calls_left = -1
    assert kills == KILLS
    assert collected(processes, killing, "KRW-KIL") == 0
    assert recorded("KRW-KIL") == recorded("KRW-WHL")
    assert [(row[0], row[4]) for row in recorded("KRW-KIL")[0]] == [(tick.opened, tick.close) for tick in TICKS]
    numbers = CandleChunk.objects.filter(collection__series__market="KRW-KIL")
    assert len(set(numbers.values_list("number", flat=True))) == numbers.count() >= whole
    assert set(CandleCollection.objects.values_list("status", flat=True)) == {"done"}

    before = sum(killing.calls.values())
    assert collected(processes, killing, "KRW-KIL") == 0
    assert sum(killing.calls.values()) == before
