"""Whole scans of the reference on a made market: what they answer depends on nothing after the session."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.reference import bars, index, seismograph, v1, v2, v3, vcp
from tests.reference.bars import Frames
from tests.reference.made_markets import DAYS
from tests.reference.outcome import Outcome

pytestmark = pytest.mark.slow

SESSIONS = 330
LOOSE = {"turnover_min": 0.0, "price_min": 0.0}
SCANS = {
    "v1": (v1.scan, LOOSE),
    "v2": (v2.scan, LOOSE),
    "v3": (v3.scan, LOOSE),
    "seismograph": (seismograph.scan, {**LOOSE, "threshold": 5}),
    "vcp": (vcp.scan, {**LOOSE, "template_min": 3, "score_min": 0}),
}


def made_market() -> pd.DataFrame:
    """40 stocks that walk, some of them split, halted or listed late."""
    chance = np.random.default_rng(11)
    tables = []
    for number in range(40):
        n = SESSIONS if number % 7 else SESSIONS - 60
        close = 5000 * np.exp(np.cumsum(chance.normal(0.001, 0.012, n)))
        opened = close * np.exp(chance.normal(0, 0.004, n))
        table = pd.DataFrame(
            {
                "date": DAYS[SESSIONS - n : SESSIONS],
                "code": f"{number:06d}",
                "open": opened,
                "high": np.maximum(opened, close) * 1.004,
                "low": np.minimum(opened, close) * 0.996,
                "close": close,
                "volume": np.exp(chance.normal(11, 0.5, n)),
            }
        )
        if number % 5 == 0:
            table.loc[n - 30 :, ["open", "high", "low", "close"]] *= 0.5
            table.loc[n - 30, "ratio"] = 0.5
        if number % 6 == 0:
            table.loc[n - 50 : n - 45, ["open", "high", "low", "volume"]] = 0.0
        tables.append(table)
    market = pd.concat(tables, ignore_index=True).round({"open": 0, "high": 0, "low": 0, "close": 0})
    market[["amount", "base_price", "market_cap"]] = math.nan
    return market.assign(segment="KOSPI", eligible_kind=True)


def run(name: str, result: Frames, sessions: Any, day: pd.Timestamp) -> Outcome:
    scan, params = SCANS[name]
    return scan(result, index.regimes(index.market_index(result, sessions)), day, params)


@pytest.fixture(scope="module")
def market() -> pd.DataFrame:
    return made_market()


@pytest.fixture(scope="module")
def whole(market: pd.DataFrame) -> dict[str, pd.DataFrame]:
    return bars.build(market, DAYS[:SESSIONS])


@pytest.mark.parametrize("name", SCANS)
def test_nothing_after_the_session_counts(name: str, market: pd.DataFrame, whole: dict[str, pd.DataFrame]) -> None:
    compared = 0
    for t in (SESSIONS - 35, SESSIONS - 12):
        day = DAYS[t]
        frames = bars.build(market[market["date"] <= day], DAYS[: t + 1])
        late, early = (
            run(name, result, sessions, day) for result, sessions in ((whole, DAYS[:SESSIONS]), (frames, DAYS[: t + 1]))
        )
        assert (late.status, late.reason, late.regime) == (early.status, early.reason, early.regime)
        assert [r["code"] for r in late.rows] == [r["code"] for r in early.rows]
        scores = [[r["score"] for r in one.rows] for one in (late, early)]
        assert scores[0] == pytest.approx(scores[1], rel=1e-9)
        compared += len(late.rows)
    assert compared > 0


def test_a_crash_closes_v1_and_v2(whole: dict[str, pd.DataFrame]) -> None:
    frame = pd.DataFrame({"m": 0.0, "range": 0.03, "missing": False}, index=DAYS[:SESSIONS])
    frame.loc[DAYS[SESSIONS - 1], "m"] = -0.06
    for scan in (v1.scan, v2.scan):
        result = scan(whole, index.regimes(frame), DAYS[SESSIONS - 1], LOOSE)
        assert (result.status, result.reason, result.regime) == ("no_match", "regime", "crash")
        assert result.eligible == len(whole)
