"""Order prices and daily limits: by hand, against a naive search over the grid, and on the exchange's own files."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketdata import ticks
from marketdata.markets import get_market
from marketdata.ticks import PriceLimits, get_price_limits, order_price
from tests import realdata

OLD, NEW = date(2023, 1, 20), date(2023, 1, 25)
BEFORE, SINCE = date(2025, 7, 30), date(2025, 7, 31)


@pytest.mark.parametrize(
    ("price", "side", "session", "segment", "expected"),
    [
        # a plan of 8,137.5 won: tick 10 in both tables
        (8137.5, "target", NEW, "KOSPI", 8130),
        (8137.5, "stop", NEW, "KOSPI", 8140),
        (8137.5, "entry", NEW, "KOSPI", 8140),
        (8140, "stop", NEW, "KOSPI", 8140),
        # the lower bound belongs to the band: 2,000 has tick 5, 1,999 tick 1
        (2000, "target", NEW, "KOSDAQ", 2000),
        (2001, "target", NEW, "KOSDAQ", 2000),
        (2001, "stop", NEW, "KOSDAQ", 2005),
        (1999.5, "target", NEW, "KOSDAQ", 1999),  # below the border: the grid of the band below
        (1999.5, "stop", NEW, "KOSDAQ", 2000),  # up to the border: a price of the band above
        (199_950, "entry", NEW, "KOSPI", 200_000),
        (499_501, "stop", NEW, "KOSPI", 500_000),
        (500_001, "stop", NEW, "KOSPI", 501_000),
        # the table of the session, not of today
        (1503, "target", OLD, "KOSPI", 1500),
        (1503, "target", NEW, "KOSPI", 1503),
        (150_300, "target", OLD, "KOSPI", 150_000),
        (150_300, "target", OLD, "KOSDAQ", 150_300),
        (150_300, "target", OLD, "KOSDAQ GLOBAL", 150_300),
        (600_300, "target", OLD, "KONEX", 600_300),
        (600_300, "target", OLD, "KOSPI", 600_000),
        (600_300, "target", OLD, "", 600_000),  # no segment: on the grid of every one
        (300_100, "target", NEW, "KOSDAQ", 300_000),
        # noise of a float is no price: 10,000 x 1.05 and 10,000 x 1.1
        (10_000 * 1.05, "stop", NEW, "KOSPI", 10_500),
        (10_000 * 1.1, "stop", NEW, "KOSPI", 11_000),
        (10_000 * 1.1, "target", NEW, "KOSPI", 11_000),
        (0.7, "target", NEW, "KOSPI", None),  # nothing above 0 to round down to
        (0.7, "stop", NEW, "KOSPI", 1),
        (0, "stop", NEW, "KOSPI", None),
        (None, "stop", NEW, "KOSPI", None),
        (float("nan"), "target", NEW, "KOSPI", None),
        (float("inf"), "target", NEW, "KOSPI", None),
    ],
)
def test_an_order_on_krx(price: float | None, side: str, session: date, segment: str, expected: int | None) -> None:
    assert order_price(price, side, session, "kr", segment=segment) == expected
    assert get_market("kr-adj").order_price(price, side, session, segment=segment) == expected


@pytest.mark.parametrize(
    ("price", "side", "session", "expected"),
    [
        (10_007, "target", date(2023, 12, 7), 10_005),
        (1_503, "target", date(2023, 12, 20), 1_500),  # either grid in December: the coarser one
        (1_503, "target", date(2024, 1, 2), 1_503),
        (10_007, "stop", date(2024, 1, 2), 10_010),
        (51_003, "target", date(2024, 1, 2), 51_000),
        (51_007, "target", date(2024, 1, 2), 51_005),  # 5, not 50, above 50,000
        (3, "target", date(2023, 1, 2), None),
    ],
)
def test_an_order_of_a_fund(price: int, side: str, session: date, expected: int | None) -> None:
    for kind in ("etf", "etn"):
        assert order_price(price, side, session, "kr", kind=kind) == expected


@pytest.mark.parametrize(
    ("price", "side", "expected"),
    [
        ("12.3456", "target", "12.34"),
        ("12.3456", "stop", "12.35"),
        ("0.12345", "target", "0.1234"),
        ("0.12345", "entry", "0.1235"),
        ("0.99995", "stop", "1"),
        ("0.99995", "target", "0.9999"),
        ("1.004", "target", "1"),
    ],
)
def test_an_order_in_the_united_states(price: str, side: str, expected: str) -> None:
    for day in (date(2022, 3, 9), date(2026, 11, 2)):
        assert order_price(Decimal(price), side, day, "us", segment="US") == Decimal(expected)


@pytest.mark.parametrize(
    ("price", "session", "down", "up"),
    [
        ("160333000", SINCE, "160333000", "160333000"),
        ("160333500", SINCE, "160333000", "160334000"),
        ("1500700", BEFORE, "1500500", "1501000"),
        ("1500700", SINCE, "1500000", "1501000"),
        ("305077", BEFORE, "305050", "305100"),
        ("305077", SINCE, "305000", "305100"),
        ("5432", BEFORE, "5432", "5432"),
        ("5432", SINCE, "5430", "5435"),
        ("123.45", BEFORE, "123.4", "123.5"),
        ("123.45", SINCE, "123", "124"),
        ("12.345", BEFORE, "12.34", "12.35"),
        ("12.345", SINCE, "12.3", "12.4"),
        ("1.2345", BEFORE, "1.234", "1.235"),
        ("1.2345", SINCE, "1.23", "1.24"),
        ("0.12345", BEFORE, "0.1234", "0.1235"),
        ("0.12345", SINCE, "0.123", "0.124"),
        ("0.0123456", SINCE, "0.0123", "0.0124"),
        ("0.00123456", SINCE, "0.00123", "0.00124"),
        ("0.000123456", SINCE, "0.000123", "0.000124"),
        ("0.0000123456", SINCE, "0.0000123", "0.0000124"),
        ("0.00001234567", BEFORE, "0.00001234", "0.00001235"),
        ("99.99", SINCE, "99.9", "100"),
        ("4999.5", SINCE, "4999", "5000"),
        ("999999", SINCE, "999500", "1000000"),
    ],
)
def test_an_order_of_a_coin(price: str, session: date, down: str, up: str) -> None:
    prices = [
        order_price(Decimal(price), side, session, "upbit", segment="KRW") for side in ("target", "stop", "entry")
    ]
    assert prices == [Decimal(down), Decimal(up), Decimal(up)]


def test_no_table_is_no_order_price_and_says_so() -> None:
    assert order_price(5432, "target", SINCE, "bithumb") is None
    assert "Bithumb publishes no tick table" in ticks.missing_grid_reason("bithumb", SINCE)
    assert order_price(5432, "target", date(2024, 1, 28), "upbit") is None
    assert "KRW since 2024-01-29" in ticks.missing_grid_reason("upbit", date(2024, 1, 28))
    assert order_price(5432, "target", SINCE, "upbit", segment="BTC") is None
    assert ticks.missing_grid_reason("kr", NEW, "KOSPI") == ""
    with pytest.raises(ValueError, match="limit"):
        order_price(5432, "limit", NEW, "kr")


# --- against a naive search -------------------------------------------------------------------------

KRX_TABLE = {
    2_000: 1, 5_000: 5, 20_000: 10, 50_000: 50, 200_000: 100, 500_000: 500, 10**9: 1_000,
}  # fmt: skip
OLD_KOSPI = {1_000: 1, 5_000: 5, 10_000: 10, 50_000: 50, 100_000: 100, 500_000: 500, 10**9: 1_000}
OLD_KOSDAQ = {1_000: 1, 5_000: 5, 10_000: 10, 50_000: 50, 10**9: 100}


def prices_of(table: dict[int, int], upto: int) -> list[int]:
    """Every price of the grid below `upto`, one after the other."""
    grid_prices = [0]
    for below, size in table.items():
        while grid_prices[-1] + size <= min(below, upto - 1):
            grid_prices.append(grid_prices[-1] + size)
    return grid_prices[1:]


NAIVE = [
    (NEW, "KOSPI", prices_of(KRX_TABLE, 620_000)),
    (OLD, "KOSPI", prices_of(OLD_KOSPI, 620_000)),
    (OLD, "KOSDAQ", prices_of(OLD_KOSDAQ, 620_000)),
]


@settings(max_examples=400, deadline=None)
@given(
    which=st.integers(0, 2),
    near=st.sampled_from([1, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000]),
    away=st.integers(-300_000, 300_000),
    parts=st.sampled_from([1, 3, 100]),
)  # fmt: skip
def test_orders_are_the_nearest_prices_of_the_grid(which: int, near: int, away: int, parts: int) -> None:
    session, segment, grid = NAIVE[which]
    exact = Fraction(near) + Fraction(away, parts * 100)
    if not 1 <= exact < 600_000:
        return
    price = Decimal(exact.numerator) / Decimal(exact.denominator)
    below, above = grid[bisect_right(grid, price) - 1], grid[bisect_left(grid, price)]
    given_ = {"session": session, "market": "kr", "segment": segment}
    assert order_price(price, "target", **given_) == below  # type: ignore[arg-type]
    assert order_price(price, "stop", **given_) == above  # type: ignore[arg-type]
    assert order_price(float(price), "entry", **given_) == above  # type: ignore[arg-type]


GRIDS = [
    ticks.get_grid("kr", NEW, "KOSPI"),
    ticks.get_grid("kr", OLD, "KOSPI"),
    ticks.get_grid("kr", OLD, "KOSDAQ"),
    ticks.get_grid("kr", date(2024, 1, 2), kind="etf"),
    ticks.get_grid("us", NEW),
    ticks.get_grid("upbit", BEFORE),
    ticks.get_grid("upbit", SINCE),
]


@pytest.mark.parametrize("grid", GRIDS)
def test_every_border_is_a_price_of_both_bands(grid: ticks.TickGrid) -> None:
    """Without this, rounding up in one band could step over the first price of the next."""
    assert list(grid.bounds) == sorted(set(grid.bounds))
    for below, bound, size in zip(grid.sizes, grid.bounds[1:], grid.sizes[1:], strict=False):
        assert bound % below == 0
        assert bound % size == 0


def test_ticks_of_many_prices() -> None:
    sizes = ticks.KRX_GRID.ticks(np.array([1.0, 1999, 2000, 4999, 499_999, 500_000]))
    assert sizes.tolist() == [1, 1, 5, 5, 500, 1000]


# --- daily limits -----------------------------------------------------------------------------------

D2024 = date(2024, 1, 2)


LIMITS = [
    (9_940, OLD, "KOSPI", 6_960, 12_900),  # the exchange's own example
    (1_545, D2024, "KOSDAQ", 1_082, 2_005),
    (4_015, D2024, "KOSDAQ", 2_815, 5_210),
    (4_875, D2024, "KOSPI", 3_415, 6_330),
    (1_999, D2024, "KOSPI", 1_400, 2_595),
    (4_975, D2024, "KOSDAQ GLOBAL", 3_485, 6_460),
    (201_000, D2024, "KOSPI", 141_000, 261_000),
    (10_000, D2024, "KONEX", 8_500, 11_500),
    (10_000, date(2015, 6, 12), "KOSPI", 8_500, 11_500),
    (10_000, date(2015, 6, 15), "KOSPI", 7_000, 13_000),
]


@pytest.mark.parametrize(("base", "session", "segment", "lower", "upper"), LIMITS)
def test_daily_limits(base: int, session: date, segment: str, lower: int, upper: int) -> None:
    assert get_price_limits(base, session, segment) == PriceLimits(Decimal(lower), Decimal(upper))


def test_daily_limits_of_many_shares() -> None:
    bases, sessions, segments, lower, upper = (np.array(column) for column in zip(*LIMITS, strict=True))
    limits = ticks.get_share_limits(bases.astype(np.float64), sessions.astype("datetime64[D]"), segments)
    np.testing.assert_array_equal(limits, [lower, upper])


def test_first_days_and_liquidation() -> None:
    spac = get_price_limits(2_000, D2024, "KOSDAQ", first_day=True)
    assert spac == PriceLimits(Decimal(1_200), Decimal(8_000))
    assert get_price_limits(2_000, date(2023, 6, 23), "KOSDAQ", first_day=True) is None
    assert get_price_limits(2_000, D2024, "KONEX", first_day=True) is None
    assert get_price_limits(2_000, D2024, "KOSDAQ", liquidation=True) is None
    assert get_price_limits(0, D2024, "KOSDAQ") is None
    doubled = get_price_limits(10_000, D2024, "KOSPI", kind="etf", leverage=2)
    assert doubled == PriceLimits(Decimal(4_000), Decimal(16_000))


# --- the exchange's own files -------------------------------------------------------------------------


def file_of(year: int) -> pd.DataFrame:
    rows = pd.read_csv(realdata.path(f"marcap-{year}.csv.gz"), dtype={"Code": str})
    return rows[rows.Market.isin(["KOSPI", "KOSDAQ", "KOSDAQ GLOBAL", "KONEX"])]


@pytest.mark.parametrize("year", [2021, 2024])
@pytest.mark.parametrize("segment", ["KOSPI", "KOSDAQ", "KONEX"])
def test_every_close_lies_on_the_grid_of_its_year(year: int, segment: str) -> None:
    rows = file_of(year)
    rows = rows[rows.Market.str.startswith(segment) & (rows.Volume > 0)]
    wrong = {
        (row.Close, row.Date)
        for row in each(rows[["Close", "Date"]].drop_duplicates())
        if not ticks.is_on_grid(int(row.Close), date.fromisoformat(str(row.Date)[:10]), "kr", segment=segment)
    }
    exceptions = [one for one in zip(rows.Close, rows.Date, strict=True) if one in wrong]
    assert len(rows) > 2_000
    assert exceptions == []


def traded(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows with a base price that traded, not the first of their code."""
    rows = rows.sort_values(["Code", "Date"])
    rows = rows.assign(base=rows.Close - rows.Changes, first=~rows.Code.duplicated())
    return rows[(rows.base > 0) & (rows.Open > 0) & rows.Market.str.startswith("KOS")]


