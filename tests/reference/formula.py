"""A formula on one session, read aloud in plain Python: what gives way a little above its average.

match = close > ema(close, 60) and rsi(14) < 50 and turnover(20) > 1e9
score = 100 - rsi(14)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from tests.reference import indicators as ta
from tests.reference.bars import SEGMENTS, Frames, universe
from tests.reference.indicators import above
from tests.reference.outcome import Outcome, Row, answer

PARAMS: dict[str, Any] = {"min_bars": 60, "segments": SEGMENTS, "limit": None, "top_n": 50}


def judged(bars: pd.DataFrame) -> float | None:
    """The score, None where the formula does not hold."""
    close = bars["C"]
    rsi = float(ta.rsi(close, 14).iloc[-1])
    holds = (
        above(float(close.iloc[-1]), float(ta.ema(close, 60).iloc[-1]))
        and above(50.0, rsi)
        and above(ta.mean_last(bars["A"], 20), 1e9)
    )
    return 100 - rsi if holds else None


def scan(
    instruments: Frames,
    index: pd.DataFrame,
    date: Any,
    params: Mapping[str, Any] | None = None,
) -> Outcome:
    """The formula on `date`; no regime closes it."""
    chosen = {**PARAMS, **(params or {})}
    today: Any = index.loc[pd.Timestamp(date)]
    members = universe(
        instruments,
        date,
        min_bars=chosen["min_bars"],
        segments=chosen["segments"],
        limit=chosen["limit"],
    )
    rows: list[Row] = []
    for code, bars in members.items():
        score = judged(bars)
        if score is not None:
            rows.append({"code": code, "score": score, "A": float(bars["A"].iloc[-1])})
    return answer(str(today["trend"]), len(members), rows, chosen["top_n"])
