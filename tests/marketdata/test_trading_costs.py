"""Costs of round trips by market and date; every expected value is computed by hand in its comment."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketdata import ticks
from marketdata.ticks import tick_sizes
from marketdata.trading_costs import round_trip_costs, sell_tax

FEE = 0.00015


def days(*texts: str) -> np.ndarray:
    return np.array(texts, "datetime64[D]")


def cost(
    market: str, entered: str, bought: float, left: str, sold: float, fee: float = FEE, segment: str = ""
) -> float:
    return float(
        round_trip_costs(
            market,
            entries=days(entered),
            exits=days(left),
            entry_prices=np.array([bought]),
            exit_prices=np.array([sold]),
            fee=fee,
            segments=segment,
        )[0]
    )


@pytest.mark.parametrize(
    ("day", "tax"),
    [
        ("2019-06-02", 0.30),
        ("2019-06-03", 0.25),
        ("2020-12-30", 0.25),
        ("2021-01-04", 0.23),
        ("2022-12-29", 0.23),
        ("2023-01-02", 0.20),
        ("2024-01-02", 0.18),
        ("2024-12-30", 0.18),
        ("2025-01-02", 0.15),
        ("2025-12-31", 0.15),
        ("2026-01-01", 0.20),
        ("2026-08-21", 0.20),
    ],
)
def test_krx_sell_tax_is_that_of_the_exit(day: str, tax: float) -> None:
    for market in ("kr", "kr-adj"):
        for segment in ("", "KOSPI", "KOSDAQ", "KOSDAQ GLOBAL"):
            assert sell_tax(market, days(day), segment)[0] == pytest.approx(tax / 100)
    assert sell_tax("kr", days(day), "KONEX")[0] == pytest.approx(0.003 if day < "2019-06-03" else 0.001)
    for market in ("us", "upbit", "bithumb"):
        assert sell_tax(market, days(day))[0] == 0


@pytest.mark.parametrize(
    ("market", "trade", "options", "percent"),
    [
        # ticks 10 and 10: 0.1 + 0.1; fees 0.03; tax of 2026 0.20
        ("kr", ("2026-01-05", 10_000, "2026-01-30", 10_000), {}, 0.43),
        # bought and sold on both sides of the year: tax of the exit; 5 / 4,000 + 10 / 5,000 = 0.125 + 0.2
        ("kr", ("2024-12-27", 4_000, "2025-01-10", 5_000), {}, 0.125 + 0.2 + 0.03 + 0.15),
        ("kr", ("2025-12-29", 4_000, "2026-01-09", 5_000), {}, 0.125 + 0.2 + 0.03 + 0.20),
        # the grid of each side's own session: 1,500 has tick 5 before 2023-01-25 and 1 since
        ("kr", ("2023-01-20", 1_500, "2023-02-01", 1_500), {}, 5 / 15 + 1 / 15 + 0.03 + 0.20),
        # before that day KOSDAQ knows no tick above 100
        ("kr", ("2022-03-02", 200_000, "2022-03-10", 200_000), {"segment": "KOSPI"}, 0.25 + 0.25 + 0.03 + 0.23),
        ("kr", ("2022-03-02", 200_000, "2022-03-10", 200_000), {"segment": "KOSDAQ"}, 0.05 + 0.05 + 0.03 + 0.23),
        ("kr", ("2024-03-04", 1_999, "2024-03-05", 2_000), {"fee": 0.0}, 100 / 1_999 + 0.25 + 0.18),
        ("us", ("2026-03-02", 10.0, "2026-03-20", 20.0), {"fee": 0.001}, 0.1 + 0.05 + 0.2),
        ("us", ("2026-03-02", 0.5, "2026-03-20", 1.0), {"fee": 0.0}, 0.02 + 1.0),
        # the table of 2025-07-31: 1 won from 1,000; before it 1, too, but 500 won from 1,000,000 instead of 1,000
        ("upbit", ("2025-07-30", 2_000_000, "2025-08-01", 2_000_000), {"fee": 0.0005}, 0.05 + 0.05 + 0.1),
        ("upbit", ("2025-07-30", 1_000_000, "2025-08-01", 1_000_000), {"fee": 0.0005}, 0.05 + 0.1 + 0.1),
        # no table: the fees alone
        ("upbit", ("2023-05-02", 1_000, "2023-05-09", 1_000), {"fee": 0.0005}, 0.1),
        ("bithumb", ("2026-05-02", 1_000, "2026-05-09", 1_000), {"fee": 0.0025}, 0.5),
    ],
)
def test_round_trips_by_hand(
    market: str, trade: tuple[str, float, str, float], options: dict[str, object], percent: float
) -> None:
    assert cost(market, *trade, **options) == pytest.approx(percent / 100, rel=1e-12)  # type: ignore[arg-type]


def test_missing_prices_have_no_costs() -> None:
    assert math.isnan(cost("kr", "2026-01-05", 10_000, "2026-01-30", math.nan))
    assert math.isnan(cost("kr", "2026-01-05", math.nan, "2026-01-30", 10_000))
    none = np.empty(0)
    assert not len(round_trip_costs("kr", entries=days(), exits=days(), entry_prices=none, exit_prices=none, fee=FEE))


def test_many_round_trips_at_once_are_each_their_own() -> None:
    entered, left = days("2024-12-27", "2026-01-05", "2022-03-02"), days("2025-01-10", "2026-01-30", "2022-03-10")
    bought, sold = np.array([4_000, 10_000, 200_000.0]), np.array([5_000, 10_000, 200_000.0])
    segments = np.array(["KOSPI", "KONEX", "KOSDAQ GLOBAL"])
    at_once = round_trip_costs(
        "kr",
        entries=entered,
        exits=left,
        entry_prices=bought,
        exit_prices=sold,
        fee=FEE,
        segments=segments,
    )
    assert at_once == pytest.approx([0.00505, 0.0033, 0.0036])


@settings(max_examples=200, deadline=None)
@given(
    trades=st.lists(
        st.tuples(
            st.dates(date(2018, 1, 1), date(2026, 12, 31)),
            st.floats(1, 2_000_000),
            st.sampled_from(["", "KOSPI", "KOSDAQ", "KONEX"]),
        ),
        min_size=1,
        max_size=8,
    ),
    market=st.sampled_from(["kr", "us", "upbit", "bithumb"]),
)
def test_ticks_of_many_are_the_ticks_of_each(trades: Sequence[tuple[date, float, str]], market: str) -> None:
    sessions, prices, segments = (np.array(column) for column in zip(*trades, strict=True))
    sizes = tick_sizes(market, sessions.astype("datetime64[D]"), prices, segments)
    for size, (session, price, segment) in zip(sizes, trades, strict=True):
        grid = ticks.get_grid(market, session, segment)
        if grid is None:
            assert math.isnan(size)
        else:
            assert size == float(grid.tick(Decimal(price)))
