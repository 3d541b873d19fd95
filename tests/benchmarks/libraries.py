"""The indicators of v2 in the three ways a Python program usually computes them.

Each takes bars that already lie in memory in the form it likes best, and gives the values of the last session for
each instrument in the order of the codes, (N, len(INDICATORS)): no reading, no filters, no signals. Each is written as
its users would write it, except that only the last slope is taken, not one for every session.

TA-Lib in its Metastock mode starts an average with the first value, as ours do; where it chains averages, it begins the
next one later, which after some hundred sessions makes no difference.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import talib
from numpy.typing import NDArray

INDICATORS = (
    "tema20",
    "dema10",
    "macd",
    "macd_signal",
    "rsi_tema",
    "rsi_dema",
    "tema20_slope",
    "dema10_slope",
    "obv_slope",
    "volume_5",
    "volume_20",
    "turnover_20",
)
SLOPE = 20

Floats = NDArray[np.float64]
CLASSIC, METASTOCK = 0, 1


def by_pandas(frames: Sequence[pd.DataFrame]) -> Floats:
    """A loop over the instruments, each a frame of close, volume and amount from its first bar on."""
    return np.array([_pandas_one(frame) for frame in frames])


def _pandas_one(frame: pd.DataFrame) -> list[float]:
    close, volume = frame["close"], frame["volume"]
    tema, dema = _pandas_tema(close, 20), _pandas_dema(close, 10)
    macd = _pandas_ema(close, 12) - _pandas_ema(close, 26)
    change = close.diff().fillna(0.0)
    gain, loss = change.clip(lower=0.0), (-change).clip(lower=0.0)
    obv = (np.sign(change) * volume).cumsum()
    return [
        tema.iloc[-1],
        dema.iloc[-1],
        macd.iloc[-1],
        _pandas_ema(macd, 9).iloc[-1],
        _strength(_pandas_tema(gain, 14).iloc[-1], _pandas_tema(loss, 14).iloc[-1]),
        _strength(_pandas_dema(gain, 14).iloc[-1], _pandas_dema(loss, 14).iloc[-1]),
        _line(tema.to_numpy()),
        _line(dema.to_numpy()),
        _line(obv.to_numpy()),
        volume.rolling(5).mean().iloc[-1],
        volume.rolling(20).mean().iloc[-1],
        frame["amount"].rolling(20).mean().iloc[-1],
    ]


def _pandas_ema(x: pd.Series[float], n: int) -> pd.Series[float]:
    return x.ewm(span=n, adjust=False).mean()


def _pandas_dema(x: pd.Series[float], n: int) -> pd.Series[float]:
    first = _pandas_ema(x, n)
    return 2 * first - _pandas_ema(first, n)


def _pandas_tema(x: pd.Series[float], n: int) -> pd.Series[float]:
    first = _pandas_ema(x, n)
    second = _pandas_ema(first, n)
    return 3 * first - 3 * second + _pandas_ema(second, n)


def _strength(up: float, down: float) -> float:
    up, down = max(float(up), 0.0), max(float(down), 0.0)
    return 100.0 * up / (up + down) if up + down else 50.0


def _line(x: NDArray[np.floating[Any]]) -> float:
    """The least squares slope of the last values; NaN where there are fewer."""
    if len(x) < SLOPE:
        return float("nan")
    return float(np.polyfit(np.arange(SLOPE), x[-SLOPE:], 1)[0])


def by_talib(arrays: Sequence[tuple[Floats, Floats, Floats]]) -> Floats:
    """A loop over the instruments, each its close, volume and amount from its first bar on."""
    talib.set_compatibility(METASTOCK)  # type: ignore[attr-defined]
    try:
        return np.array([_talib_one(*bars) for bars in arrays])
    finally:
        talib.set_compatibility(CLASSIC)  # type: ignore[attr-defined]


def _talib_one(close: Floats, volume: Floats, amount: Floats) -> list[float]:
    tema, dema = talib.TEMA(close, 20), talib.DEMA(close, 10)
    macd, signal, _ = talib.MACD(close, 12, 26, 9)
    change = np.diff(close, prepend=close[:1])
    gain, loss = np.maximum(change, 0.0), np.maximum(-change, 0.0)
    return [
        tema[-1],
        dema[-1],
        macd[-1],
        signal[-1],
        _strength(talib.TEMA(gain, 14)[-1], talib.TEMA(loss, 14)[-1]),
        _strength(talib.DEMA(gain, 14)[-1], talib.DEMA(loss, 14)[-1]),
        *(_talib_line(x) for x in (tema, dema, talib.OBV(close, volume))),
        talib.SMA(volume, 5)[-1],
        talib.SMA(volume, 20)[-1],
        talib.SMA(amount, 20)[-1],
    ]


def _talib_line(x: Floats) -> float:
    return float(talib.LINEARREG_SLOPE(x[-SLOPE:], SLOPE)[-1]) if len(x) >= SLOPE else float("nan")


def by_polars(bars: pl.DataFrame) -> Floats:
    """Window expressions over one long frame of code, close, volume and amount, sorted by code and session."""
    code = "code"

    def ema(name: str, n: int) -> pl.Expr:
        return pl.col(name).ewm_mean(span=n, adjust=False).over(code)

    change = (pl.col("close") - pl.col("close").shift(1)).over(code).fill_null(0.0)
    levels = [
        ("tema", "close", 20),
        ("dema", "close", 10),
        ("up", "gain", 14),
        ("down", "loss", 14),
    ]
    frame = (
        bars.lazy()
        .with_columns(change.alias("change"))
        .with_columns(
            pl.col("change").clip(lower_bound=0.0).alias("gain"),
            (-pl.col("change")).clip(lower_bound=0.0).alias("loss"),
            (pl.col("change").sign() * pl.col("volume")).cum_sum().over(code).alias("obv"),
            (ema("close", 12) - ema("close", 26)).alias("macd"),
        )
        .with_columns(
            *(ema(name, n).alias(f"{made}1") for made, name, n in levels),
            ema("macd", 9).alias("macd_signal"),
            *(
                pl.col(name).rolling_mean(n).over(code).alias(f"{name}_{n}")
                for name, n in (("volume", 5), ("volume", 20), ("amount", 20))
            ),
        )
        .with_columns(*(ema(f"{made}1", n).alias(f"{made}2") for made, _, n in levels))
        .with_columns(*(ema(f"{made}2", n).alias(f"{made}3") for made, _, n in levels if made != "dema"))
        .with_columns(
            *(_polars_triple(made).alias(f"{made}_tema") for made in ("tema", "up", "down")),
            *(_polars_double(made).alias(f"{made}_dema") for made in ("dema", "up", "down")),
        )
    )
    last = frame.group_by(code, maintain_order=True).agg(
        pl.col("tema_tema").last().alias("tema20"),
        pl.col("dema_dema").last().alias("dema10"),
        pl.col("macd", "macd_signal", "volume_5", "volume_20").last(),
        pl.col("amount_20").last().alias("turnover_20"),
        *(_polars_strength(kind).alias(f"rsi_{kind}") for kind in ("tema", "dema")),
        _polars_line("tema_tema").alias("tema20_slope"),
        _polars_line("dema_dema").alias("dema10_slope"),
        _polars_line("obv").alias("obv_slope"),
    )
    values: Floats = last.select(INDICATORS).collect().to_numpy()
    return values


def _polars_triple(made: str) -> pl.Expr:
    return 3 * pl.col(f"{made}1") - 3 * pl.col(f"{made}2") + pl.col(f"{made}3")


def _polars_double(made: str) -> pl.Expr:
    return 2 * pl.col(f"{made}1") - pl.col(f"{made}2")


def _polars_strength(kind: str) -> pl.Expr:
    up, down = (pl.col(f"{side}_{kind}").last().clip(lower_bound=0.0) for side in ("up", "down"))
    return pl.when(up + down > 0).then(100 * up / (up + down)).otherwise(50.0)


def _polars_line(name: str) -> pl.Expr:
    weights = np.arange(SLOPE) - (SLOPE - 1) / 2
    weighted = pl.col(name).tail(SLOPE) * pl.lit(pl.Series(weights / (weights**2).sum()))
    return pl.when(pl.len() >= SLOPE).then(weighted.sum()).otherwise(None)
