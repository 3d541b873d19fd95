"""An instrument's overview: the same as the answers it sums up, figures by hand."""

from __future__ import annotations

from datetime import date, timedelta

import pandas as pd
import pytest

from marketdata.models import FactorEvent
from marketdata.operations import generations
from marketdata.operations.record.valuations import record_valuations
from marketdata.sources.daily import Valuation
from scans.models import ScanRank
from scans.operations import signals
from tests.api.conftest import Get
from tests.scans.conftest import AS_OF

CODE = "005930"


def test_an_overview_sums_up_the_other_answers(scanned: pd.DataFrame, get: Get) -> None:
    signals.update_signals(market="kr", versions=["rises"], as_of=AS_OF)
    body = get(f"kr/stocks/{CODE}/overview")
    stock = get(f"kr/stocks/{CODE}")
    assert {name: body[name] for name in stock} == stock
    picks = get(f"kr/stocks/{CODE}/scans", limit=500)["results"]
    listed = {(row["date"], row["scanner_version"]): row for row in picks}
    assert len(body["picks"]) == min(len(picks), 20)
    assert all(row == listed[row["date"], row["scanner_version"]] for row in body["picks"])
    assert body["signals"] == get("kr/signals", code=CODE, limit=20)["results"]
    assert body["flow"] is None


def test_the_bars_in_short(market: pd.DataFrame, sessions: list[date], get: Get) -> None:
    rows = market[market["code"] == CODE].sort_values("date")
    close = rows["close"].tolist()
    bars = get(f"kr/stocks/{CODE}/overview")["bars"]
    assert (bars["first"], bars["last"], bars["bars"]) == (str(sessions[0]), str(sessions[-1]), len(rows))
    assert (bars["high"], bars["low"]) == (rows["high"].max(), rows["low"].min())
    for span in (1, 5, 20):
        assert bars[f"return_{span}_pct"] == pytest.approx(100 * (close[-1] / close[-1 - span] - 1), abs=1e-6)
    assert bars["return_60_pct"] is bars["return_250_pct"] is None
    paid = (rows["close"] * rows["volume"]).tolist()[-20:]
    assert bars["amount"] == pytest.approx(sum(paid) / 20)


def test_returns_are_adjusted_for_a_split(market: pd.DataFrame, sessions: list[date], get: Get) -> None:
    close = market[market["code"] == CODE].sort_values("date")["close"].tolist()
    split = {"date": sessions[-1], "ratio": 0.5, "source": "test", "created_at": AS_OF}
    FactorEvent.objects.create(market="kr", stock_code=CODE, **split)
    generations.advance("kr")
    bars = get(f"kr/stocks/{CODE}/overview")["bars"]
    assert bars["return_1_pct"] == pytest.approx(100 * (close[-1] / (close[-2] / 2) - 1), abs=1e-6)


def test_the_tick_is_that_of_the_last_close(scanned: pd.DataFrame, get: Get) -> None:
    """7,000 won lie in the band from 5,000, whose tick is 10; a pick's tick is that at its own close."""
    body = get(f"kr/stocks/{CODE}/overview")
    close = body["latest_bar"]["close"]
    assert body["tick"] == next(tick for low, tick in ((20_000, 50), (5_000, 10), (2_000, 5)) if close >= low)
    for row in body["picks"]:
        rank = ScanRank.objects.get(
            market="kr", date=row["date"], scanner_version__slug=row["scanner_version"], code=CODE
        )
        assert row["plan"]["tick"] == next(
            tick for low, tick in ((20_000, 50), (5_000, 10), (2_000, 5)) if rank.close >= low
        )


def test_an_instrument_without_bars_and_one_that_is_unknown(db: None, get: Get) -> None:
    from marketdata.models import Instrument

    Instrument.objects.create(market="kr", code="000001", name="New")
    body = get("kr/stocks/000001/overview")
    assert [body[name] for name in ("bars", "tick", "flow", "latest_bar")] == [None] * 4
    assert body["picks"] == body["signals"] == []
    assert get("kr/stocks/999999/overview", 404)["code"] == "unknown_stock"


def test_a_valuation_is_the_latest_of_any_source_and_a_blank_is_null(market: pd.DataFrame, get: Get) -> None:
    assert get(f"kr/stocks/{CODE}/overview")["valuation"] is None
    for source, day, per in (("kis", AS_OF, 12.34), ("older", AS_OF - timedelta(days=1), 99.0)):
        record_valuations({CODE: Valuation(per, -1234.0, None)}, market="kr", source=source, at=day)
    generations.advance("kr")
    expected = {"source": "kis", "read_at": "2024-06-01T09:00:00Z", "per": 12.34, "eps": -1234.0, "pbr": None}
    assert get(f"kr/stocks/{CODE}/overview")["valuation"] == expected
    record_valuations({CODE: Valuation(None, 10.0, 1.5)}, market="kr", source="kis", at=AS_OF + timedelta(days=1))
    generations.advance("kr")
    again = get(f"kr/stocks/{CODE}/overview")["valuation"]
    assert (again["per"], again["eps"], again["pbr"]) == (None, 10.0, 1.5)
