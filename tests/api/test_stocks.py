"""Instruments, their picks, signals and versions over the API."""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas as pd

from marketdata.models import Instrument
from scans.models import Signal
from scans.operations import signals
from tests.api.conftest import Get, risers
from tests.scans.conftest import AS_OF, CODES


def test_stocks_are_found(market: pd.DataFrame, get: Get) -> None:
    Instrument.objects.filter(code="005930").update(name="삼성전자")
    Instrument.objects.filter(code="035720").update(name="Kakao 50%_off")
    assert [row["code"] for row in get("kr/stocks")["results"]] == sorted(CODES)
    for text, found in (
        ("0059", ["005930"]),
        ("삼성", ["005930"]),
        ("kakao", ["035720"]),
        ("0001a", ["0001A0"]),
        ("50%_", ["035720"]),
        ("%", ["035720"]),
        ("' OR 1=1 --", []),
    ):
        assert [row["code"] for row in get("kr/stocks", search=text)["results"]] == found
    kospi = [row["code"] for row in get("kr/stocks", segment="KOSPI")["results"]]
    assert kospi == sorted(CODES[1::2])
    assert get("us/stocks")["results"] == []


def test_one_stock(market: pd.DataFrame, sessions: list[date], get: Get) -> None:
    found = get("kr/stocks/005930")
    last = market[(market.code == "005930") & (market.date == sessions[-1])].iloc[0]
    assert (found["currency"], found["last_bar"]) == ("KRW", str(sessions[-1]))
    bar = found["latest_bar"]
    assert (bar["close"], bar["volume"]) == (last.close, last.volume)
    assert found["statuses"][0]["valid_from"] == str(sessions[0])
    assert get("kr/stocks/999999", 404)["code"] == "unknown_stock"
    assert get("us/stocks/005930", 404)["code"] == "unknown_stock"
    assert get("kr/stocks/999999/scans", 404)["code"] == "unknown_stock"


def test_the_picks_of_a_stock(scanned: pd.DataFrame, sessions: list[date], get: Get) -> None:
    found = get("kr/stocks/005930/scans", scanner_version="rises")["results"]
    wanted = [day for day in reversed(sessions[10:31]) if "005930" in risers(scanned, day)]
    assert [row["date"] for row in found] == [str(day) for day in wanted]
    assert [row["rank"] for row in found] == [risers(scanned, day).index("005930") + 1 for day in wanted]
    some = get("kr/stocks/005930/scans", scanner_version="rises-10", **{"from": wanted[0]})
    assert [row["scanner_version"] for row in some["results"]] == ["rises-10"]


def test_signals(scanned: pd.DataFrame, get: Get) -> None:
    signals.update_signals(market="kr", versions=["rises"], as_of=AS_OF)
    rows: dict[Any, int] = {}
    for row in Signal.objects.all():
        rows[row.status] = rows.get(row.status, 0) + 1
    assert len(rows) > 1
    every = get("kr/signals", limit=500)["results"]
    assert len(every) == sum(rows.values())
    assert [row["picked_on"] for row in every] == sorted((row["picked_on"] for row in every), reverse=True)
    going = sum(rows.get(status, 0) for status in ("open", "waiting"))
    assert len(get("kr/signals", status="open", limit=500)["results"]) == going
    assert len(get("kr/signals", status="closed", limit=500)["results"]) == len(every) - going
    assert len(get("kr/signals", status="target", limit=500)["results"]) == rows.get("target", 0)
    one = every[-1]
    mine = get("kr/signals", code=one["code"], to=one["picked_on"])["results"]
    assert mine[0]["code"] == one["code"]
    assert mine[0]["plan"]["target"] > mine[0]["plan"]["stop"]
    get("kr/signals", 400, status="won")


def test_versions(probe: Any, get: Get) -> None:
    rows = {row["slug"]: row for row in get("versions")}
    assert {"v1", "v2", "rises", "rises-10"} <= rows.keys()
    assert rows["rises"]["active_on"] == ["kr"]
    found = get("versions/rises-10")
    assert found["engine"] == "probe"
    assert found["parameters"] == [
        {
            "name": "scale",
            "type": "float",
            "value": 10.0,
            "default": 1.0,
            "least": 0,
            "most": 1000,
            "unit": "",
            "choices": None,
            "help": "Times the score",
        }
    ]
    assert get("versions/none", 404)["code"] == "unknown_version"


def test_every_shipped_version_has_its_schema(db: None, get: Get) -> None:
    for version in get("versions"):
        for one in get(f"versions/{version['slug']}")["parameters"]:
            assert one["help"]
            assert version["slug"].endswith("-crypto") or one["value"] == one["default"]
