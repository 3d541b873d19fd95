"""Daily bars of KRX from the recorded files as arrays: 2,537 common shares over 760 sessions, adjusted by the recorded
factors. Survivors alone, and without base prices: consolidations of 2026 are suspected actions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from scans.evaluation.prices import Prices
from scans.evaluation.tradability import DailyBars, Tradability, tradability
from tests import realdata


def daily_bars() -> tuple[DailyBars, Prices]:
    """The bars and the prices, suspected actions counted; skips where the files are missing."""
    raw = pd.read_parquet(realdata.path("krx_raw_2023_2026.parquet"))
    events = pd.read_parquet(realdata.path("krx_events_2023_2025.parquet"))
    wide = {
        name: raw.pivot(index="date", columns="code", values=name)
        for name in ("open", "high", "low", "close", "volume")
    }
    raw_close = wide["close"].ffill()
    days, codes = raw_close.index.to_numpy("datetime64[D]"), raw_close.columns.to_numpy(str)
    traded = (wide["volume"].fillna(0) > 0).to_numpy()
    factor = np.ones(traded.shape)
    at = (
        np.searchsorted(days, events["date"].to_numpy("datetime64[D]")),
        raw_close.columns.get_indexer(pd.Index(events["code"])),
    )
    factor[at] = events["ratio"]
    later = np.ones(factor.shape)
    later[:-1] = np.cumprod(factor[:0:-1], axis=0)[::-1]

    def adjusted(name: str) -> Any:
        side = wide[name].to_numpy()
        return np.where(traded & (side > 0), side, raw_close.to_numpy()) * later

    segments = ("KOSPI", "KOSDAQ")
    of_code = raw.groupby("code")["market"].last().map(segments.index).to_numpy(np.int8)
    bars = DailyBars(
        sessions=days,
        low=adjusted("low"),
        high=adjusted("high"),
        close=raw_close.to_numpy() * later,
        raw_close=raw_close.to_numpy(),
        traded=traded,
        segment=np.where(wide["close"].notna(), of_code, -1).astype(np.int8),
        segments=segments,
    )
    return bars, _prices(bars, codes, adjusted("open"), tradability(bars, limited=True))


def _prices(bars: DailyBars, codes: Any, opened: Any, fills: Tradability) -> Prices:
    suspected = np.zeros(bars.traded.shape, dtype=bool)
    with np.errstate(invalid="ignore"):
        suspected[1:] = np.abs(bars.close[1:] / bars.close[:-1] - 1) > 0.31
    suspected &= bars.traded & ~fills.liquidation
    return Prices(
        sessions=bars.sessions,
        codes=codes,
        open=opened,
        high=bars.high,
        low=bars.low,
        close=bars.close,
        traded=bars.traded,
        actions=np.cumsum(suspected, axis=0).astype(np.int16),
        market_cap=np.full(bars.close.shape, np.nan),
    )
