"""Whatever the language lets through: no later bar and no later split changes what it says of a session."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from marketdata.panel import Panel
from scans.engines.base import MarketIndex
from scans.engines.engine_params import read
from scans.engines.formula import FormulaError
from scans.engines.indicators import Measures
from scans.engines.registry import ENGINES
from tests.scans.engines import panels
from tests.scans.engines.formula.writing import plains

pytestmark = pytest.mark.slow

ENGINE = ENGINES["formula"]
SESSIONS_SCORED = 10

some = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[
        HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much,
    ],
)  # fmt: skip

ONE = [
    "log", "abs", "rises", "percentile", "true_range", "ratio", "change", "macd", "macd_osc", "macd_signal",
]  # fmt: skip
OVER_N = [
    "ema", "dema", "wilder", "sma", "median", "sum", "max", "min", "shift", "change", "deviation", "slope",
    "ratio",
]  # fmt: skip
BARE = [
    "r_squared(close, 4)",
    "rsi(4)",
    "rsi_tema(3)",
    "atr(3)",
    "place(5)",
    "depth(4)",
    "obv_slope(4)",
    "foreign_net(2)",
    "residual(rsi(4), log(market_cap))",
    "relative_strength(3)",
    "beta(4)",
    "turnover(3)",
    "volume_mean(2)",
]


def numbers() -> st.SearchStrategy[str]:
    """Numbers of any unit, many of which do not fit together."""
    leaves = st.sampled_from(["close", "high", "volume", "amount", "raw_close", "0", "2", "1000", *BARE])
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.tuples(st.sampled_from(OVER_N), inner).map(lambda two: f"{two[0]}({two[1]}, 3)"),
            st.tuples(st.sampled_from(ONE), inner).map(lambda two: f"{two[0]}({two[1]})"),
            st.tuples(st.sampled_from(["max2", "min2"]), inner, inner).map(
                lambda three: f"{three[0]}({three[1]}, {three[2]})"
            ),
            st.tuples(inner, st.sampled_from("+-*/"), inner).map(lambda three: f"({' '.join(three)})"),
            st.tuples(inner, st.sampled_from(["<", ">="]), inner).map(
                lambda three: f"if({' '.join(three)}, 1, 2)"
            ),
        ),
        max_leaves=6,
    )  # fmt: skip


def scores(made: Panel, index: MarketIndex, params: Any) -> np.ndarray:
    universe = panels.universe(made, 2)
    outcome = ENGINE.score(universe, ENGINE.features(Measures(made), params), index, params)
    result = np.full(universe.eligible.shape, np.nan)
    result[outcome.ranks.day, outcome.ranks.column] = outcome.ranks.score
    return result


def accepted(score: str, match: str = "raw_close > 0") -> Any:
    """The parameters, or None where the formula is refused."""
    try:
        return read(ENGINE.Params, {"match": match, "score": score, "min_bars": 2, "top_n": 1000})
    except FormulaError:
        return None


def unchanged(score: str, seed: int, column: int, factor: float, end: int) -> None:
    params = accepted(score)
    if params is None:
        return
    made = panels.panel(seed, sessions=40, instruments=5, span=SESSIONS_SCORED)
    index = panels.index(made, seed)
    whole = scores(made, index, params)
    rescaled = scores(panels.rescaled(made, column, factor), index, params)
    np.testing.assert_allclose(rescaled, whole, rtol=1e-6, atol=1e-9)
    cut = panels.until(made, end)
    part = scores(cut, panels.index_until(index, cut.sessions[-1]), params)
    np.testing.assert_allclose(part, whole[: len(part)], rtol=1e-6, atol=1e-9)


where = {
    "seed": st.integers(0, 100),
    "column": st.integers(0, 4),
    "factor": st.sampled_from([0.1, 1 / 7, 3.0, 50.0]),
    "end": st.integers(31, 40),
}


@some
@given(score=plains().map(lambda piece: piece.text), **where)
def test_formulas_that_fit(score: str, seed: int, column: int, factor: float, end: int) -> None:
    assert accepted(score) is not None
    unchanged(score, seed, column, factor, end)


# The same examples every time: a formula may be written so that rounding decides (1 / (a sum that cancels)).
@settings(some, max_examples=400, derandomize=True)
@given(score=numbers(), **where)
@example(score="slope(log(close), 3)", seed=1, column=0, factor=3.0, end=35)
@example(score="log(close) - sma(log(high), 3)", seed=1, column=0, factor=3.0, end=35)
@example(score="log(volume) + log(close)", seed=1, column=0, factor=3.0, end=35)
@example(score="deviation(log(close), 3)", seed=1, column=0, factor=3.0, end=35)
@example(score="close * volume / amount", seed=1, column=0, factor=3.0, end=35)
def test_any_formula_that_is_let_through(score: str, seed: int, column: int, factor: float, end: int) -> None:
    unchanged(score, seed, column, factor, end)


def test_what_would_see_the_factor_is_refused() -> None:
    for score in (
        "close", "volume", "log(close)", "close + 1", "max2(close, 1)", "close * close / open", "abs(log(close))",
        "log(close) + log(high)", "log(log(close))", "change(log(close), 3)", "sum(log(close), 3)", "atr(14)", "macd()",
        "clip(close, 1, 2)", "if(close > 1000, 1, 0)", "count(volume > 1000, 3)", "obv_slope(5)", "close * amount",
    ):  # fmt: skip
        assert accepted(score) is None, score
