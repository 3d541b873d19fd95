"""Lives of picks within daily limits (revision 3): by hand, and against the naive walk on random markets."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from scans.evaluation.prices import Prices
from scans.evaluation.tradability import DailyBars, tradability
from scans.evaluation.trade_lifecycle import STATUSES, Lifecycles, Plans, follow_plans
from tests.reference import lives
from tests.reference.made_markets import DAYS, frames
from tests.scans.evaluation import limit_markets
from tests.scans.evaluation.markets import arrays
from tests.scans.evaluation.test_lives import CALM, NAN, PICK, Bar, plan, prices

SESSIONS, INSTRUMENTS = 80, 12

UP: Bar = (130, 130, 130, 130)
DOWN: Bar = (70, 70, 70, 70)


def course(bars: list[Bar], chosen: Plans) -> Lifecycles:
    """The life of a pick of a KOSPI share whose bars begin on 2024-01-01; what does not trade stays at the close
    before."""
    over = prices(bars)
    daily = DailyBars(
        sessions=over.sessions,
        low=over.low,
        high=over.high,
        close=over.close,
        raw_close=over.close,
        traded=over.traded,
        segment=np.zeros(over.close.shape, dtype=np.int8),
        segments=("KOSPI",),
    )
    return follow_plans(over, chosen, tradability(daily, limited=True, hindsight=False))


def life_of(result: Lifecycles, n: int) -> tuple[str, int, float, int, float, float]:
    """status, row and price of the entry, row and price of the exit, bound of the pick `n`."""
    return (
        STATUSES[result.status[n]],
        int(result.entered[n]),
        float(result.entry[n]),
        int(result.left[n]),
        float(result.exit[n]),
        float(result.bound[n]),
    )


BY_HAND: dict[str, tuple[list[Bar], dict[str, Any], tuple[Any, ...]]] = {
    # name: bars, plan, (status, row and price of the entry, row and price of the exit, bound)
    "an open locked at the limit is passed over": (
        [PICK, UP, (140, 150, 135, 145)],
        {"target": 200.0},
        ("open", 2, 140, -1, NAN, NAN),
    ),
    "an open at the target lapses": ([PICK, (110, 112, 109, 111)], {}, ("lapsed", -1, NAN, -1, NAN, NAN)),
    "an open at the stop lapses": ([PICK, (95, 99, 94, 98)], {}, ("lapsed", -1, NAN, -1, NAN, NAN)),
    "an open over the buy stop and the target lapses": (
        [PICK, (112, 113, 111, 112)],
        {"entry": 105.0},
        ("lapsed", -1, NAN, -1, NAN, NAN),
    ),
    "an open below the stop lets a buy stop wait": (
        [PICK, (90, 92, 89, 91), (92, 106, 91, 104)],
        {"entry": 105.0, "stop": 90.0},
        ("open", 2, 105, -1, NAN, NAN),
    ),
    "a close beyond the stop in the bar of the fill exits at the stop": (
        [PICK, (100, 106, 93, 94)],
        {"entry": 105.0},
        ("stop", 1, 105, 1, 95, NAN),
    ),
    "a low beyond the stop in the bar of the fill is a bound": (
        [PICK, (100, 106, 93, 104), CALM],
        {"entry": 105.0},
        ("open", 1, 105, -1, NAN, 95),
    ),
    "a high beyond the target in the bar of the fill does not count": (
        [PICK, (100, 112, 99, 104)],
        {"entry": 105.0},
        ("open", 1, 105, -1, NAN, NAN),
    ),
    "a session locked at the lower limit cannot be sold": (
        [PICK, CALM, (71, 71, 71, 71), (60, 66, 58, 65)],  # 101 - 30 = 71, the lower limit
        {},
        ("stop", 1, 100, 3, 60, NAN),
    ),
    "a holding limit on a session that cannot be sold expires on the next": (
        [PICK, CALM, (71, 71, 71, 71), (75, 76, 74, 75)],
        {"holding": 2, "stop": NAN},
        ("expired", 1, 100, 3, 75, NAN),
    ),
}


@pytest.mark.parametrize("case", BY_HAND)
def test_by_hand(case: str) -> None:
    bars, levels, expected = BY_HAND[case]
    assert life_of(course(bars, plan(**levels)), 0) == pytest.approx(expected, nan_ok=True)


def random_plans(seed: int, over: Prices) -> Plans:
    """Twenty picks of each instrument, with and without a buy stop, target, stop and holding limit."""
    random = np.random.default_rng(seed)
    picks = [
        (int(row), int(column))
        for column in range(len(over.codes))
        for row in random.choice(np.flatnonzero(np.isfinite(over.close[:, column])), 20)
    ]
    row, column = np.array(picks).T

    def level(low: float, high: float, share: float) -> Any:
        price = over.close[row, column] * random.uniform(low, high, len(picks))
        return np.where(random.random(len(picks)) < share, price, NAN)

    return Plans(
        row=row,
        column=column,
        entry=level(1.0, 1.08, 0.5),
        target=level(1.02, 1.25, 0.9),
        stop=level(0.8, 0.99, 0.9),
        holding_max=random.integers(0, 15, len(picks)),
    )


@pytest.mark.slow
def test_the_naive_walk_agrees_on_random_markets() -> None:
    seen, bounds = set(), 0
    for seed in range(5):
        table = limit_markets.with_limits(frames(limit_markets.limit_rows(seed, SESSIONS, INSTRUMENTS), SESSIONS))
        over = arrays(table, SESSIONS)
        fills = tradability(limit_markets.daily_bars(table, SESSIONS), limited=True, hindsight=False)
        plans = random_plans(seed, over)
        ours = follow_plans(over, plans, fills)
        for n, (start, which) in enumerate(zip(plans.row.tolist(), plans.column.tolist(), strict=True)):
            frame = table[over.codes[which]].reindex(DAYS[:SESSIONS])
            first = int(frame["traded"].notna().to_numpy().argmax())
            entry, target, stop = (float(values[n]) for values in (plans.entry, plans.target, plans.stop))
            expected = lives.life(frame.iloc[first:], start - first, entry, target, stop, int(plans.holding_max[n]))
            rows = [row + start if row >= 0 else -1 for row in (expected.entered, expected.left)]
            assert life_of(ours, n) == pytest.approx(
                (expected.status, rows[0], expected.entry, rows[1], expected.exit, expected.bound), nan_ok=True
            )
            seen.add(expected.status)
            bounds += not math.isnan(expected.bound)
    assert seen == set(STATUSES)
    assert bounds


def test_without_limits_an_old_revision_lets_a_gap_fill() -> None:
    """Revision 2 buys the open at the target and sells it there."""
    result = follow_plans(prices([PICK, (110, 112, 109, 111)]), plan())
    assert (STATUSES[result.status[0]], float(result.entry[0]), float(result.exit[0])) == ("target", 110, 110)
    assert math.isnan(result.bound[0])
