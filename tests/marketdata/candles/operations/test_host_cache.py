"""The cache of candles that all processes of a host share, on a real Redis: processes of their own, one record."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.marketdata.candles.collector.minute_market import END
from tests.seismo_site.running import installed, managed
from tests.servers import Servers

pytestmark = pytest.mark.slow

COLLECT = """
from marketdata.candles.collector.planner import CandleRequest
from marketdata.candles.collector.timeframes import as_datetime
from marketdata.candles.operations.collect import collect
from tests.marketdata.candles.collector.minute_market import END, NOW, minutes
from tests.marketdata.candles.collector.stores import ListSource
request = CandleRequest("KRW-BTC", "1m", count=5_000, before=as_datetime(END))
collect(source=ListSource(minutes(6_000), now=NOW), request=request, as_of=as_datetime(NOW))
"""
READ = """
import json
from marketdata.candles import queries, record
from marketdata.candles.collector.timeframes import Interval
from tests.marketdata.candles.collector.minute_market import END
reads, fetch = [], record.fetch
def counted(sql, params):
    reads.append("candles" in sql and "close" in sql and "DESC" not in sql)
    return fetch(sql, params)
record.fetch = counted
series = queries.get_series("upbit", "KRW-BTC", "1m")
interval = Interval(END - 60 * 3_000, END - 60 * 1_500)
filled = queries.read(series, interval)
candles = filled.candles
print(json.dumps({"opened": candles.opened.tolist(), "closes": candles.close.tolist(), "reads": sum(reads)}))
"""
FORGE = """
from django.db import models
from marketdata.candles.models import Candle, CandleSeries
Candle.objects.filter(opened=%d).update(close=77.0)
CandleSeries.objects.update(listed=%s)
"""
FORGED = END - 60 * 2_000


@pytest.fixture(scope="module")
def redis_url() -> Iterator[str]:
    servers = Servers()
    yield servers.redis()
    servers.stop()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, redis_url: str) -> Path:
    """An installation whose collector shared what it had collected."""
    folder = installed(tmp_path_factory.mktemp("collected"))
    shell(folder, COLLECT, redis_url)
    return folder


def shell(folder: Path, code: str, url: str) -> str:
    return managed(
        folder, "shell", "--no-imports", "-c", code, REDIS_URL=url, SEISMO_CACHE_PREFIX=folder.name.replace("_", "-")
    )


def read(folder: Path, url: str) -> Any:
    """What another process reads."""
    return json.loads(shell(folder, READ, url).splitlines()[-1])


def test_another_process_is_served_what_the_collector_shared(folder: Path, redis_url: str) -> None:
    answer = read(folder, redis_url)
    assert answer["opened"] == list(range(END - 60 * 3_000, END - 60 * 1_500, 60))
    assert answer["reads"] == 0
    alone = read(folder, "")
    assert (alone["reads"], alone["closes"]) == (1, answer["closes"])


def test_a_withdrawn_start_of_history_forgets_the_blocks(folder: Path, redis_url: str) -> None:
    """The record is changed behind the cache, which must show whether it is read."""
    shell(folder, FORGE % (FORGED, "models.F('listed')"), redis_url)
    at = 1_000
    assert read(folder, redis_url)["closes"][at] != 77.0
    shell(folder, FORGE % (FORGED, f"{END - 60 * 6_000}"), redis_url)
    answer = read(folder, redis_url)
    assert answer["closes"][at] == 77.0
    assert answer["reads"] == 1
    assert read(folder, redis_url)["reads"] == 0


def test_without_the_redis_the_record_is_read(folder: Path, redis_url: str, tmp_path: Path) -> None:
    with_cache = read(folder, redis_url)
    assert len(with_cache["closes"]) == 1_500
    for url in ("redis://127.0.0.1:1/0", f"unix://{tmp_path}/ended.sock"):
        dead = read(folder, url)
        assert dead["reads"] == 1
        assert (dead["opened"], dead["closes"]) == (with_cache["opened"], with_cache["closes"])
