"""Random well-typed formulas against their naive evaluation, instrument by instrument."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from marketdata.panel import FLOW_FIELDS, Panel
from scans.engines.base import Outcome, Universe
from scans.engines.engine_params import read
from scans.engines.indicators import Measures
from scans.engines.registry import ENGINES
from tests.reference import indicators
from tests.scans.engines import panels
from tests.scans.engines.asking import inputs_only, same_features
from tests.scans.engines.formula.writing import CAP, Lists, Piece, cellwise, conditions, plains

pytestmark = pytest.mark.slow

ENGINE = ENGINES["formula"]
SESSIONS, SESSIONS_SCORED = 45, 12

thorough = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def bars(made: Panel, column: int) -> pd.DataFrame:
    first = int(made.first[column])
    names = {
        "O": "open", "H": "high", "L": "low", "C": "close", "V": "volume", "A": "amount",
        "rawC": "raw_close", "cap": "market_cap",
        **{name: name for name in FLOW_FIELDS},
    }  # fmt: skip
    return pd.DataFrame({name: made[of][first:, column] for name, of in names.items()})


def evaluated(piece: Piece, made: Panel) -> tuple[np.ndarray, np.ndarray]:
    """The naive result on the scored sessions, (K, N) values and whether they are defined."""
    values = np.full((SESSIONS_SCORED, len(made.codes)), np.nan)
    defined = np.zeros(values.shape, dtype=bool)
    for column in range(len(made.codes)):
        frame = bars(made, column)
        if len(frame):
            result: Lists = piece.naive(frame)
            count = min(len(frame), SESSIONS_SCORED)
            values[SESSIONS_SCORED - count :, column] = np.array(result[0], dtype=float)[-count:]
            defined[SESSIONS_SCORED - count :, column] = result[1][-count:]
    return values, defined


def answer(made: Panel, given_params: dict[str, Any]) -> tuple[Universe, Outcome]:
    params = read(ENGINE.Params, {"min_bars": 2, "top_n": 1000, **given_params})
    universe = panels.universe(made, 2)
    index = panels.index(made, unknown=False)
    measured = ENGINE.features(Measures(made), params)
    return universe, ENGINE.score(universe, measured, index, params)


def table(outcome: Outcome, shape: tuple[int, ...]) -> np.ndarray:
    """The score of every pick, NaN where there is none."""
    result = np.full(shape, np.nan)
    result[outcome.ranks.day, outcome.ranks.column] = outcome.ranks.score
    return result


@thorough
@given(seed=st.integers(0, 200), match=conditions(), score=plains())
def test_matches_and_scores(seed: int, match: Piece, score: Piece) -> None:
    made = panels.panel(seed, sessions=SESSIONS, instruments=6, span=SESSIONS_SCORED)
    holds, compared = evaluated(match, made)
    worth, nested = evaluated(score, made)
    universe, outcome = answer(made, {"match": match.text, "score": score.text})
    scored = universe.eligible & compared & nested
    expected = np.where(scored & (holds == 1) & np.isfinite(worth), worth, np.nan)
    assert outcome.days.scored.tolist() == scored.sum(axis=1).tolist()
    np.testing.assert_allclose(table(outcome, expected.shape), expected, rtol=1e-9, atol=1e-12)


@settings(thorough, max_examples=30)
@given(seed=st.integers(0, 200), ranked=plains(), cut=st.floats(0.1, 0.9))
def test_percentiles(seed: int, ranked: Piece, cut: float) -> None:
    made = panels.panel(seed, sessions=SESSIONS, instruments=8, span=SESSIONS_SCORED)
    values, nested = evaluated(ranked, made)
    cut = round(cut, 3) + 0.0004  # no share of eight falls on it
    text = f"percentile({ranked.text})"
    universe, outcome = answer(made, {"match": f"{text} > {cut}", "score": f"2 * {text}"})
    expected = np.full(values.shape, np.nan)
    for day in range(SESSIONS_SCORED):
        who = np.flatnonzero(universe.eligible[day] & np.isfinite(values[day]))
        spread = np.sort(values[day, who])
        # Chains of ties are grouped by neighbours there, by the lowest here.
        assume(not np.any((np.diff(spread) > 0) & (np.diff(spread) < 1e-6 * np.abs(spread[1:]))))
        shares = indicators.percentiles({str(one): float(values[day, one]) for one in who})
        for one, share in shares.items():
            if share > cut and nested[day, int(one)]:
                expected[day, int(one)] = 2 * share
    np.testing.assert_allclose(table(outcome, expected.shape), expected, rtol=1e-12)


@settings(thorough, max_examples=25)
@given(seed=st.integers(0, 200), x=plains(depth=1), regressors=st.lists(plains(depth=1), min_size=1, max_size=2))
def test_residuals(seed: int, x: Piece, regressors: list[Piece]) -> None:
    made = panels.panel(seed, sessions=SESSIONS, instruments=16, span=SESSIONS_SCORED)
    pieces = [x, *regressors, cellwise("log({})", math.log, CAP)]
    text = f"residual({', '.join(piece.text for piece in pieces)})"
    universe, outcome = answer(made, {"match": "close > 0", "score": text})
    values = np.array([evaluated(piece, made)[0] for piece in pieces])
    nested = np.all([evaluated(piece, made)[1] for piece in pieces], axis=0)
    expected = np.full(values.shape[1:], np.nan)
    for day in range(SESSIONS_SCORED):
        who = np.flatnonzero(universe.eligible[day] & np.isfinite(values[:, day]).all(axis=0))
        if len(who) > len(pieces) + 1:
            columns = np.column_stack([np.ones(len(who)), *values[1:, day, who]])
            scaled = columns / np.abs(columns).max(axis=0).clip(1e-300)
            sizes = np.linalg.svd(scaled, compute_uv=False)
            assume(sizes[-1] > 1e-6)  # which combinations count as none is not for a naive version to say
            fit = scaled @ np.linalg.lstsq(scaled, values[0, day, who], rcond=None)[0]
            expected[day, who] = values[0, day, who] - fit
    expected[~nested] = np.nan
    size = float(np.nanmax(np.abs(values[0]), initial=1.0))
    np.testing.assert_allclose(table(outcome, expected.shape), expected, rtol=1e-6, atol=1e-8 * size)


@settings(thorough, max_examples=25)
@given(seed=st.integers(0, 200), n=st.integers(2, 60))
def test_beta(seed: int, n: int) -> None:
    """Against a line through the returns of each window, by another library; the index lacks sessions."""
    made = panels.panel(seed, sessions=SESSIONS, instruments=6, span=SESSIONS_SCORED)
    index, universe = panels.index(made, seed), panels.universe(made, 2)
    params = read(ENGINE.Params, {"min_bars": 2, "top_n": 1000, "match": "close > 0", "score": f"beta({n})"})
    outcome = ENGINE.score(universe, ENGINE.features(Measures(made), params), index, params)
    market = pd.Series(index.m, index=index.sessions)
    expected = np.full(universe.eligible.shape, np.nan)
    for day, column in np.argwhere(universe.eligible):
        closes = pd.Series(made["close"][made.first[column] :, column], index=made.sessions[made.first[column] :])
        window = closes.pct_change().loc[: universe.sessions[day]].iloc[-n:]
        pair = np.array([window, market.reindex(window.index)])
        if len(window) == n and np.isfinite(pair).all():
            expected[day, column] = np.cov(pair)[0, 1] / np.var(pair[1], ddof=1)
    np.testing.assert_allclose(table(outcome, expected.shape), expected, rtol=1e-7, atol=1e-9)


@settings(thorough, max_examples=25)
@given(seed=st.integers(0, 200), match=conditions(), score=plains())
def test_it_reads_no_more_than_it_says(seed: int, match: Piece, score: Piece) -> None:
    made = panels.panel(seed, sessions=SESSIONS, instruments=6, span=SESSIONS_SCORED)
    params = read(ENGINE.Params, {"match": match.text, "score": score.text})
    whole = ENGINE.features(Measures(made), params)
    same_features(ENGINE.features(Measures(inputs_only(ENGINE, made, params)), params), whole)


@settings(thorough, max_examples=25)
@given(seed=st.integers(0, 200), match=conditions(), day=st.integers(0, SESSIONS_SCORED - 1))
def test_explanations_show_each_comparison_and_its_verdict(seed: int, match: Piece, day: int) -> None:
    made = panels.panel(seed, sessions=SESSIONS, instruments=4, span=SESSIONS_SCORED)
    params = read(ENGINE.Params, {"match": match.text, "score": "1", "min_bars": 2})
    universe = panels.universe(made, 2)
    index = panels.index(made, unknown=False)
    measured = ENGINE.features(Measures(made), params)
    holds, defined = evaluated(match, made)
    for column in range(4):
        checks = ENGINE.explain(universe, measured, index, params, day=day, column=column)
        filters = [one for one in checks if one.group == "filter"]
        if defined[day, column]:
            assert all(one.holds for one in filters) == bool(holds[day, column] == 1)
            assert all(math.isfinite(one.value) for one in filters)
        measured_check = next(one for one in checks if one.name == "measured")
        assert measured_check.holds == bool(universe.eligible[day, column] and defined[day, column])
