"""v1 written as a formula picks what the engine v1 picks, on random markets and on real KRX sessions.

v1's fallback steps depend on how many matched; with `target_min` 0 it takes none, and everything else is compared.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest

from marketdata.panel import Panel
from scans.engines.base import MarketIndex, Universe, get_requirements
from scans.engines.engine_params import read
from scans.engines.formula.examples import V1
from scans.engines.indicators import Measures
from scans.engines.registry import ENGINES
from tests import realdata
from tests.scans.engines import panels

pytestmark = pytest.mark.slow

STRICT = {"target_min": 0, "target_min_bear": 0, "top_n": 10_000}

# The same limits widened in both, so that small random markets have matches.
LOOSE_V1 = {
    **STRICT, "turnover_min": 1e6, "price_min": 1_000, "rsi_headroom": 60, "gap_min": -0.05,
    "gap_max": 0.1, "ext_max": 0.2, "atr_min": 0.0, "atr_max": 0.2, "risk_max": 4,
}  # fmt: skip
LOOSE = (
    ("turnover(20) >= 1e9", "turnover(20) >= 1e6"),
    ("raw_close >= 2000", "raw_close >= 1000"),
    ("rsi_level + 25", "rsi_level + 60"),
    ("0.002 <= gap <= 0.015", "-0.05 <= gap <= 0.1"),
    ("ext <= 0.015", "ext <= 0.2"),
    ("0.01 <= atr(14) / close <= 0.04", "0 <= atr(14) / close <= 0.2"),
    ("risk < 3", "risk < 4"),
)


def written(replaced: tuple[tuple[str, str], ...] = ()) -> Any:
    match = V1["match"]
    for before, after in replaced:
        assert before in match
        match = match.replace(before, after)
    return read(ENGINES["formula"].Params, {**V1, "match": match, "top_n": 10_000})


def picks(
    name: str, made: Panel, universe: Universe, index: MarketIndex, params: Any
) -> list[tuple[int, str, int, float, tuple[bool, ...]]]:
    """(day, code, rank, score, signals) of every pick."""
    engine = ENGINES[name]
    outcome = engine.score(universe, engine.features(Measures(made), params), index, params)
    names = {
        "v1": ("cross", "volume", "macd", "rsi", "tema", "obv", "above5"),
        "formula": ("cross", "surge", "macd_up", "rsi_up", "tema_up", "obv_up", "above5"),
    }[name]
    ranks = outcome.ranks
    signals = np.array([ranks.signals[one] for one in names]).T.tolist()
    return [
        (day, str(universe.codes[column]), rank, score, tuple(holds))
        for day, column, rank, score, holds in zip(
            ranks.day.tolist(), ranks.column.tolist(), ranks.rank.tolist(), ranks.score.tolist(), signals, strict=True,
        )
    ]  # fmt: skip


def both(made: Panel, index: MarketIndex, v1: Any, formula: Any) -> int:
    universe = panels.universe(made, ENGINES["v1"].min_bars)
    expected = picks("v1", made, universe, index, v1)
    assert picks("formula", made, universe, index, formula) == expected
    return len(expected)


def test_on_random_markets() -> None:
    v1, formula = read(ENGINES["v1"].Params, LOOSE_V1), written(LOOSE)
    result = [
        both(
            panels.panel(seed, sessions=170, instruments=60, span=90),
            panels.index(panels.panel(seed, sessions=170, instruments=60, span=90), seed),
            v1,
            formula,
        )
        for seed in range(8)
    ]
    assert min(result) > 5
    assert sum(result) > 300


def test_it_reads_no_deeper_than_v1() -> None:
    engine = ENGINES["v1"]
    requirements = get_requirements(ENGINES["formula"], written())
    assert requirements.warm_up <= engine.warm_up
    assert set(requirements.inputs) == {*engine.inputs, "raw_close"}
    assert all(requirements.inputs[name] <= engine.inputs[name] + 1 for name in engine.inputs)
    assert requirements.inputs["raw_close"] == 0


def krx() -> Panel:
    """Real bars without adjustment: 300 sessions of the KRX file, who has a bar on each of them."""
    bars = pd.read_parquet(realdata.path("krx_adj_2019_2025.parquet"), filters=[("date", ">=", date(2024, 9, 1))])
    bars = bars[bars["date"] >= sorted(bars["date"].unique())[-300]]
    days = np.sort(bars["date"].unique())
    whole = bars.groupby("code", observed=True)["date"].transform("count") == len(days)
    bars = bars[whole & (bars["close"] > 0)]
    fields = {}
    for name in ("open", "high", "low", "close", "volume"):
        table = bars.pivot_table(index="date", columns="code", values=name, observed=True)
        fields[name] = table.to_numpy(dtype=np.float64)
    stopped = fields["volume"] == 0
    for name in ("open", "high", "low"):
        fields[name] = np.where(stopped, fields["close"], fields[name])
    fields["raw_close"] = fields["close"].copy()
    fields["amount"] = fields["close"] * fields["volume"]
    codes = table.columns.astype(str).to_numpy()
    span = 60
    shape = (span, len(codes))
    return Panel(
        market="kr",
        sessions=days.astype("datetime64[D]"),
        start=len(days) - span,
        codes=codes.astype("U6"),
        first=np.zeros(len(codes), dtype=np.int32),
        fields=fields,
        segments=("KOSPI",),
        segment=np.zeros(shape, dtype=np.int8),
        flags=np.zeros(shape, dtype=np.uint8),
        suspect=np.zeros(shape, dtype=bool),
    )


def equal_weighted(made: Panel) -> MarketIndex:
    close = made["close"]
    m = np.full(len(close), np.nan)
    m[1:] = np.nanmean(close[1:] / close[:-1] - 1, axis=1)
    spread = np.nanmean((made["high"] - made["low"]) / close, axis=1)
    return MarketIndex(made.sessions, m, spread)


def test_on_real_krx_sessions() -> None:
    made = krx()
    index = equal_weighted(made)
    v1 = read(ENGINES["v1"].Params, STRICT)
    result = both(made, index, v1, written())
    assert result > 50
