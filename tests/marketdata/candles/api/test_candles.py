"""Candles over the API: values, fills, coverage, collections, refusals, and one cache for all readers."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from marketdata.candles import queries
from marketdata.candles.collector.planner import CandleRequest
from marketdata.candles.collector.timeframes import as_datetime
from marketdata.candles.operations.collect import collect
from tests.marketdata.candles.collector.minute_market import END, NOW, minutes
from tests.marketdata.candles.collector.stores import ListSource

pytestmark = pytest.mark.django_db

TRADED = [opened for opened in minutes(3_000) if opened // 60 % 5]  # every fifth minute is empty
FROM, TO = as_datetime(END - 100 * 60), as_datetime(END)


@pytest.fixture
def reader(client: Client) -> Client:
    """A reader of 2,500 recorded minutes before END; nothing is cached."""
    source = ListSource(TRADED, now=NOW)
    request = CandleRequest("KRW-BTC", "1m", count=2_500, before=as_datetime(END))
    collect(source=source, request=request, as_of=as_datetime(NOW))
    queries.shared_cache.cache_clear()
    client.force_login(User.objects.create_user("reader"))
    return client


def get(reader: Client, path: str = "", status: int = 200, /, **query: str) -> Any:
    response = reader.get(f"/api/upbit/candles/KRW-BTC{path}", query)
    assert response.status_code == status, response.content
    return response.json()


def iso(when: datetime) -> str:
    return when.isoformat()


def test_slots_without_trades_are_filled_null_or_dropped(reader: Client) -> None:
    asked = {"timeframe": "1m", "from": iso(FROM), "to": iso(TO)}
    filled = get(reader, **asked)["candles"]
    assert [row["opened"] for row in filled] == [
        f"{FROM + timedelta(minutes=n):%Y-%m-%dT%H:%M:%SZ}" for n in range(100)
    ]
    assert sum(row["empty"] for row in filled) == 20
    for before, row in pairwise(filled):
        if row["empty"]:
            assert (row["close"], row["volume"]) == (before["close"], 0.0)
    null = get(reader, **asked, empty="null")["candles"]
    assert [row["close"] is None for row in null] == [row["empty"] for row in filled]
    dropped = get(reader, **asked, empty="drop")["candles"]
    assert dropped == [row for row in filled if not row["empty"]]


def test_without_a_range_it_is_the_end_of_the_record(reader: Client) -> None:
    body = get(reader)
    assert (body["source"], body["code"], body["timeframe"], body["verified"]) == ("upbit", "KRW-BTC", "1m", 1.0)
    assert len(body["candles"]) == 200
    assert body["to"] == "2025-09-10T00:00:00Z"


def test_the_coverage_names_verified_intervals_and_gaps(reader: Client) -> None:
    start = as_datetime(END - 2_600 * 60)
    body = get(reader, "/coverage", **{"from": iso(start), "to": iso(TO)})
    assert (body["slots"], body["verified"]) == (2_600, pytest.approx(2_500 / 2_600))
    assert body["intervals"] == [{"from": "2025-09-08T06:20:00Z", "to": "2025-09-10T00:00:00Z"}]
    reasons: dict[str, int] = {}
    for gap in body["gaps"]:
        reasons[gap["reason"]] = reasons.get(gap["reason"], 0) + gap["slots"]
    assert reasons == {"unverified": 100, "no_trades": 500}
    assert body["cached"] == 0.0


def test_collections_have_their_progress_and_cost(reader: Client) -> None:
    (row,) = get(reader, "/collections")["collections"]
    assert (row["status"], row["done"], row["rows"], row["retries"]) == ("done", 1.0, 2_000, 0)
    assert row["memory_peak"] > 2**20
    assert get(reader, "/collections", timeframe="1d")["collections"] == []
    assert reader.get("/api/upbit/candles/KRW-NIL/collections").json()["code"] == "unknown_series"


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({"timeframe": "1d"}, 404, "unknown_series"),
        ({"timeframe": "2m"}, 400, "invalid"),
        ({"from": "2025-09-10", "to": "2025-09-09"}, 400, "invalid_range"),
        ({"from": "2025-08-01"}, 400, "too_many_slots"),
        ({"from": "yesterday"}, 400, "invalid"),
        ({"since": "2025-09-01"}, 400, "unknown_parameter"),
    ],
)
def test_a_refusal_says_why(reader: Client, query: dict[str, str], status: int, code: str) -> None:
    assert get(reader, "", status, **query)["code"] == code


def test_a_second_reader_is_served_from_the_cache(reader: Client) -> None:
    first = get(reader)
    before = queries.shared_cache().stats()
    assert get(reader) == first
    after = queries.shared_cache().stats()
    assert (after.hits, after.misses) == (before.hits + 1, before.misses)
    assert get(reader, "/coverage", **{"from": iso(FROM), "to": iso(TO)})["cached"] == 1.0


def test_a_neighbour_of_a_range_is_combined_from_the_cache(reader: Client) -> None:
    """The block of 1,024 slots that the first answer read serves the ranges beside it."""
    get(reader)
    before = queries.shared_cache().stats()
    start = datetime(2025, 9, 9, 18, tzinfo=UTC)
    rows = get(reader, **{"from": iso(start), "to": iso(start + timedelta(hours=4))})["candles"]
    assert len(rows) == 240
    assert queries.shared_cache().stats().hits == before.hits + 1
    assert not any(math.isnan(row["close"]) for row in rows)
