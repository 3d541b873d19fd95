"""Recorded markets served by the imitation of Upbit and collected into the record: every gap, every border."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from marketdata.candles import queries
from marketdata.candles.collector.fill import EmptySlots
from marketdata.candles.collector.gaps import GapReason
from marketdata.candles.collector.patterns import Pattern
from marketdata.candles.collector.planner import CandleRequest
from marketdata.candles.collector.timeframes import Interval, as_datetime
from marketdata.candles.models import CandleChunk, CandleCoverage
from marketdata.candles.operations.collect import CollectionReport, collect
from marketdata.sources.http.client import HttpClient
from marketdata.sources.upbit import client as upbit
from tests import realdata
from tests.exchanges.upbit import Tick, UpbitExchange

pytestmark = [pytest.mark.slow, pytest.mark.django_db]

BUSY, ILLIQUID = "upbit_1m_2025-09.parquet", "upbit_1m_moc_2021-03-02.parquet"
FIELDS = "upbit_fields_2025.parquet"


def ticks(opened: Any, *columns: Any) -> list[Tick]:
    """Candles as an exchange's book; `opened` in any zone or none (UTC)."""
    times = np.asarray(opened, "datetime64[s]").astype(np.int64).tolist()
    rows = zip(times, *(column.tolist() for column in columns), strict=True)
    return sorted(Tick(*row) for row in rows)


def recorded(file: str, market: str) -> list[Tick]:
    """A market of one of the files of minutes."""
    table: Any = pq.read_table(realdata.path(file), filters=[("market", "=", market)])
    frame = table.to_pandas()
    opened = frame["ts_utc"] if "ts_utc" in frame else frame["ts_kst"].dt.tz_convert("UTC")
    prices = (frame[name] for name in ("open", "high", "low", "close", "volume"))
    return ticks(opened.dt.tz_localize(None), *prices)


def collected(
    book: dict[str, list[Tick]], request: CandleRequest, *, now: int
) -> tuple[CollectionReport, UpbitExchange]:
    """The request, collected twice: the second time no call is made."""
    with UpbitExchange(book, per_second=100_000, clock=lambda: float(now)) as exchange:
        http = HttpClient(wall_clock=lambda: float(now))
        source = upbit.source(http, base_url=exchange.url, per_second=100_000)
        done = collect(source=source, request=request, as_of=as_datetime(now))
        calls = sum(exchange.calls.values())
        collect(source=source, request=request, as_of=as_datetime(now))
        source.close()
        assert sum(exchange.calls.values()) == calls
    return done, exchange


def rows_of(market: str, name: str, interval: Interval) -> list[tuple[float, ...]]:
    """What is recorded, as (opened, open, high, low, close, volume)."""
    result = queries.read(queries.get_series("upbit", market, name), interval, empty=EmptySlots.DROP)
    return list(zip(*(column.tolist() for column in result.candles.columns[:6]), strict=True))


def empty_runs(book: Sequence[Tick], interval: Interval, step: int) -> list[tuple[int, int]]:
    """Runs of slots without a candle, by looking at each slot."""
    traded = {tick.opened for tick in book}
    runs: list[tuple[int, int]] = []
    for slot in range(interval.start, interval.end, step):
        if slot in traded:
            continue
        if runs and runs[-1][1] == slot:
            runs[-1] = (runs[-1][0], slot + step)
        else:
            runs.append((slot, slot + step))
    return runs


