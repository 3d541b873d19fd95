"""Market regimes against a naive session-by-session loop, and the states they must pass through."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scans.engines.base import MarketIndex
from scans.engines.regimes import NAMES, range_adjustment, regime_daily, regime_trend, short_risk


def index_of(m: list[float], ranges: list[float] | None = None) -> MarketIndex:
    sessions = np.datetime64("2024-01-01") + np.arange(len(m))
    return MarketIndex(
        sessions=sessions,
        m=np.array(m, dtype=float),
        range=np.array([0.03] * len(m) if ranges is None else ranges, dtype=float),
    )


def naive_trend(m: list[float]) -> list[str]:  # noqa: C901
    """The definition read aloud: one session at a time, each measure from the list of values since the start."""
    state = "neutral"
    since_start: list[float] = []
    states: list[str] = []
    for value in m:
        if value != value:
            state, since_start = "neutral", []
            states.append(state)
            continue
        since_start.append(value)

        def total(n: int, moves: list[float] = since_start) -> float | None:
            if len(moves) < n:
                return None
            level = 1.0
            for one in moves[-n:]:
                level *= 1 + one
            return level - 1

        r20, r5 = total(20), total(5)
        m10 = sum(since_start[-10:]) / 10 if len(since_start) >= 10 else None
        if (r20 is not None and r20 < -0.10) or (r5 is not None and r5 < -0.05):
            state = "crash"
        elif r20 is None or m10 is None:
            state = "neutral"
        elif (state == "bull" and r20 > 0.02 and m10 > -0.0005) or (state == "bear" and r20 < -0.02 and m10 < 0.0005):
            pass
        else:
            entry = 0.06 if state == "neutral" else 0.04
            if r20 > entry and m10 > 0.001:
                state = "bull"
            elif r20 < -entry and m10 < -0.001:
                state = "bear"
            else:
                state = "neutral"
        states.append(state)
    return states


def names(codes: np.ndarray) -> list[str]:
    return [NAMES[code] for code in codes]


returns = st.one_of(st.floats(-0.03, 0.03), st.sampled_from([0.004, -0.004, 0.0]), st.just(float("nan")))


@settings(max_examples=60, deadline=None)
@given(
    runs=st.lists(st.tuples(returns, st.integers(1, 30)), max_size=12),
    seed=st.integers(0, 1000),
)
def test_trend_agrees_with_the_definition_read_aloud(runs: list[tuple[float, int]], seed: int) -> None:
    rng = np.random.default_rng(seed)
    m = [value + rng.normal(0, 0.002) for value, times in runs for _ in range(times)]
    assert names(regime_trend(index_of(m))) == naive_trend(m)


def test_trend_on_long_random_markets_visits_every_state() -> None:
    rng = np.random.default_rng(3)
    m = (rng.normal(0, 0.008, 2_500) + np.repeat(rng.normal(0, 0.004, 50), 50)).tolist()
    result = names(regime_trend(index_of(m)))
    assert result == naive_trend(m)
    assert set(result) == set(NAMES)


def test_bull_needs_six_percent_from_neutral_and_is_kept_down_to_two() -> None:
    five_percent = [1.05 ** (1 / 20) - 1] * 20
    assert names(regime_trend(index_of(five_percent)))[-1] == "neutral"
    seven_percent = [1.07 ** (1 / 20) - 1] * 20
    cooling = [0.0] * 12
    states = names(regime_trend(index_of(seven_percent + cooling)))
    assert states[19] == "bull"
    assert states[19 + 12] == "bull"  # r20 is 2.75 %: below every entry, above the keeping level
    assert names(regime_trend(index_of(seven_percent + [0.0] * 16)))[-1] == "neutral"


def test_after_an_unknown_session_everything_starts_anew() -> None:
    rising = [0.004] * 40
    m = [*rising, float("nan"), *rising]
    states = names(regime_trend(index_of(m)))
    assert states[39] == "bull"
    assert states[40:60] == ["neutral"] * 20
    assert states[60] == "bull"


@given(cut=st.integers(0, 200), seed=st.integers(0, 50))
@settings(max_examples=30, deadline=None)
def test_nothing_after_a_session_changes_it(cut: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    m, ranges = rng.normal(0, 0.01, 200).tolist(), rng.uniform(0.01, 0.05, 200).tolist()
    whole, part = index_of(m, ranges), index_of(m[:cut], ranges[:cut])
    for regime in (regime_trend, regime_daily, short_risk):
        assert regime(whole)[:cut].tolist() == regime(part).tolist()
    for one, other in zip(range_adjustment(whole), range_adjustment(part), strict=True):
        assert one[:cut].tolist() == other.tolist()


@pytest.mark.parametrize(
    ("m", "regime"),
    [
        (0.011, "bull"), (0.01, "neutral"), (0.0, "neutral"), (-0.01, "neutral"), (-0.0101, "bear"),
        (-0.025, "bear"), (-0.0251, "crash"), (float("nan"), "neutral"),
    ],
)  # fmt: skip
def test_daily_regime(m: float, regime: str) -> None:
    assert names(regime_daily(index_of([m]))) == [regime]


@pytest.mark.parametrize(
    ("m", "spread", "risk"),
    [
        (0.0, 0.04, 0), (0.0, 0.041, 1), (-0.01, 0.03, 0), (-0.011, 0.03, 1), (-0.015, 0.03, 1),
        (-0.016, 0.03, 2), (-0.016, 0.05, 3), (float("nan"), 0.05, 1), (-0.02, float("nan"), 2),
    ],
)  # fmt: skip
def test_short_risk(m: float, spread: float, risk: int) -> None:
    assert short_risk(index_of([m], [spread])).tolist() == [risk]


@pytest.mark.parametrize(
    ("spread", "rsi", "signals"),
    [(0.045, 2, 1), (0.04, 0, 0), (0.03, 0, 0), (0.02, 0, 0), (0.015, -1, 0)],
)
def test_range_adjustment_needs_five_sessions(spread: float, rsi: int, signals: int) -> None:
    add_rsi, add_signals = range_adjustment(index_of([0.0] * 6, [spread] * 6))
    assert add_rsi.tolist() == [0, 0, 0, 0, rsi, rsi]
    assert add_signals.tolist() == [0, 0, 0, 0, signals, signals]
