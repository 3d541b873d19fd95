"""The list of markets: ranges, hours, ticks and versions of each."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import pandas as pd
import pytest
from django.test import Client

from scans.models import ScanSession
from tests.api.conftest import Get


def by_name(body: dict[str, Any]) -> dict[str, dict[str, Any]]:
    assert (body["next"], body["previous"]) == (None, None)
    return {row["market"]: row for row in body["results"]}


def test_a_market_has_its_range_and_versions(scanned: pd.DataFrame, sessions: list[date], get: Get) -> None:
    rows = by_name(get("markets"))
    assert list(rows) == ["kr", "us", "upbit", "bithumb"]
    korea = rows["kr"]
    assert (korea["first"], korea["last"]) == (str(sessions[0]), str(sessions[-1]))
    assert (korea["currency"], korea["timezone"], korea["calendar"]) == ("KRW", "Asia/Seoul", "XKRX")
    assert (korea["scanner_version"], korea["engine"]) == ("rises", "probe")
    versions = {row["scanner_version"]: row for row in korea["versions"]}
    assert versions["rises-10"] == {
        "scanner_version": "rises-10", "title": "", "engine": "probe", "enabled": True, "first": str(sessions[10]),
        "last": str(sessions[30]), "sessions": ScanSession.objects.filter(scanner_version__slug="rises-10").count(),
    }  # fmt: skip
    assert (versions["v2"]["first"], versions["v2"]["sessions"]) == (None, 0)
    assert (rows["us"]["first"], rows["us"]["currency"]) == (None, "USD")


def test_ticks_and_hours_of_a_market(db: None, get: Get) -> None:
    """The tables of KRX since 2023-01-25 and of Upbit since 2025-07-31, by hand; Bithumb publishes none."""
    rows = by_name(get("markets"))
    bands = [(row["price_from"], row["tick"]) for row in rows["kr"]["ticks"]]
    assert bands == [(0, 1), (2000, 5), (5000, 10), (20000, 50), (50000, 100), (200000, 500), (500000, 1000)]
    assert [row["tick"] for row in rows["us"]["ticks"]] == [0.0001, 0.01]
    assert rows["bithumb"]["ticks"] == []
    assert "tick table" in rows["bithumb"]["no_ticks"]
    hours = rows["kr"]["hours"]
    for moment in (hours["opens_at"], hours["closes_at"]):
        assert re.fullmatch(rf"{hours['session']}T\d\d:\d\d:00\+09:00", moment)
    assert hours["opens_at"] < hours["closes_at"]


def test_a_new_version_shows_at_once(scanned: pd.DataFrame, get: Get, client: Client) -> None:
    from marketdata.operations import generations
    from scans.models import ScannerVersion
    from scans.queries.versions import GENERATION

    assert "rises" in {row["scanner_version"] for row in by_name(get("markets"))["us"]["versions"]}
    ScannerVersion.objects.filter(slug="rises").update(enabled=False)
    generations.advance(GENERATION)
    rows = by_name(get("markets"))
    assert "rises" not in {row["scanner_version"] for row in rows["us"]["versions"]}
    assert "rises" in {row["scanner_version"] for row in rows["kr"]["versions"]}  # it has published sessions there


@pytest.mark.parametrize("query", ["limit=1", "fields=market", "colour=red"])
def test_it_has_no_parameters(db: None, client: Client, user: Any, query: str) -> None:
    client.force_login(user)
    assert client.get(f"/api/markets?{query}").json()["code"] == "unknown_parameter"


def test_an_unknown_caller_may_not_read_it(client: Client, db: None) -> None:
    assert client.get("/api/markets").status_code == 401
