"""v2 beside the usual ways, over the same window of the same market, in turns, after making sure that all agree."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
from numpy.typing import NDArray

from marketdata.panel import Floats, Panel
from marketdata.queries.index_series import get_own_index
from marketdata.queries.records import get_record
from marketdata.queries.window import open_window
from scans.engines import engine_params
from scans.engines.base import MarketIndex
from scans.engines.registry import ENGINES
from scans.execution import executors
from scans.execution.shards import EngineTask, join_pieces
from scans.kernels import averages, oscillators, slopes, volume
from tests.benchmarks import libraries

SAMPLE = 200
TOLERANCE = 1e-6


class Disagreement(AssertionError):
    """Two ways of computing an indicator gave different values."""


def compare(*, market: str, version: str, day: str, warm_up: int, runs: int) -> dict[str, Any]:
    """Seconds of each way for all instruments (pandas: for a sample), with the largest relative difference on the
    sample. Raises `Disagreement` where that is above 1e-6.

    The window has `warm_up` sessions before `day`, 0 for as many as the engine asks for.
    """
    record = get_record(market)
    sessions_to_score = record.between(date.fromisoformat(day), date.fromisoformat(day))
    engine = ENGINES[version]
    task = EngineTask(engine, engine_params.read(engine.Params, {}), record.market.segments, {})
    window = open_window(record, sessions_to_score, warm_up or engine.warm_up)
    panel = window.read(dict.fromkeys(("close", "volume", "amount"), window.start))
    bars = [_of(panel, i) for i in range(len(panel.codes))]
    # Averages of a share halted for years die away to 1e-30, where TA-Lib's later start of a chain shows.
    whole = np.flatnonzero((panel.first == 0) & ((panel["volume"] > 0).mean(axis=0) > 0.9))
    sample = whole[np.linspace(0, len(whole) - 1, min(SAMPLE, len(whole))).astype(int)]
    frames = [_frame(bars[i]) for i in sample]
    long = _long(panel, bars)
    index = MarketIndex(*get_own_index(record))

    def ours() -> dict[str, float]:
        began = time.perf_counter()
        pieces, costs = executors.compute_pieces(window, [task], executor="inline")
        ((universe, features),) = join_pieces(pieces, [task])
        if isinstance(features, Exception):
            raise features
        engine.score(universe, features, index, task.params)
        spent = {"read": costs.read.seconds, "features": costs.tasks[0].seconds}
        return spent | {"all": time.perf_counter() - began}

    worst = _agree(
        _ours(panel)[sample],
        {
            "pandas": libraries.by_pandas(frames),
            "TA-Lib": libraries.by_talib([bars[i] for i in sample]),
            "Polars": libraries.by_polars(long)[sample],
        },
        panel.codes[sample],
        np.column_stack([panel["close"][-1, sample], panel["volume"][-20:, sample].mean(axis=0)]),
    )
    ways: dict[str, Callable[[], Any]] = {
        "pandas": lambda: libraries.by_pandas(frames),
        "TA-Lib": lambda: libraries.by_talib(bars),
        "Polars": lambda: libraries.by_polars(long),
        "ours": ours,
    }
    spent: dict[str, list[float]] = {name: [] for name in (*ways, "ours features")}
    for n in range(runs + 1):
        for name, way in ways.items():
            began = time.perf_counter()
            answer = way()
            taken = time.perf_counter() - began
            if n:
                spent[name].append(taken)
                if name == "ours":
                    spent["ours features"].append(answer["features"])
    return {
        "seconds": spent,
        "worst": worst,
        "sample": len(sample),
        "instruments": len(panel.codes),
        "sessions": len(panel.sessions),
    }


def _of(panel: Panel, i: int) -> tuple[Floats, Floats, Floats]:
    """One instrument's close, volume and amount from its first bar on, each contiguous."""
    first = int(panel.first[i])
    close, shares, amount = (np.ascontiguousarray(panel[name][first:, i]) for name in ("close", "volume", "amount"))
    return close, shares, amount


def _frame(bars: Sequence[Floats]) -> pd.DataFrame:
    return pd.DataFrame(dict(zip(("close", "volume", "amount"), bars, strict=True)))


def _long(panel: Panel, bars: Sequence[Sequence[Floats]]) -> pl.DataFrame:
    columns = [np.concatenate([one[n] for one in bars]) for n in range(3)]
    codes = pl.Series("code", panel.codes.tolist(), dtype=pl.Categorical)
    repeated = codes.gather(np.repeat(np.arange(len(bars)), [len(one[0]) for one in bars]))
    named = dict(zip(("close", "volume", "amount"), columns, strict=True))
    return pl.DataFrame({"code": repeated, **named})


def _ours(panel: Panel) -> Floats:
    """The values of the last session by the kernels that v2 stands on, (N, len(INDICATORS))."""
    close, traded = panel["close"], panel["volume"]
    tema = averages.tema(close, 20, keep=libraries.SLOPE)
    dema = averages.dema(close, 10, keep=libraries.SLOPE)
    macd = oscillators.macd(close, keep=1)
    strong = oscillators.rsi_tema_dema(close, 14, keep=1)
    return np.column_stack(
        [
            tema[-1],
            dema[-1],
            macd.line[-1],
            macd.signal[-1],
            strong[0][-1],
            strong[1][-1],
            slopes.slope(tema, libraries.SLOPE, keep=1)[-1],
            slopes.slope(dema, libraries.SLOPE, keep=1)[-1],
            volume.obv_slope(close, traded, libraries.SLOPE, keep=1)[-1],
            averages.sma(traded, 5, keep=1)[-1],
            averages.sma(traded, 20, keep=1)[-1],
            averages.sma(panel["amount"], 20, keep=1)[-1],
        ]
    )


def _agree(ours: Floats, others: dict[str, Floats], codes: NDArray[np.str_], scales: Floats) -> dict[str, float]:
    """The largest difference of each way from ours, relative to the value or, for what swings around 0, to the close
    (macd, slopes), the mean volume (obv) or 100 (rsi); at
    least to 1 (won, share)."""
    close, shares = scales.T
    hundred = np.full(len(close), 100.0)
    by_name = {"macd": close, "macd_signal": close, "rsi_tema": hundred, "rsi_dema": hundred}
    by_name |= {"tema20_slope": close, "dema10_slope": close, "obv_slope": shares}
    scale = np.column_stack([by_name.get(name, np.abs(ours[:, n])) for n, name in enumerate(libraries.INDICATORS)])
    scale = np.maximum(scale, 1.0)
    worst = {}
    for way, values in others.items():
        apart = np.abs(values - ours) / scale
        i, n = np.unravel_index(int(np.nanargmax(apart)), apart.shape)
        worst[way] = float(apart[i, n])
        if not np.array_equal(np.isnan(values), np.isnan(ours)) or worst[way] > TOLERANCE:
            raise Disagreement(
                f"{way} disagrees on {libraries.INDICATORS[n]} of {codes[i]}: {values[i, n]!r}, ours {ours[i, n]!r}."
            )
    return worst
