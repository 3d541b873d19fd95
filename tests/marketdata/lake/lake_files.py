"""Random markets, written to a lake and kept as the tidy frame the naive reference reads."""

from __future__ import annotations

import math
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from marketdata.lake import schema, writer
from marketdata.lake.footers import Part, survey
from marketdata.lake.layout import Lake
from marketdata.lake.reader import Window
from marketdata.panel import MANAGED

SEGMENTS = ("KOSDAQ", "KOSPI")


def sessions(count: int, first: str = "2024-01-02") -> np.ndarray:
    """`count` weekdays."""
    return pd.bdate_range(first, periods=count).to_numpy().astype("datetime64[D]")


def market(seed: int, days: np.ndarray, instruments: int) -> pd.DataFrame:  # noqa: C901
    """Raw bars with everything that real ones have: halts with and without bars, late listings, delistings, splits
    with a base price, with an event and with neither, zeros, base prices on some instruments only."""
    rng = np.random.default_rng(seed)
    rows = []
    for n in range(instruments):
        code = f"{n * 7 % 1000:05d}{'A' if n % 5 == 0 else '0'}"
        begin = int(rng.integers(0, len(days))) if rng.random() < 0.4 else 0
        end = int(rng.integers(begin, len(days))) + 1 if rng.random() < 0.3 else len(days)
        based, capped = rng.random() < 0.4, rng.random()
        price, halted = float(rng.integers(500, 90_000)), 0
        for t in range(begin, end):
            before = price
            base, ratio = (before if based else math.nan), math.nan
            if rng.random() < 0.03:
                factor = float(rng.choice([0.1, 0.2, 0.5, 2.0, 5.0]))
                price = max(round(price * factor), 5)
                if based:
                    base = float(price)
                elif rng.random() < 0.6:
                    ratio = price / before
            if halted == 0 and rng.random() < 0.05:
                halted = int(rng.integers(1, 8))
            if halted:
                halted -= 1
                if rng.random() < 0.3:
                    if not math.isnan(ratio):
                        rows.append({"code": code, "date": days[t], "ratio": ratio, "close": math.nan})
                    continue
                bar = {"open": 0.0, "high": 0.0, "low": 0.0, "close": price, "volume": 0.0}
                bar["amount"] = 0.0
            else:
                price = max(round(price * float(rng.uniform(0.9, 1.1))), 5)
                high, low = price + int(rng.integers(0, 9)), max(price - int(rng.integers(0, 4)), 1)
                bar = {
                    "open": float(low),
                    "high": float(high),
                    "low": float(low),
                    "close": float(price),
                }
                bar["volume"] = float(rng.integers(1, 10_000))
                bar["amount"] = bar["volume"] * price if rng.random() < 0.8 else math.nan
                if rng.random() < 0.02:
                    bar |= {"open": 0.0, "high": 0.0, "low": 0.0}
            rows.append(
                {
                    "code": code,
                    "date": days[t],
                    **bar,
                    "base_price": base,
                    "ratio": ratio,
                    "market_cap": price * 1000.0 * (n + 1) if rng.random() < capped else math.nan,
                    "segment": SEGMENTS[n % 2],
                    "eligible_kind": n % 7 != 3,
                }
            )
    return pd.DataFrame(rows)


def store(lake: Lake, raw: pd.DataFrame) -> tuple[Part, ...]:
    """Write the market's partitions; rows without a close are events on a day without a bar."""
    raw = raw.sort_values(["code", "date"], ignore_index=True)
    months = raw["date"].to_numpy().astype("datetime64[M]")
    parts = []
    for month in np.unique(months):
        first: date = month.astype("datetime64[D]").item()
        writer.write(lake, "kr", first, bars(raw[months == month]), generation=1)
        parts.append(Part(first, lake.partition("kr", first), 1))
    return tuple(parts)


def bars(rows: pd.DataFrame) -> writer.Bars:
    """The rows of one month as a partition's columns."""
    codes = np.unique(rows["code"].to_numpy().astype(str))
    has = rows[rows["close"].notna()]
    event = rows[rows["ratio"].notna() & rows["base_price"].isna()]
    values = {name: has[name].to_numpy(float) for name in (*schema.FLOATS, *schema.NULLABLE) if name in has}
    values["shares"] = np.full(len(has), np.nan)
    return writer.Bars(
        codes=codes,
        segments=SEGMENTS,
        code=np.searchsorted(codes, has["code"].to_numpy().astype(str)).astype(np.int32),
        date=has["date"].to_numpy().astype("datetime64[D]"),
        values=values,
        segment=has["segment"].map(SEGMENTS.index).to_numpy(np.int32),
        flags=np.where(has["eligible_kind"].astype(bool), 0, MANAGED).astype(np.uint8),
        events=(
            np.searchsorted(codes, event["code"].to_numpy().astype(str)).astype(np.int32),
            event["date"].to_numpy().astype("datetime64[D]"),
            event["ratio"].to_numpy(float),
        ),
    )


def window(lake: Lake, parts: tuple[Part, ...], days: np.ndarray, start: int, **options: object) -> Window:
    """A window over `days`; the months outside are left out, as a reader would."""
    low, high = days[0].astype("datetime64[M]"), days[-1].astype("datetime64[M]")
    inside = [part for part in parts if low <= np.datetime64(part.month, "M") <= high]
    options.setdefault("carry", {})
    return Window(lake, "kr", 0.31, days, start, survey(lake, inside), **options)  # type: ignore[arg-type]


def here(folder: Path) -> Lake:
    return Lake(str(folder))
