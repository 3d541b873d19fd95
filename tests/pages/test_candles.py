"""Pages of candles: the chart with its coverage and gaps, timeframes above a day, collections, refusals, queries."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from marketdata.candles import queries, record
from marketdata.candles.collector.gaps import GapReason
from marketdata.candles.collector.planner import CandleRequest
from marketdata.candles.collector.timeframes import Grid, Interval, as_datetime, get_timeframe
from marketdata.candles.models import CandleCollection
from marketdata.candles.operations.collect import collect
from marketdata.candles.pages.coverage_strip import CANDLES, Segment, draw_strip
from tests.marketdata.candles.collector.minute_market import END, NOW, minutes
from tests.marketdata.candles.collector.stores import ListSource
from tests.pages.test_korean import english_words

TRADED = [opened for opened in minutes(3_000) if opened // 60 % 5]  # every fifth minute is empty
PAGE = "/upbit/candles/KRW-BTC"


@pytest.fixture
def reader(browser: Client) -> Client:
    """The trader's browser; 400 minutes before END are recorded, then 300 are missing, then 300 are recorded, and
    weeks."""
    cache.clear()
    source = ListSource(TRADED, now=NOW)
    for before, count, timeframe in ((END, 400, "1m"), (END - 700 * 60, 300, "1m"), (END, 3, "1w")):
        request = CandleRequest("KRW-BTC", timeframe, count=count, before=as_datetime(before))
        collect(source=source, request=request, as_of=as_datetime(NOW))
    queries.shared_cache.cache_clear()
    return browser


def page(reader: Client, path: str = PAGE, status: int = 200) -> str:
    response = reader.get(path)
    assert response.status_code == status, path
    return response.content.decode()


def test_the_markets_of_an_exchange_are_listed_and_linked_in_the_header(reader: Client) -> None:
    html = page(reader, "/upbit/candles")
    assert f'href="{PAGE}?timeframe=1m"' in html
    assert f'href="{PAGE}?timeframe=1w"' in html
    assert 'href="/upbit/candles" aria-current="page"' in html
    assert "/candles" not in page(reader, "/kr/")
    assert "collect_candles --source bithumb" in page(reader, "/bithumb/candles")


def test_the_chart_has_a_candle_a_traded_slot_and_the_gaps_between(reader: Client) -> None:
    html = page(reader, f"{PAGE}?timeframe=1m&to=2025-09-10T00:00:00Z")
    assert html.count('class="body"') == 144  # 180 slots, every fifth without trades
    assert "36 in the chart · nothing traded 36" in html
    assert html.count('<rect class="no_trades"') == 36
    assert "70 % of 1,000 slots verified" in html
    assert "--from 2025-09-09T12:20:00Z --to 2025-09-09T17:20:00Z" in html
    assert f"?timeframe=1m&amp;to={as_datetime(END - 180 * 60):%Y-%m-%dT%H:%M:%SZ}" in html


def test_a_window_without_candles_says_that_it_was_not_collected(reader: Client) -> None:
    html = page(reader, f"{PAGE}?timeframe=1m&to={as_datetime(END - 450 * 60):%Y-%m-%dT%H:%M:%SZ}")
    assert "No candle is recorded in these slots." in html
    assert "not collected 180" in html


def test_a_timeframe_above_a_day_has_its_days(reader: Client) -> None:
    html = page(reader, f"{PAGE}?timeframe=1w")
    assert "1w · " in html
    assert re.search(r"– 2025-09-\d\d UTC", html)


def test_collections_have_their_progress_and_a_running_one_is_fetched_again(reader: Client) -> None:
    part = page(reader, f"{PAGE}/collections?timeframe=1m&part=1")
    assert "<html" not in part
    assert part.count("data-row") == 2
    assert "100 %" in part
    assert "data-work" not in part
    CandleCollection.objects.filter(series__timeframe="1m").update(status="running", ended_at=None)
    part = page(reader, f"{PAGE}/collections?timeframe=1m&part=1")
    assert "data-work" in part
    assert "Collections" in page(reader, f"{PAGE}/collections?timeframe=1m")


@pytest.mark.parametrize(
    "path", ["/kr/candles", "/nasdaq/candles", f"{PAGE}?timeframe=3m", f"{PAGE}?timeframe=2m", "/upbit/candles/KRW-NIL"]
)
def test_what_is_not_recorded_is_not_found(reader: Client, path: str) -> None:
    page(reader, path, 404)


def test_a_moment_that_is_none_shows_the_last_slots(reader: Client) -> None:
    assert page(reader, f"{PAGE}?to=yesterday").count('class="body"') == 144


def test_readers_have_the_rights_of_the_api(reader: Client) -> None:
    assert Client().get(PAGE).status_code == 302


def test_queries_of_a_page(reader: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    page(reader, "/upbit/candles")
    read, reads = record.fetch, []

    def fetch(sql: str, params: Any) -> list[Any]:
        reads.append(sql)
        return read(sql, params)

    monkeypatch.setattr(record, "fetch", fetch)
    numbers: dict[str, list[int]] = {}
    for path in (PAGE, f"{PAGE}/collections"):
        for _ in range(2):
            reads.clear()
            with CaptureQueriesContext(connection) as made:
                page(reader, path)
            direct = len(reads) if connection.vendor == "sqlite" else 0  # past Django's cursor
            numbers.setdefault(path, []).append(len(made) + direct)
    assert numbers == {PAGE: [5, 3], f"{PAGE}/collections": [4, 3]}


def test_a_new_chunk_is_seen_at_once(reader: Client) -> None:
    path = f"{PAGE}?timeframe=1m"
    assert "70 % of 1,000 slots" in page(reader, path)
    request = CandleRequest("KRW-BTC", "1m", count=1_000, before=as_datetime(END))
    collect(source=ListSource(TRADED, now=NOW), request=request, as_of=as_datetime(NOW))
    assert "100 % of 1,000 slots" in page(reader, path)


def test_no_english_is_visible_in_korean(reader: Client) -> None:
    reader.cookies["django_language"] = "ko"
    names = {"KRW", "BTC", "1m", "1w"}
    for path in ("/upbit/candles", f"{PAGE}?timeframe=1m", f"{PAGE}/collections"):
        assert english_words(page(reader, path)) <= names, path


def test_a_strip_has_at_most_a_part_a_pixel() -> None:
    grid = Grid(get_timeframe("1m"))
    whole = Interval(END - 60 * 9_600, END)
    parts = [(Interval(at, at + 60), CANDLES) for at in range(*whole, 120)]
    segments = draw_strip(grid, whole, parts, GapReason.UNVERIFIED)
    assert segments[0] == Segment(0.0, 960.0, "unverified")
    assert len(segments) <= 962
    assert draw_strip(grid, whole, [(whole, CANDLES)], "x")[1] == Segment(0.0, 960.0, CANDLES)
