"""The rule behind a regime is beside it in every answer of the API, from an index of known answers."""

from __future__ import annotations

import csv
import io
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from marketdata.queries.records import get_lake
from scans.operations.scan.request import RunRequest
from scans.operations.scan.run import run_scan
from tests.api.conftest import Get, forget
from tests.scans.conftest import AS_OF
from tests.scans.index_series import DAILY, TREND, levels, record_index

RULES = {
    "v1": {"kind": "daily", "sentence": DAILY, "measures": {"move_pct": -2.9}},
    "v2": {
        "kind": "trend",
        "sentence": TREND,
        "measures": {
            "return_20_pct": pytest.approx(6.7516, abs=1e-3),
            "return_5_pct": pytest.approx(-0.9434, abs=1e-3),
            "mean_10_pct": pytest.approx(0.16),
        },
    },
}


def scan(sessions: list[date], first: int = -1) -> None:
    request = RunRequest(
        market="kr",
        as_of=AS_OF,
        versions=["v1", "v2"],
        first=sessions[first],
        last=sessions[-1],
    )
    assert not any(one.error for one in run_scan(request))


@pytest.fixture
def regimes(market: pd.DataFrame, sessions: list[date], tmp_path: Path) -> None:
    """v1 and v2 over the last three sessions, the last a crash by the day and bull by the trend."""
    record_index(levels(sessions), tmp_path)
    scan(sessions, -3)


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_scan_names_its_rule(regimes: None, sessions: list[date], get: Get, version: str) -> None:
    latest = get("kr/scans/latest", scanner_version=version)
    assert latest["regime"] == {"v1": "crash", "v2": "bull"}[version]
    assert latest["regime_rule"] == RULES[version]
    assert get(f"kr/scans/{sessions[-1]}", scanner_version=version)["regime_rule"] == latest["regime_rule"]


def test_versions_side_by_side_name_their_rules(regimes: None, get: Get) -> None:
    answers = get("kr/scans/compare", versions="v1,v2")["answers"]
    assert {one["scanner_version"]: one["regime_rule"] for one in answers} == RULES


def test_dates_name_their_rules(regimes: None, get: Get, client: Client) -> None:
    first, second, third = get("kr/scans/dates", scanner_version="v1")["results"]
    assert first["regime_rule"] == RULES["v1"]
    for one in (second, third):
        assert one["regime_rule"]["sentence"] == (
            "daily: neutral, the index moved +0.5 % on the day (between -1 % and 1 %)"
        )
    table = client.get("/api/kr/scans/dates?scanner_version=v1&format=csv").getvalue()
    rows = list(csv.DictReader(io.StringIO(table.decode("utf-8-sig"))))
    assert [row["sentence"] for row in rows] == [one["regime_rule"]["sentence"] for one in (first, second, third)]


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_readings_of_a_stock_name_the_rule(regimes: None, get: Get, version: str) -> None:
    explained = get("kr/stocks/005930/explain", scanner_version=version)
    assert explained["day"]["regime_rule"] == RULES[version]
    again = get("kr/stocks/005930/explain", scanner_version=version)  # from the cache
    assert again == explained
    analysis = get("kr/analysis/005930", scanner_version=version)
    assert analysis["day"]["regime_rule"] == RULES[version]
    assert analysis["base_rates"]["market_regime"] == "bull"
    assert analysis["base_rates"]["market_regime_rule"] == RULES["v2"]


def test_an_index_that_changed_since_leaves_the_numbers_out(
    regimes: None, sessions: list[date], tmp_path: Path, get: Get
) -> None:
    record_index(levels(sessions, last=0.005), tmp_path)
    forget()
    body = get("kr/scans/latest", scanner_version="v1")
    assert body["regime"] == "crash"
    assert body["regime_rule"] == {
        "kind": "daily",
        "sentence": "daily: crash, recorded data has changed since",
        "measures": {},
    }


def test_unreadable_index_is_named_in_the_rule(market: pd.DataFrame, sessions: list[date], get: Get) -> None:
    scan(sessions)
    assert get("kr/scans/latest", scanner_version="v1")["regime_rule"]["measures"]
    Path(get_lake().root, get_lake().index("kr")).write_bytes(b"damaged")
    forget()
    body = get("kr/scans/latest", scanner_version="v1")
    assert body["regime_rule"] == {
        "kind": "daily",
        "sentence": f"daily: {body['regime']}, its numbers are not known: the index cannot be read now",
        "measures": {},
    }


def test_an_engine_without_a_regime_has_no_rule(scanned: pd.DataFrame, get: Get) -> None:
    assert get("kr/scans/latest", scanner_version="rises")["regime_rule"] is None


def test_the_own_index_costs_no_query(market: pd.DataFrame, sessions: list[date], get: Get) -> None:
    """The number of queries of the list of dates is that without any rule."""
    from scans.models import ScanSession
    from scans.queries.regime_rules import regime_rules

    scan(sessions, -3)
    rows = list(ScanSession.objects.select_related("run"))
    with CaptureQueriesContext(connection) as made:
        rules: dict[int, Any] = regime_rules(rows)
    assert len(rules) == 6
    assert len(made) == 0


def test_an_external_index_is_read_once_for_all(regimes: None) -> None:
    from scans.models import ScanSession
    from scans.queries.regime_rules import regime_rules

    rows = list(ScanSession.objects.select_related("run"))
    with CaptureQueriesContext(connection) as made:
        regime_rules(rows[:1])
    one = len(made)
    with CaptureQueriesContext(connection) as made:
        assert len(regime_rules(rows)) == 6
    assert len(made) == one
