"""A mix of readers replayed on one cache: half of them read the newest part, as pages do; a third moves the range of
the reader before by up to its half, as charts do; the rest reads any 100 to 1,000 slots, as programs do."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from marketdata.candles import queries
from marketdata.candles.collector.planner import CandleRequest
from marketdata.candles.collector.timeframes import Interval, as_datetime
from marketdata.candles.operations.collect import collect
from marketdata.candles.record import RecordedCandles
from tests.marketdata.candles.collector.minute_market import END, NOW, minutes
from tests.marketdata.candles.collector.stores import ListSource

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

SLOTS = 20_000
READERS = 600


def mix(draw: random.Random) -> Iterator[Interval]:
    """The ranges of the readers."""
    first, length = SLOTS - 200, 200
    for _ in range(READERS):
        kind = draw.random()
        if kind < 1 / 2:
            length = draw.choice((60, 200, 400))
            first = SLOTS - length - draw.randint(0, 500)
        elif kind < 5 / 6:
            first = min(max(0, first + draw.randint(-length // 2, length // 2)), SLOTS - length)
        else:
            length = draw.randint(100, 1_000)
            first = draw.randint(0, SLOTS - length)
        yield Interval(END - 60 * (SLOTS - first), END - 60 * (SLOTS - first - length))


def test_four_of_five_overlapping_readers_are_served_from_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    source = ListSource([opened for opened in minutes(SLOTS) if opened // 60 % 7], now=NOW)
    request = CandleRequest("KRW-BTC", "1m", count=SLOTS, before=as_datetime(END))
    collect(source=source, request=request, as_of=as_datetime(NOW))
    queries.shared_cache.cache_clear()
    series, cache = queries.get_series("upbit", "KRW-BTC", "1m"), queries.shared_cache()
    reads = 0
    read = RecordedCandles.candles

    def count(self: RecordedCandles, *arguments: object) -> object:
        nonlocal reads
        reads += 1
        return read(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(RecordedCandles, "candles", count)
    overlapping = combined = 0
    for interval in mix(random.Random(17)):
        before, is_overlapping = reads, cache.coverage(series, *interval).ratio > 0
        opened = queries.read(series, interval).candles.opened.tolist()
        assert opened == list(range(*interval, 60))
        overlapping += is_overlapping
        combined += is_overlapping and reads == before
    assert overlapping > 0.8 * READERS
    assert combined >= 0.8 * overlapping
    assert cache.stats().hit_ratio >= 0.8
    assert reads <= 0.2 * READERS  # without a cache each reader reads the record once
