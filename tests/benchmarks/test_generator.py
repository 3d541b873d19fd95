"""The generated market keeps the exchange's rules, and is the same for the same seed."""

from __future__ import annotations

import numpy as np
import pytest

from tests.benchmarks.generator import Generated, Month

DAYS = np.arange("2024-01-01", "2024-09-01", dtype="datetime64[D]")
DAYS = DAYS[np.is_busday(DAYS)]
TICKS = ((2_000, 1), (5_000, 5), (20_000, 10), (50_000, 50), (200_000, 100), (500_000, 500))
"""Up to this price the exchange quotes in such ticks (KRX, since 2023-01-25); above all of them in 1,000."""


def tick(price: float) -> int:
    return next((size for below, size in TICKS if price < below), 1_000)


@pytest.fixture(scope="module")
def months() -> list[Month]:
    return list(Generated(5, 400, DAYS).months())


def test_prices_are_quoted_in_ticks(months: list[Month]) -> None:
    for month in months:
        for name in ("open", "high", "low", "close", "base_price"):
            prices = month.fields[name][month.present]
            assert all(price % tick(price) == 0 for price in prices.tolist())


def test_bars_are_consistent_and_halts_look_like_krx(months: list[Month]) -> None:
    halts = 0
    for month in months:
        bar = month.fields
        idle = bar["volume"] == 0
        halts += int(idle.sum())
        assert not any(bar[name][idle].any() for name in ("open", "high", "low"))
        assert (bar["high"] >= np.maximum(bar["open"], bar["close"]))[~idle].all()
        assert (bar["low"] <= np.minimum(bar["open"], bar["close"]))[~idle].all()
    assert halts > 100


def test_a_base_price_accounts_for_every_move_beyond_the_daily_limit(months: list[Month]) -> None:
    close = np.vstack([month.fields["close"] for month in months])
    base = np.vstack([month.fields["base_price"] for month in months])
    assert (np.abs(close / base - 1) < 0.31).all()
    splits = base[1:] != close[:-1]
    assert 10 < splits.sum() < 0.01 * splits.size
    assert (np.abs(close[1:] / close[:-1] - 1)[~splits] < 0.31).all()


def test_late_listings_have_no_bar_before_and_a_bar_after(months: list[Month]) -> None:
    present = np.vstack([month.present for month in months])
    first = present.argmax(axis=0)
    late = first > 20
    assert late.any()
    for column in np.flatnonzero(late):
        assert present[first[column] :, column].mean() > 0.9


def test_rows_of_a_partition_are_sorted_and_complete(months: list[Month]) -> None:
    made = Generated(5, 400, DAYS)
    for month in months:
        bars = made.bars(month)
        keys = bars.code.astype(np.int64) << 32 | bars.date.astype(np.int64)
        assert (np.diff(keys) > 0).all()
        assert len(keys) == month.present.sum()
        assert np.isclose(bars.values["close"].sum(), month.fields["close"][month.present].sum())


def test_the_same_seed_gives_the_same_market(months: list[Month]) -> None:
    again = list(Generated(5, 400, DAYS).months())
    other = next(Generated(6, 400, DAYS).months())
    for one, two in zip(months, again, strict=True):
        assert np.array_equal(one.present, two.present)
        for name, values in one.fields.items():
            assert np.array_equal(values, two.fields[name])
    assert not np.array_equal(other.fields["close"], months[0].fields["close"])
