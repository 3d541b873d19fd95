"""The life of a pick with a plan, case by case and against a naive walk through the bars."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scans.evaluation.prices import Prices
from scans.evaluation.trade_lifecycle import STATUSES, WAIT, WAIT_STOP, Lifecycles, Plans, follow_plans

NAN = math.nan
Bar = tuple[float, float, float, float] | None
"""open, high, low, close; None: no trade."""


def prices(bars: list[Bar], actions: dict[int, int] | None = None) -> Prices:
    """One instrument; what does not trade stays at the close before."""
    rows, traded, last = [], [], 100.0
    for bar in bars:
        rows.append(bar or (last, last, last, last))
        traded.append(bar is not None)
        last = rows[-1][3]
    table = np.array(rows)
    count = np.zeros((len(bars), 1), dtype=np.int16)
    for row, add in (actions or {}).items():
        count[row:, 0] += add
    return Prices(
        sessions=np.datetime64("2024-01-01") + np.arange(len(bars)),
        codes=np.array(["A"]),
        open=table[:, [0]],
        high=table[:, [1]],
        low=table[:, [2]],
        close=table[:, [3]],
        traded=np.array(traded)[:, None],
        actions=count,
        market_cap=np.full((len(bars), 1), NAN),
    )


def plan(entry: float = NAN, target: float = 110.0, stop: float = 95.0, holding: int = 0, row: int = 0) -> Plans:
    return Plans(
        row=np.array([row]),
        column=np.array([0]),
        entry=np.array([entry]),
        target=np.array([target]),
        stop=np.array([stop]),
        holding_max=np.array([holding]),
    )


def text(result: Lifecycles) -> tuple[str, int, float, int, float, int]:
    """status, row and price of the entry, row and price of the exit, sessions held of the first pick."""
    return (
        STATUSES[result.status[0]],
        int(result.entered[0]),
        float(result.entry[0]),
        int(result.left[0]),
        float(result.exit[0]),
        int(result.holding[0]),
    )


PICK: Bar = (100, 101, 99, 100)
CALM: Bar = (100, 102, 98, 101)

CASES = {
    "enters at the next open and stays open": (
        [PICK, (101, 103, 100, 102), CALM],
        {},
        ("open", 1, 101, -1, NAN, 2),
    ),
    "target hit inside the bar": (
        [PICK, CALM, (104, 112, 103, 111)],
        {},
        ("target", 1, 100, 2, 110, 2),
    ),
    "stop hit inside the bar": ([PICK, CALM, (99, 100, 94, 96)], {}, ("stop", 1, 100, 2, 95, 2)),
    "both in one bar counts as the stop": (
        [PICK, CALM, (100, 120, 90, 118)],
        {},
        ("stop", 1, 100, 2, 95, 2),
    ),
    "a gap through the stop fills at the open": (
        [PICK, CALM, (90, 93, 88, 92)],
        {},
        ("stop", 1, 100, 2, 90, 2),
    ),
    "a gap over the target fills at the open": (
        [PICK, CALM, (115, 116, 90, 95)],
        {},
        ("target", 1, 100, 2, 115, 2),
    ),
    "levels count on the entry session": (
        [PICK, (100, 111, 99, 105)],
        {},
        ("target", 1, 100, 1, 110, 1),
    ),
    "the holding limit expires at the close": (
        [PICK, CALM, CALM, CALM],
        {"holding": 2},
        ("expired", 1, 100, 2, 101, 2),
    ),
    "a halt at the limit expires on the next trade": (
        [PICK, CALM, None, (103, 104, 102, 103)],
        {"holding": 2},
        ("expired", 1, 100, 3, 103, 3),
    ),
    "a halt at entry waits": ([PICK, None, (99, 101, 98, 100)], {}, ("open", 2, 99, -1, NAN, 1)),
    "nothing within the wait lapses": ([PICK] + [None] * 7, {}, ("lapsed", -1, NAN, -1, NAN, 0)),
    "no bar yet": ([PICK, None], {}, ("waiting", -1, NAN, -1, NAN, 0)),
    "a buy stop waits for its level": (
        [PICK, CALM, (101, 106, 94, 105), CALM],
        {"entry": 105.0},
        ("open", 2, 105, -1, NAN, 2),
    ),
    "a buy stop above the open fills at the open": (
        [PICK, (107, 108, 106, 107)],
        {"entry": 105.0},
        ("open", 1, 107, -1, NAN, 1),
    ),
    "a buy stop never reached lapses": (
        [PICK] + [CALM] * 25,
        {"entry": 105.0},
        ("lapsed", -1, NAN, -1, NAN, 0),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_by_hand(case: str) -> None:
    bars, given_plan, expected = CASES[case]
    result = text(follow_plans(prices(list(bars)), plan(**given_plan)))  # type: ignore[arg-type]
    assert _same(result, expected)


def _same(result: tuple[object, ...], expected: tuple[object, ...]) -> bool:
    return all(
        a == b or (isinstance(a, float) and isinstance(b, float) and math.isnan(a) and math.isnan(b))
        for a, b in zip(result, expected, strict=True)
    )


def test_a_suspected_action_ends_it_without_a_price() -> None:
    result = text(follow_plans(prices([PICK, CALM, CALM, CALM], {2: 1}), plan()))
    assert _same(result, ("suspect", 1, 100.0, 2, NAN, 1))


def naive(bars: list[Bar], p: Plans) -> tuple[str, int, float, int, float, int]:  # noqa: C901
    """The same walk, bar by bar, written from the definition."""
    target, stop, trigger = float(p.target[0]), float(p.stop[0]), float(p.entry[0])
    limit, entered, entry, sessions = int(p.holding_max[0]), -1, NAN, 0
    wait = WAIT if math.isnan(trigger) else WAIT_STOP
    for row in range(1, len(bars)):
        bar, inside = bars[row], False
        if entered < 0:
            if bar is not None and (math.isnan(trigger) or bar[0] >= trigger):
                entered, entry = row, bar[0]
            elif bar is not None and bar[1] >= trigger:
                entered, entry, inside = row, trigger, True
            elif row >= wait:
                return "lapsed", -1, NAN, -1, NAN, 0
        if entered < 0:
            continue
        sessions = row - entered + 1
        if bar is None:
            continue
        if not inside:
            if bar[0] <= stop:
                return "stop", entered, entry, row, bar[0], sessions
            if bar[0] >= target:
                return "target", entered, entry, row, bar[0], sessions
            if bar[2] <= stop:
                return "stop", entered, entry, row, stop, sessions
            if bar[1] >= target:
                return "target", entered, entry, row, target, sessions
        if limit and sessions >= limit:
            return "expired", entered, entry, row, bar[3], sessions
    return ("open" if entered >= 0 else "waiting"), entered, entry, -1, NAN, sessions


@st.composite
def some_bars(draw: st.DrawFn) -> list[Bar]:
    result: list[Bar] = [(100.0, 100.0, 100.0, 100.0)]
    for _ in range(draw(st.integers(0, 30))):
        if draw(st.integers(0, 5)) == 0:
            result.append(None)
            continue
        four = sorted(draw(st.lists(st.integers(80, 125), min_size=4, max_size=4)))
        opened, closed = draw(st.permutations([four[1], four[2]]))
        result.append((float(opened), float(four[3]), float(four[0]), float(closed)))
    return result


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(
    bars=some_bars(),
    entry=st.sampled_from([NAN, 104.0, 118.0]),
    target=st.sampled_from([NAN, 105.0, 112.0]),
    stop=st.sampled_from([NAN, 90.0, 97.0]),
    holding=st.integers(0, 12),
)
def test_against_a_naive_walk(bars: list[Bar], entry: float, target: float, stop: float, holding: int) -> None:
    chosen = plan(entry, target, stop, holding)
    assert _same(text(follow_plans(prices(bars), chosen)), naive(bars, chosen))


@settings(max_examples=60, deadline=None)
@given(bars=some_bars(), cut=st.integers(1, 30), holding=st.integers(0, 12))
def test_what_ended_is_not_changed_by_later_bars(bars: list[Bar], cut: int, holding: int) -> None:
    early = text(follow_plans(prices(bars[: cut + 1]), plan(holding=holding)))
    late = text(follow_plans(prices(bars), plan(holding=holding)))
    if early[0] in ("target", "stop", "expired", "lapsed"):
        assert _same(early, late)
    elif early[1] >= 0:
        assert early[1:3] == late[1:3]
