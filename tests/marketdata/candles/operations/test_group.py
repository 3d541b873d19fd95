"""Candles of several series by a task group: each series once, that of a killed worker again without doubled chunks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from marketdata.candles.collector.planner import CandleRequest
from marketdata.candles.collector.timeframes import moment
from marketdata.candles.operations import group
from tests.exchanges.upbit import UpbitExchange, generated
from tests.marketdata.candles.collector.naive import utc
from tests.seismo_site.running import installed, killed_in_shell, manage, managed, refused_in_turn, run_in_shell
from tests.servers import postgres_and_redis

START, DAYS = moment(utc("2025-09-01T00:00:00")), 2
PAIRS = ("KRW-AAA", "KRW-BBB", "KRW-CCC")
BOOK = {pair: generated(START, DAYS * 1440, density=0.9, seed=seed) for seed, pair in enumerate(PAIRS, 1)}
DIE = """
import os, signal
from marketdata.candles.operations.store import RecordStore
from marketdata.models import TaskRecord
from marketdata.operations.tasks import attempts
from marketdata.candles import tasks
store, chunks = RecordStore.store_chunk, []
def die(self, *arguments, **options):  # after the third chunk of the second series
    store(self, *arguments, **options)
    member = attempts.running_task.get()
    chunks.append(member.place)
    if chunks.count(1) == 3:
        os.kill(os.getpid(), signal.SIGKILL)
RecordStore.store_chunk = die
row = TaskRecord.objects.get(kind="candle collection")
assert attempts.claim(row)
attempts.attempt(row, lambda: tasks.collect_candles.__wrapped__(**row.kwargs))
"""
STATE = """
import json
from marketdata.candles.models import Candle, CandleChunk, CandleCollection
from marketdata.models import TaskRecord
candles = Candle.objects.order_by("series__market", "opened").values_list("series__market", "opened", "close")
chunks = CandleChunk.objects.values_list("collection", "number")
print(json.dumps(dict(
    members=list(TaskRecord.objects.filter(kind="candle series").order_by("place").values_list("status", "attempts")),
    result=TaskRecord.objects.get(kind="candle collection").result,
    candles=[list(row) for row in candles],
    collections=list(CandleCollection.objects.order_by("series__market").values_list("series__market", "status")),
    doubled=len(chunks) - len(set(chunks)),
)))
"""


def test_requests_come_back_from_a_task() -> None:
    at = datetime(2025, 9, 1, 12, 30, tzinfo=UTC)
    for request in (
        CandleRequest("KRW-BTC", "1m", count=200, before=at, forming=False),
        CandleRequest("KRW-BTC", "1d", start=at),
    ):
        assert group._request(json.loads(json.dumps(group.request_json(request)))) == request


@pytest.fixture(scope="module")
def exchange() -> Iterator[UpbitExchange]:
    with UpbitExchange(BOOK, per_second=100_000, clock=lambda: START + 30 * 86_400.0) as running:
        yield running


def killed(exchange: UpbitExchange, folder: Path, **servers: str) -> None:
    data = installed(folder, **servers)
    env = {"UPBIT_HOST": exchange.url, "UPBIT_PER_SECOND": "100000", **servers}
    span = ("--from", "2025-09-01", "--to", "2025-09-03", "--tasks")
    printed = managed(data, "collect_candles", "--market", ",".join(PAIRS), *span, **env)
    assert re.match(r"3 series queued as task \w+: ", printed)
    killed_in_shell(data, DIE, **env)
    left = json.loads(run_in_shell(data, STATE, **env))
    assert left["members"] == [["done", 1], ["running", 1], ["waiting", 0]]
    assert left["collections"] == [["KRW-AAA", "done"], ["KRW-BBB", "running"]]
    worked = manage(data, "qcluster", "--run-once", **env)
    assert worked.returncode == 0, worked.stderr
    done = json.loads(run_in_shell(data, STATE, **env))
    assert done["members"] == [["done", 1], ["done", 2], ["done", 1]]
    assert done["collections"] == [[pair, "done"] for pair in PAIRS]
    assert done["candles"] == [[pair, tick.opened, tick.close] for pair in PAIRS for tick in BOOK[pair]]
    assert done["doubled"] == 0
    assert done["result"].startswith("3 of 3 series from upbit complete: ")


@pytest.mark.slow
def test_a_killed_series_is_done_again_and_no_other_in_the_database(exchange: UpbitExchange, tmp_path: Path) -> None:
    killed(exchange, tmp_path)
    span = ("--from", "2025-09-01", "--tasks")
    assert refused_in_turn(
        tmp_path,
        ("collect_candles", "--market", "KRW-AAA", "--timeframe", "1m,7m", *span),
        ("collect_candles", "--source", "kis", "--market", "KRW-AAA", *span),
    ) == [
        "Unknown timeframe '7m': use one of 1s, 1m, 3m, 5m, 10m, 15m, 30m, 60m, 240m, 1d, 1w, 1mo, 1y.",
        "Korea Investment & Securities is not configured: set KIS_APP_KEY and KIS_APP_SECRET (see .env.example).",
    ]


@pytest.mark.slow
def test_a_killed_series_is_done_again_and_no_other_with_postgresql_and_redis(
    exchange: UpbitExchange, tmp_path: Path
) -> None:
    with postgres_and_redis() as servers:
        killed(exchange, tmp_path, **servers)