def test_a_busy_month_comes_whole_with_every_gap() -> None:
    book = recorded(BUSY, "KRW-DOGE")
    whole = Interval(book[0].opened, book[-1].opened + 60)
    request = CandleRequest("KRW-DOGE", "1m", start=as_datetime(whole.start), end=as_datetime(whole.end))
    done, exchange = collected({"KRW-DOGE": book}, request, now=whole.end + 3600)
    assert rows_of("KRW-DOGE", "1m", whole) == book
    assert list(CandleCoverage.objects.values_list("start", "end")) == [whole]
    gaps = queries.gaps(queries.get_series("upbit", "KRW-DOGE", "1m"), whole)
    assert [gap.interval for gap in gaps] == empty_runs(book, whole, 60)
    assert {gap.reason for gap in gaps} == {GapReason.NO_TRADES}
    assert done.gaps == len(gaps) == 189
    assert done.outcome.pattern is Pattern.DENSE
    survey = 1 + 3  # where its history begins, and how dense it was
    assert done.outcome.progress.calls == -(-(whole.end - whole.start) // 60 // 200) + survey
    assert {count for _, count in exchange.requests} <= {200, 100, *range(200)}


def test_a_gap_at_the_border_of_two_chunks_is_one_gap() -> None:
    """Defect 10 on recorded gaps: the border of two collections is laid into each of the longer ones."""
    book = recorded(BUSY, "KRW-DOGE")
    whole = Interval(book[0].opened, book[-1].opened + 60)
    runs = [run for run in empty_runs(book, whole, 60) if run[1] - run[0] >= 120]
    assert len(runs) >= 3
    series = None
    for number, (start, end) in enumerate(runs[:6]):
        market = f"KRW-B{number}"
        border = start + 60
        newer = CandleRequest(market, "1m", count=200, before=as_datetime(border + 200 * 60))
        collected({market: book}, newer, now=whole.end + 3600)
        older = CandleRequest(market, "1m", count=190, before=as_datetime(border))
        collected({market: book}, older, now=whole.end + 3600)
        assert border in CandleChunk.objects.filter(collection__series__market=market).values_list("start", flat=True)
        series = queries.get_series("upbit", market, "1m")
        window = Interval(border - 190 * 60, border + 200 * 60)
        result = [gap.interval for gap in queries.gaps(series, window)]
        assert result == empty_runs(book, window, 60)
        assert (start, end) in result


def test_the_illiquid_market() -> None:
    book = recorded(ILLIQUID, "KRW-MOC")
    whole = Interval(book[0].opened, book[-1].opened + 60)
    assert (whole.end - whole.start) // 60 == 262
    request = CandleRequest("KRW-MOC", "1m", count=262, before=as_datetime(whole.end))
    done, _ = collected({"KRW-MOC": book}, request, now=whole.end + 3600)
    assert rows_of("KRW-MOC", "1m", whole) == book
    assert (done.gaps, done.empty_slots) == (32, {"no_trades": 62})
    assert done.outcome.pattern is Pattern.MIXED
    series = queries.get_series("upbit", "KRW-MOC", "1m")
    filled = queries.read(series, whole)
    assert len(filled.candles) == 262
    assert int(filled.empty.sum()) == 62
    close, closes = np.nan, {tick.opened: tick.close for tick in book}
    for opened, shown, volume in zip(
        filled.candles.opened.tolist(), filled.candles.close, filled.candles.volume, strict=True
    ):
        close = closes.get(opened, close)
        assert shown == close
        assert (volume == 0) == (opened not in closes)
    nulls = queries.read(series, whole, empty=EmptySlots.NULL).candles
    assert np.isnan(nulls.close).sum() == 62


def test_seconds_of_a_market_that_trades_now_and_then() -> None:
    table: Any = pq.read_table(realdata.path(FIELDS), filters=[("market", "=", "KRW-ELF"), ("unit", "=", "1s")])
    frame = table.to_pandas()
    names = ("opening_price", "high_price", "low_price", "trade_price", "candle_acc_trade_volume")
    book = ticks(frame["candle_date_time_utc"].to_numpy(str), *(frame[name] for name in names))
    whole = Interval(book[0].opened, book[-1].opened + 1)
    request = CandleRequest("KRW-ELF", "1s", start=as_datetime(whole.start), end=as_datetime(whole.end))
    done, _ = collected({"KRW-ELF": book}, request, now=whole.end + 3600)
    assert rows_of("KRW-ELF", "1s", whole) == book
    assert done.empty_slots == {"no_trades": whole.end - whole.start - len(book)}
    assert done.gaps == len(empty_runs(book, whole, 1))
