"""Instruments, their picks, signals and versions over the API."""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas as pd
import pytest

from marketdata.models import FactorEvent, Instrument
from marketdata.operations import generations
from scans.models import Signal
from scans.operations import signals
from tests.api.conftest import Get, risers
from tests.scans.conftest import AS_OF, CODES


def test_stocks_are_searched(market: pd.DataFrame, get: Get) -> None:
    Instrument.objects.filter(code="005930").update(name="삼성전자")
    Instrument.objects.filter(code="035720").update(name="Kakao 50%_off")
    assert [row["code"] for row in get("kr/stocks")["results"]] == sorted(CODES)
    for text, expected in (
        ("0059", ["005930"]),
        ("삼성", ["005930"]),
        ("kakao", ["035720"]),
        ("0001a", ["0001A0"]),
        ("50%_", ["035720"]),
        ("%", ["035720"]),
        ("' OR 1=1 --", []),
    ):
        assert [row["code"] for row in get("kr/stocks", search=text)["results"]] == expected
    kospi = [row["code"] for row in get("kr/stocks", segment="KOSPI")["results"]]
    assert kospi == sorted(CODES[1::2])
    assert get("us/stocks")["results"] == []
    mistyped = get("kr/stocks/삼성전", 404)
    assert mistyped["similar"] == ["005930"]
    assert mistyped["detail"].endswith("Did you mean 005930?")
    assert get("kr/stocks/00593", 404)["similar"] == ["005930"]
    assert get("kr/stocks/qqqqqqqq", 404)["similar"] == []


def test_one_stock(market: pd.DataFrame, sessions: list[date], get: Get) -> None:
    body = get("kr/stocks/005930")
    last = market[(market.code == "005930") & (market.date == sessions[-1])].iloc[0]
    assert (body["currency"], body["last_bar"]) == ("KRW", str(sessions[-1]))
    bar = body["latest_bar"]
    assert (bar["close"], bar["volume"]) == (last.close, last.volume)
    assert body["statuses"][0]["valid_from"] == str(sessions[0])
    assert get("kr/stocks/999999", 404)["code"] == "unknown_stock"
    assert get("us/stocks/005930", 404)["code"] == "unknown_stock"
    assert get("kr/stocks/999999/scans", 404)["code"] == "unknown_stock"


def test_the_picks_of_a_stock(scanned: pd.DataFrame, sessions: list[date], get: Get) -> None:
    expected = get("kr/stocks/005930/scans", scanner_version="rises")["results"]
    wanted = [day for day in reversed(sessions[10:31]) if "005930" in risers(scanned, day)]
    assert [row["date"] for row in expected] == [str(day) for day in wanted]
    assert [row["rank"] for row in expected] == [risers(scanned, day).index("005930") + 1 for day in wanted]
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
    assert len(get("kr/signals", status="open", limit=500)["results"]) == rows.get("open", 0)
    assert len(get("kr/signals", status="waiting,open", limit=500)["results"]) == going
    assert len(get("kr/signals", status="closed", limit=500)["results"]) == len(every) - going
    assert len(get("kr/signals", status="closed,open", limit=500)["results"]) == len(every) - rows.get("waiting", 0)
    assert len(get("kr/signals", status="target", limit=500)["results"]) == rows.get("target", 0)
    one = every[-1]
    of_code = get("kr/signals", code=one["code"], to=one["picked_on"])["results"]
    assert of_code[0]["code"] == one["code"]
    assert of_code[0]["plan"]["target"] > of_code[0]["plan"]["stop"]
    get("kr/signals", 400, status="won")
    assert get("kr/signals", 400, status="lapse")["errors"]["status"][0].endswith("Did you mean lapsed?")
    get("kr/signals", 400, status="open,won")


def test_waiting_signals_are_not_open(scanned: pd.DataFrame, get: Get) -> None:
    signals.update_signals(market="kr", versions=["rises"], as_of=AS_OF)
    keys = list(Signal.objects.values_list("pk", flat=True))
    Signal.objects.filter(pk__in=keys[:2]).update(status="waiting")
    Signal.objects.filter(pk__in=keys[2:5]).update(status="open")
    for status, expected in (("open", ["open"] * 3), ("waiting", ["waiting"] * 2)):
        assert [row["status"] for row in get("kr/signals", status=status, limit=500)["results"]] == expected
    assert len(get("kr/signals", status="waiting,open", limit=500)["results"]) == 5
    assert len(get("kr/signals", status="closed", limit=500)["results"]) == len(keys) - 5


def test_signals_are_searched_by_name(scanned: pd.DataFrame, get: Get) -> None:
    signals.update_signals(market="kr", versions=["rises"], as_of=AS_OF)
    Instrument.objects.filter(market="kr", code="005930").update(name="삼성전자")
    Instrument.objects.create(market="us", code="000020", name="삼성전자")
    count = Signal.objects.filter(code="005930").count()
    for text in ("삼성", "전자", "0059"):
        rows = get("kr/signals", search=text, limit=500)["results"]
        assert [row["code"] for row in rows] == ["005930"] * count
    assert get("kr/signals", search="nothing of the kind")["results"] == []


def test_signals_have_the_last_close_and_its_distance(scanned: pd.DataFrame, get: Get) -> None:
    """The distance in percent of the last close; a split after the pick moves the plan, not the distance."""
    signals.update_signals(market="kr", versions=["rises"], as_of=AS_OF)
    last_day = max(scanned["date"])
    closes = scanned[scanned["date"] == last_day].set_index("code")["close"]
    keys = list(Signal.objects.order_by("-picked_on").values_list("pk", flat=True))
    Signal.objects.filter(pk__in=keys[::3]).update(status="open")
    every = get("kr/signals", limit=500)["results"]
    for row in every:
        close = closes[row["code"]]
        assert (row["last_close"], row["last_close_on"]) == (close, str(last_day))
        if row["status"] not in ("open", "waiting"):
            assert row["to_target_pct"] is row["to_stop_pct"] is None
            continue
        order = row["plan"]["order"]
        assert row["to_target_pct"] == pytest.approx(100 * (order["target"] - close) / close, abs=1e-6)
        assert row["to_stop_pct"] == pytest.approx(100 * (order["stop"] - close) / close, abs=1e-6)
    before = next(row for row in every if row["status"] == "open" and row["picked_on"] < str(last_day))
    FactorEvent.objects.create(
        market="kr", stock_code=before["code"], date=last_day, ratio=0.5, source="test", created_at=AS_OF
    )
    generations.advance("kr")
    rows = get("kr/signals", code=before["code"], status="open", limit=500)["results"]
    after = next(row for row in rows if row["picked_on"] == before["picked_on"])
    target, close = before["plan"]["order"]["target"] / 2, closes[before["code"]]
    assert after["to_target_pct"] == pytest.approx(100 * (target - close) / close, abs=1e-6)


def test_versions(probe: Any, get: Get) -> None:
    rows = {row["slug"]: row for row in get("versions")["results"]}
    assert {"v1", "v2", "rises", "rises-10"} <= rows.keys()
    assert rows["rises"]["active_on"] == ["kr"]
    body = get("versions/rises-10")
    assert body["engine"] == "probe"
    assert body["parameters"] == [
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
    for version in get("versions")["results"]:
        for one in get(f"versions/{version['slug']}")["parameters"]:
            assert one["help"]
            assert version["slug"].endswith("-crypto") or one["value"] == one["default"]