def each(rows: pd.DataFrame) -> Iterator[Any]:
    """The rows as objects."""
    return rows.itertuples(index=False)


def limits_of(row: Any) -> PriceLimits:
    limits = get_price_limits(int(row.base), date.fromisoformat(str(row.Date)[:10]), row.Market)
    assert limits is not None
    return limits


@pytest.mark.slow
def test_limits_are_reached_as_often_as_counted_in_the_files() -> None:
    """Of 2024 and 2026, counted apart from this code: 847 highs at the limit, 165 of them in another band than their
    base price; 44 lows, 12 in another band."""
    count = dict.fromkeys(("high", "across", "low", "below"), 0)
    files = [file_of(2024), pd.read_parquet(realdata.path("marcap-2026.parquet"))]
    for row in each(traded(pd.concat(files))):
        limits, size = limits_of(row), ticks.KRX_GRID.tick(Decimal(int(row.base)))
        high, low = row.High == limits.upper, row.Low == limits.lower
        count["high"] += high
        count["across"] += high and ticks.KRX_GRID.tick(limits.upper) != size
        count["low"] += low
        count["below"] += low and ticks.KRX_GRID.tick(limits.lower) != size
    assert count == {"high": 847, "across": 165, "low": 44, "below": 12}


@pytest.mark.slow
def test_nothing_but_a_liquidation_trades_beyond_its_limits() -> None:
    rows = traded(file_of(2024))
    outside = set()
    for row in each(rows[~rows["first"]]):
        limits = limits_of(row)
        if row.High > limits.upper or row.Low < limits.lower:
            outside.add(row.Code)
    assert outside == {"114120"}  # in liquidation from 2024-02-02 on
