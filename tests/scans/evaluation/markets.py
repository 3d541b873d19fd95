"""Small markets for judging: random ones with everything that goes wrong, and prices from the reference's frames."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from scans.evaluation.prices import Prices
from tests.reference import bars
from tests.reference.bars import Frames
from tests.reference.made_markets import DAYS

Pick = tuple[pd.Timestamp, str]


def arrays(frames: Frames, sessions: int) -> Prices:
    """The reference's frames as arrays; nothing before an instrument's first bar."""
    axis = DAYS[:sessions]
    codes = sorted(frames)
    result = {
        name: np.column_stack([frames[code][name].reindex(axis).to_numpy(float) for code in codes])
        for name in ("O", "H", "L", "C", "traded", "suspected", "market_cap")
    }
    return Prices(
        sessions=axis.to_numpy().astype("datetime64[D]"),
        codes=np.array(codes),
        open=result["O"],
        high=result["H"],
        low=result["L"],
        close=result["C"],
        traded=result["traded"] == 1,
        actions=np.nancumsum(result["suspected"], axis=0).astype(np.int16),
        market_cap=result["market_cap"],
    )


def random_rows(seed: int, sessions: int, instruments: int) -> list[dict[str, Any]]:
    """Raw bars of a market with halts long and short, splits, unexplained jumps, late listings, delistings, missing
    bars, and market caps that some lack."""
    random = np.random.default_rng(seed)
    rows = []
    for n in range(instruments):
        price = float(random.integers(20, 300))
        first = int(random.integers(0, sessions // 3)) if random.random() < 0.3 else 0
        last = int(random.integers(sessions // 3, sessions)) if random.random() < 0.4 else sessions
        halts = _halts(random, sessions)
        cap = random.random() < 0.6
        for t in range(first, last):
            base = price
            event = random.random()
            if event < 0.02:
                price = base = price / 2
            elif event < 0.04:
                price, base = price * float(random.choice([0.5, 1.6])), math.nan
            elif event > 0.5:
                base = math.nan
            close = round(max(price * float(random.uniform(0.95, 1.05)), 1.0), 1)
            opened = round(max(price * float(random.uniform(0.97, 1.03)), 1.0), 1)
            bar: dict[str, Any] = {
                "open": opened,
                "high": max(opened, close) + 1,
                "low": max(min(opened, close) - 1, 0.5),
                "volume": 10.0,
                "amount": math.nan,
                "base_price": base,
                "ratio": math.nan,
                "market_cap": close * (n + 1) * 1000 if cap and random.random() < 0.9 else math.nan,
            }
            if t in halts:
                bar |= {"open": 0.0, "high": 0.0, "low": 0.0, "volume": 0.0}
                close = price
            if random.random() < 0.03 and t > first:
                continue
            price = close
            named = {"code": f"C{n}", "segment": "KOSPI", "eligible_kind": True}
            rows.append({"date": DAYS[t], "close": close, **bar, **named})
    return rows


def _halts(random: np.random.Generator, sessions: int) -> set[int]:
    halted: set[int] = set()
    for _ in range(int(random.integers(0, 4))):
        begin = int(random.integers(1, sessions))
        halted |= set(range(begin, begin + int(random.choice([1, 2, 4, 5, 6, 9]))))
    return halted


def random_picks(seed: int, frames: Frames, sessions: int) -> tuple[list[Pick], np.ndarray[Any, Any]]:
    """Some of what is eligible on each session, and who is, (sessions, N)."""
    random = np.random.default_rng(seed)
    codes = sorted(frames)
    eligible = np.zeros((sessions, len(codes)), dtype=bool)
    picks: list[Pick] = []
    for t, day in enumerate(DAYS[:sessions]):
        chosen = bars.universe(frames, day, min_bars=2)
        eligible[t] = [code in chosen for code in codes]
        if random.random() < 0.8:
            picks += [(day, code) for code in chosen if random.random() < 0.4]
    return picks, eligible
