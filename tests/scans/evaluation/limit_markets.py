"""Random markets with daily limits: sessions locked at either limit, halts, consolidations after a halt, liquidation,
delistings, splits, jumps that nothing explains, and market caps on some sessions alone."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from scans.evaluation.benchmark_paths import Universe
from scans.evaluation.matching import traits
from scans.evaluation.prices import Prices
from scans.evaluation.tradability import DailyBars, Tradability
from tests.reference import fills
from tests.reference.bars import Frames
from tests.reference.made_markets import DAYS

SEGMENTS = ("KOSPI", "KOSDAQ", "KONEX")


@dataclass
class Walk:
    """One instrument on its way through the sessions."""

    code: str
    segment: str
    price: int
    random: np.random.Generator
    halted: int = 0
    free: int = 0
    resumes: float = 1.0
    gone: bool = False
    rows: list[dict[str, Any]] = field(default_factory=list)

    def step(self, t: int) -> None:
        """The bar of session `t`."""
        if self.gone:
            return
        event = float(self.random.random())
        bar: dict[str, Any] = {"base_price": float(self.price), "volume": 10.0}
        if self.halted:
            self._halt(t, bar)
            return
        if self.free:
            self._free(t, bar)
            return
        if self.resumes != 1:
            bar["base_price"], self.price = math.nan, self._rounded(self.price * self.resumes, t)
            self.resumes = 1.0
        elif event < 0.03:
            self.halted = int(self.random.integers(1, 9))
        elif event < 0.035:
            self.gone = True
            return
        elif event < 0.05:
            bar["base_price"] = self.price = self._rounded(self.price / 2, t)
        elif event < 0.06:
            bar["base_price"], self.price = math.nan, self._rounded(self.price * 1.7, t)
        self._trade(t, bar)

    def _trade(self, t: int, bar: dict[str, Any]) -> None:
        lower, upper = fills.limits(self.price, DAYS[t], self.segment)
        kind = float(self.random.random())
        close = self._rounded(self.price * float(self.random.uniform(0.95, 1.05)), t)
        opened = self._rounded(self.price * float(self.random.uniform(0.97, 1.03)), t)
        high, low = max(opened, close), min(opened, close)
        if kind < 0.05:
            opened = high = low = close = int(upper)
        elif kind < 0.10:
            opened = high = low = close = int(lower)
        elif kind < 0.13:
            high = close = int(upper)
        elif kind < 0.16:
            low = close = int(lower)
        self._keep(t, close, {**bar, "open": float(opened), "high": float(high), "low": float(low)})

    def _halt(self, t: int, bar: dict[str, Any]) -> None:
        self.halted -= 1
        ends = 1.0 if self.halted else float(self.random.random())
        if ends < 0.2:
            self.free = 4
        elif ends < 0.3:
            self.resumes = float(self.random.choice([0.2, 5.0]))
        self._keep(t, self.price, {**bar, "open": 0.0, "high": 0.0, "low": 0.0, "volume": 0.0})

    def _free(self, t: int, bar: dict[str, Any]) -> None:
        """Liquidation: trading goes on without a limit, and without a base price, at a part of the last price."""
        self.free -= 1
        self.gone = not self.free
        close = self._rounded(self.price * float(self.random.uniform(0.2, 0.6)), t)
        opened = self._rounded(close * 1.3, t)
        prices = {"open": float(opened), "high": float(opened), "low": float(close)}
        self._keep(t, close, {**bar, "base_price": math.nan, **prices})

    def _rounded(self, price: float, t: int) -> int:
        size = fills.tick(round(price), DAYS[t], self.segment)
        return max(round(price / size) * size, 50)

    def _keep(self, t: int, close: int, bar: dict[str, Any]) -> None:
        self.price = close
        cap = close * 1000.0 if self.random.random() < 0.3 else math.nan
        named = {"code": self.code, "segment": self.segment, "eligible_kind": True, "market_cap": cap}
        self.rows.append(
            {"date": DAYS[t], "close": float(close), "amount": math.nan, "ratio": math.nan, **bar, **named}
        )


def limit_rows(seed: int, sessions: int, instruments: int) -> list[dict[str, Any]]:
    """Raw bars of a random market."""
    random = np.random.default_rng(seed)
    rows = []
    for n in range(instruments):
        walk = Walk(f"C{n:03}", SEGMENTS[n % 3], int(random.integers(20, 2_000)) * 50, random)
        for t in range(int(random.integers(0, 5)), sessions):
            walk.step(t)
        rows += walk.rows
    return rows


def with_limits(frames: Frames) -> dict[str, pd.DataFrame]:
    return {code: fills.with_limits(frame) for code, frame in frames.items()}


def daily_bars(frames: Frames, sessions: int) -> DailyBars:
    """The reference's frames as arrays."""
    axis = DAYS[:sessions]
    codes = sorted(frames)

    def column(name: str) -> np.ndarray[Any, np.dtype[np.float64]]:
        return np.column_stack([frames[code][name].reindex(axis).to_numpy(float) for code in codes])

    segment = np.column_stack([
        frames[code]["segment"].map(SEGMENTS.index).where(frames[code]["recorded"]).reindex(axis).fillna(-1)
        for code in codes
    ])  # fmt: skip
    return DailyBars(
        sessions=axis.to_numpy().astype("datetime64[D]"),
        low=column("L"),
        high=column("H"),
        close=column("C"),
        raw_close=column("rawC"),
        traded=column("traded") == 1,
        segment=segment.astype(np.int8),
        segments=SEGMENTS,
    )


def last_bars(frames: Frames, sessions: int) -> np.ndarray[Any, np.dtype[np.intp]]:
    """The row of each instrument's last recorded bar."""
    axis = DAYS[:sessions].tolist()
    ends = [axis.index(frame.index[frame["recorded"].to_numpy()][-1]) for _, frame in sorted(frames.items())]
    return np.array(ends, dtype=np.intp)


def without_liquidation(prices: Prices, frames: Frames, made: Tradability) -> Prices:
    """The prices with the count of suspected actions outside of liquidation."""
    axis = DAYS[: len(prices.sessions)]
    suspected = np.column_stack([
        frames[code]["suspected"].reindex(axis).fillna(False).to_numpy(bool) for code in sorted(frames)
    ])  # fmt: skip
    actions = np.cumsum(suspected & ~made.liquidation, axis=0).astype(np.int16)
    return Prices(**{name: getattr(prices, name) for name in prices.__slots__} | {"actions": actions})


def universe(prices: Prices, bars: DailyBars, *eligible: np.ndarray[Any, np.dtype[np.bool_]]) -> Universe:
    """The universe of rules with these eligible instruments (T, N)."""
    recorded = prices.market_cap > 0
    cap = pd.DataFrame(np.where(recorded, prices.market_cap / prices.close, np.nan)).ffill().to_numpy() * prices.close
    return Universe(eligible, cap, bars.segment, traits(prices.close, cap, 0, len(prices.close)))
