"""The rule named beside a regime: hand-made index series, with the sentences that follow from the definitions."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scans.engines.base import MarketIndex
from scans.engines.regime_rules import RegimeHistory, RegimeRule
from scans.engines.regimes import DAILY, TREND
from scans.engines.registry import ENGINES

FIRST = date(2024, 1, 1)
NAN = float("nan")


def history(m: list[float]) -> RegimeHistory:
    sessions = np.datetime64(FIRST) + np.arange(len(m))
    return RegimeHistory(MarketIndex(sessions, np.array(m), np.full(len(m), 0.03)))


def last(kind: str, regime: str, m: list[float]) -> RegimeRule:
    return history(m).rule(kind, FIRST + timedelta(days=len(m) - 1), regime)


def then(*parts: tuple[float, int]) -> list[float]:
    """A first session without a return, then each return so many times."""
    return [NAN, *(value for value, times in parts for _ in range(times))]


@pytest.mark.parametrize(
    ("move", "regime", "reason"),
    [
        (-0.029, "crash", "moved -2.9 % on the day (below -2.5 %)"),
        (-0.0250001, "crash", "moved -2.50001 % on the day (below -2.5 %)"),
        (-0.025, "bear", "moved -2.5 % on the day (below -1 %)"),
        (-0.01, "neutral", "moved -1.0 % on the day (between -1 % and 1 %)"),
        (0.0, "neutral", "moved 0.0 % on the day (between -1 % and 1 %)"),
        (0.00996, "neutral", "moved +0.996 % on the day (between -1 % and 1 %)"),
        (0.01, "neutral", "moved +1.0 % on the day (between -1 % and 1 %)"),
        (0.0104, "bull", "moved +1.04 % on the day (above 1 %)"),
        (0.031, "bull", "moved +3.1 % on the day (above 1 %)"),
    ],
)
def test_the_daily_rule(move: float, regime: str, reason: str) -> None:
    rule = last(DAILY, regime, [NAN, 0.0, move])
    assert rule.sentence == f"daily: {regime}, the index {reason}"
    assert rule.measures == {"move": move}
    assert rule.before == ""


def test_a_day_without_a_move_says_so() -> None:
    rule = last(DAILY, "neutral", [NAN, 0.01, NAN])
    assert rule.measures == {"move": None}
    assert rule.sentence == (
        "daily: neutral, the index has no move of this session: it starts here or anew after a missing session, or "
        "own-cap has too few market caps"
    )


# By the binomial series: 1.003^20 = 1.061741, 1.0029^20 = 1.059626, 0.9968^20 = 0.937909, 1.003^10 = 1.030408.
TREND_CASES = {
    "bull is entered from neutral above 6 %": (
        then((0.003, 20)),
        "bull",
        "neutral",
        "bull entered from neutral, +6.2 % over 20 sessions (above 6 %), mean of 10 sessions +0.30 % (above 0.1 %)",
    ),
    "neutral stays neutral up to 6 %": (
        then((0.0029, 20)),
        "neutral",
        "neutral",
        "neutral kept, +5.96 % over 20 sessions (between -6 % and 6 %), mean of 10 sessions +0.29 %",
    ),
    # 1.003^20 is bull; ten days of 0: 1.003^10 = +3.04 % above 2 %, and a mean of 0 above -0.05 %
    "bull is kept above 2 %": (
        then((0.003, 20), (0.0, 10)),
        "bull",
        "bull",
        "bull kept, +3.0 % over 20 sessions (above 2 %), mean of 10 sessions 0.00 % (above -0.05 %)",
    ),
    # 14 days of 0: 1.003^6 = 1.018135
    "bull ends at 2 %": (
        then((0.003, 20), (0.0, 14)),
        "neutral",
        "bull",
        "neutral entered from bull, +1.8 % over 20 sessions (not above 2 %), mean of 10 sessions 0.00 %",
    ),
    # from +1 % a day, ten days of -0.1 %: 1.01^10 * 0.999^10 = 1.104622 * 0.990045 = 1.093626; on the tenth day the
    # mean is -0.1 %; it falls to -0.05 % or less once k days satisfy (10 - k) * 1 % - k * 0.1 % <= -0.5 %, so k = 10
    "bull ends by its mean": (
        then((0.01, 20), (-0.001, 10)),
        "neutral",
        "bull",
        "neutral entered from bull, +9.4 % over 20 sessions, mean of 10 sessions -0.10 % (not above -0.05 %)",
    ),
    # 1.007^10 * 1.0005^10 = 1.072247 * 1.005011 = 1.077620, beyond 6 %, but with a mean of 0.05 %
    "neutral stays neutral by its mean": (
        then((0.007, 10), (0.0005, 10)),
        "neutral",
        "neutral",
        "neutral kept, +7.8 % over 20 sessions, mean of 10 sessions +0.05 % (not above 0.1 %)",
    ),
    "bear is entered from neutral below -6 %": (
        then((-0.0032, 20)),
        "bear",
        "neutral",
        "bear entered from neutral, -6.2 % over 20 sessions (below -6 %), mean of 10 sessions -0.32 % (below -0.1 %)",
    ),
    # 0.9968^10 = 0.968456
    "bear is kept below -2 %": (
        then((-0.0032, 20), (0.0, 10)),
        "bear",
        "bear",
        "bear kept, -3.2 % over 20 sessions (below -2 %), mean of 10 sessions 0.00 % (below 0.05 %)",
    ),
    # 0.9968^6 = 0.980953
    "bear ends at -2 %": (
        then((-0.0032, 20), (0.0, 14)),
        "neutral",
        "bear",
        "neutral entered from bear, -1.9 % over 20 sessions (not below -2 %), mean of 10 sessions 0.00 %",
    ),
    # 0.989^5 = 0.946196: a crash by 5 sessions, before there are 20
    "a crash by 5 sessions": (
        then((-0.011, 5)),
        "crash",
        "",
        "crash, -5.4 % over 5 sessions (below -5 %)",
    ),
    # 0.994^20 = 0.886569, 0.994^5 = 0.970359
    "a crash by 20 sessions": (
        then((-0.006, 20)),
        "crash",
        "",
        "crash, -11.3 % over 20 sessions (below -10 %)",
    ),
    # 0.98^20 = 0.667608, 0.98^5 = 0.903921
    "a crash by both": (
        then((-0.02, 20)),
        "crash",
        "",
        "crash, -33.2 % over 20 sessions (below -10 %), -9.6 % over 5 sessions (below -5 %)",
    ),
    # Five days of -1.1 % in the middle, then five of 0 and the crash is over; r20 = 0.946196, below -4 %,
    # and the mean of the ten days is -0.55 %, below -0.1 %: bear, from a crash at 4 %
    "bear is entered from a crash below -4 %": (
        then((0.0, 15), (-0.011, 5), (0.0, 1)),
        "bear",
        "crash",
        "bear entered from crash, -5.4 % over 20 sessions (below -4 %), mean of 10 sessions -0.55 % (below -0.1 %)",
    ),
    "a session without a value": (
        [*then((0.003, 20)), NAN],
        "neutral",
        "",
        "neutral, 20 sessions of the index in a row are not known yet",
    ),
    "nineteen sessions": (
        then((0.01, 19)),
        "neutral",
        "",
        "neutral, 20 sessions of the index in a row are not known yet",
    ),
    "nineteen sessions after a missing one": (
        [*then((0.003, 30)), NAN, *[0.003] * 19],
        "neutral",
        "",
        "neutral, 20 sessions of the index in a row are not known yet",
    ),
}


@pytest.mark.parametrize("case", TREND_CASES)
def test_the_trend_rule(case: str) -> None:
    m, regime, before, reason = TREND_CASES[case]
    rule = last(TREND, regime, m)
    assert rule.sentence == f"trend: {reason}"
    assert rule.before == before


def test_measures_are_fractions() -> None:
    rule = last(TREND, "bull", then((0.003, 20)))
    assert rule.measures == {
        "return_20": pytest.approx(0.0617412, abs=1e-7),
        "return_5": pytest.approx(0.0150903, abs=1e-7),
        "mean_10": pytest.approx(0.003),
    }
    unknown = last(TREND, "neutral", then((0.01, 6)))
    assert unknown.measures == {
        "return_20": None,
        "return_5": pytest.approx(0.0510101, abs=1e-7),
        "mean_10": None,
    }


@pytest.mark.parametrize("kind", [DAILY, TREND])
def test_a_regime_that_the_series_no_longer_gives_has_no_numbers(kind: str) -> None:
    rule = last(kind, "bull", then((0.0, 30)))
    assert rule.sentence == f"{kind}: bull, recorded data has changed since"
    assert rule.measures == {}
    assert not rule.comparisons


def test_a_session_that_is_no_longer_in_the_series_has_no_numbers() -> None:
    rule = history(then((0.0, 30))).rule(TREND, date(2025, 1, 1), "neutral")
    assert rule.sentence == "trend: neutral, recorded data has changed since"


def test_every_engine_says_which_regime_it_has() -> None:
    kinds = {slug: getattr(engine, "regime_kind", "") for slug, engine in ENGINES.items()}
    assert kinds.pop("v1") == "daily"
    assert set(kinds.values()) == {"trend"}


HOLDS = {
    "above": lambda value, limit: value > limit,
    "below": lambda value, limit: value < limit,
    "not_above": lambda value, limit: value <= limit,
    "not_below": lambda value, limit: value >= limit,
    "between": lambda value, limit: -limit <= value <= limit,
}
MOVES = st.one_of(st.floats(-0.03, 0.03), st.sampled_from([0.004, -0.004]), st.just(NAN))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(MOVES, st.integers(1, 30)), min_size=1, max_size=12))
def test_what_a_rule_says_holds_on_every_session(parts: list[tuple[float, int]]) -> None:
    result = history(then(*parts))
    for row, code in enumerate(result.trend):
        regime = ("neutral", "bull", "bear", "crash")[code]
        rule = result.rule(TREND, FIRST + timedelta(days=row), regime)
        assert rule.note or any(one.bound for one in rule.comparisons)
        for one in rule.comparisons:
            tie = abs(one.value - (-one.limit if one.value < 0 else one.limit)) < 1e-9
            assert not one.bound or tie or HOLDS[one.bound](one.value, one.limit)
