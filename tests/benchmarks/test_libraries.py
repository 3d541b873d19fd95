"""What ours is compared with computes what it is said to compute: the naive reference is the judge."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest

from tests.benchmarks import libraries
from tests.reference import indicators

SESSIONS = 700
Floats = libraries.Floats


def instrument(seed: int) -> tuple[Floats, Floats, Floats]:
    rng = np.random.default_rng(seed)
    close = 10_000 * np.exp(np.cumsum(rng.normal(0, 0.02, SESSIONS)))
    volume = rng.integers(0, 100_000, SESSIONS).astype(float)
    return close, volume, close * volume


MARKET = [instrument(seed) for seed in range(3)]


def frame(bars: tuple[Floats, Floats, Floats]) -> pd.DataFrame:
    return pd.DataFrame(dict(zip(("close", "volume", "amount"), bars, strict=True)))


def expected(bars: tuple[Floats, Floats, Floats]) -> list[float]:
    close, volume, amount = (pd.Series(values) for values in bars)
    tema, dema = indicators.tema(close, 20), indicators.dema(close, 10)
    line, signal, _ = indicators.macd(close)
    return [
        tema.iloc[-1],
        dema.iloc[-1],
        line.iloc[-1],
        signal.iloc[-1],
        indicators.rsi_tema(close, 14).iloc[-1],
        indicators.rsi_dema(close, 14).iloc[-1],
        indicators.slope(tema, 20).iloc[-1],
        indicators.slope(dema, 20).iloc[-1],
        indicators.slope(indicators.obv(close, volume), 20).iloc[-1],
        indicators.mean_last(volume, 5),
        indicators.mean_last(volume, 20),
        indicators.mean_last(amount, 20),
    ]


@pytest.fixture(scope="module")
def reference() -> Floats:
    return np.array([expected(bars) for bars in MARKET])


def test_pandas(reference: Floats) -> None:
    np.testing.assert_allclose(libraries.by_pandas([frame(bars) for bars in MARKET]), reference, rtol=1e-6)


def test_talib(reference: Floats) -> None:
    np.testing.assert_allclose(libraries.by_talib(MARKET), reference, rtol=1e-6)


def test_polars(reference: Floats) -> None:
    parts = [pl.from_pandas(frame(bars)).with_columns(code=pl.lit(f"{n:06d}")) for n, bars in enumerate(MARKET)]
    np.testing.assert_allclose(libraries.by_polars(pl.concat(parts)), reference, rtol=1e-6)
