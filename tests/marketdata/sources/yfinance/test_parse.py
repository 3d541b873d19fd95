"""Rows of yfinance as raw bars: splits are undone, blanks are no bars, contradictions have no base price."""

from __future__ import annotations

from datetime import date

import pytest

from marketdata.sources.daily import BarAnswer, BarRequest
from marketdata.sources.yfinance import parse
from marketdata.sources.yfinance.parse import Row

NAN = float("nan")
DAYS = [date(2024, 6, day) for day in (6, 7, 10, 11)]
REQUEST = BarRequest("NVDA", DAYS[1], DAYS[-1])


def answer(*rows: Row, request: BarRequest = REQUEST) -> BarAnswer:
    return parse.bar_answer(rows, request, 0.0)


def row(day: date, close: float, *, split: float = 0.0, volume: float = 100.0) -> Row:
    return Row(day, close, close + 1, close - 1, close, volume, split)


def test_bars_before_a_split_have_the_prices_and_volumes_of_their_day() -> None:
    """Ten shares for one on 10 June: 1,208.88 on the 7th is 120.888 in single precision today."""
    noisy = Row(DAYS[1], 119.7699966430664, 121.69200134277344, 118.02200317382812, 120.88800048828125, 4.12e8, 0.0)
    rows = answer(row(DAYS[0], 121.0), noisy, row(DAYS[2], 121.79, split=10.0), row(DAYS[3], 120.91)).bars
    assert [bar.session for bar in rows] == DAYS[1:]
    assert rows[0][2:7] == (1197.7, 1216.92, 1180.22, 1208.88, 41_200_000)
    assert [bar.base_price for bar in rows] == [1210.0, 120.888, 121.79]
    assert rows[1].close == 121.79


def test_two_later_splits_multiply() -> None:
    rows = [row(DAYS[0], 10.0), row(DAYS[1], 10.0), row(DAYS[2], 10.0, split=4.0), row(DAYS[3], 10.0, split=2.0)]
    bars = answer(*rows, request=BarRequest("X", DAYS[0], DAYS[-1])).bars
    assert [bar.close for bar in bars] == [80.0, 80.0, 20.0, 10.0]
    assert [bar.volume for bar in bars] == [12, 12, 50, 100]
    assert [bar.base_price for bar in bars] == [None, 80.0, 20.0, 10.0]


def test_a_split_after_the_request_changes_its_bars_too() -> None:
    request = BarRequest("X", DAYS[1], DAYS[1])
    rows = (row(DAYS[0], 10.0), row(DAYS[1], 11.0), row(DAYS[3], 11.0, split=2.0))
    assert [(bar.close, bar.base_price) for bar in answer(*rows, request=request).bars] == [(22.0, 20.0)]


@pytest.mark.parametrize(
    "blank",
    [
        row(DAYS[2], NAN),
        row(DAYS[2], 11.0, volume=NAN),
        row(DAYS[2], 11.0, volume=0.0),
        row(DAYS[2], 0.0),
        Row(DAYS[2], 11.0, 10.0, 9.0, 9.5, 100.0, 0.0),
    ],
    ids=["no price", "no volume", "prices without a trade", "zero", "open above the high"],
)
def test_a_blank_or_wrong_row_is_unanswered_and_never_filled(blank: Row) -> None:
    spoiled = answer(row(DAYS[0], 10.0), row(DAYS[1], 10.5), blank, row(DAYS[3], 11.5))
    assert [bar.session for bar in spoiled.bars] == [DAYS[1], DAYS[3]]
    assert spoiled.spoiled == ((DAYS[2], DAYS[2]),)
    assert spoiled.bars[1].base_price is None  # the close before is not known
    assert spoiled.partial == (DAYS[3],)


def test_a_missing_row_leaves_a_session_without_a_bar() -> None:
    gap = answer(row(DAYS[0], 10.0), row(DAYS[1], 10.5), row(DAYS[3], 11.5))
    assert [bar.session for bar in gap.bars] == [DAYS[1], DAYS[3]]
    assert gap.spoiled == ()


def test_the_split_of_a_blank_day_counts_for_the_next_bar() -> None:
    rows = (row(DAYS[0], 10.0), row(DAYS[1], 10.0), row(DAYS[2], NAN, split=2.0), row(DAYS[3], 10.5))
    result = answer(*rows)
    assert [(bar.close, bar.base_price) for bar in result.bars] == [(20.0, 20.0), (10.5, 10.0)]
    assert result.partial == (DAYS[3],)


def test_rows_on_which_two_readings_differ_have_no_values() -> None:
    first = [row(DAYS[0], 10.0), row(DAYS[1], NAN), row(DAYS[2], 10.5), row(DAYS[3], 11.0, split=2.0)]
    second = [row(DAYS[0], 10.0), row(DAYS[1], NAN), row(DAYS[2], 10.6), row(date(2024, 6, 12), 11.0)]
    rows = parse.agreed_rows(first, second)
    assert [one.session for one in rows] == [*DAYS, date(2024, 6, 12)]
    assert [one.close for one in rows] == pytest.approx([10.0, NAN, NAN, NAN, NAN], nan_ok=True)
    assert [one.split for one in rows] == [0.0, 0.0, 0.0, 2.0, 0.0]
    assert parse.agreed_rows(first[:1], second[:1]) == first[:1]


def test_a_split_that_the_prices_contradict_has_no_base_price() -> None:
    """Undone, the prices are 100 on both sides of a split of ten for one."""
    bars = answer(row(DAYS[0], 10.0), row(DAYS[1], 10.0), row(DAYS[2], 100.0, split=10.0), row(DAYS[3], 100.0))
    assert [bar.base_price for bar in bars.bars] == [100.0, None, 100.0]
    assert bars.partial == (DAYS[2],)


def test_a_class_is_written_with_a_hyphen_and_listed_with_a_dot() -> None:
    assert parse.yahoo_symbol("BRK.B") == "BRK-B"
    assert [one.code for one in parse.listed_instruments(["MSFT", "BRK-B", "BRK.B", "AAPL"])] == [
        "AAPL",
        "BRK.B",
        "MSFT",
    ]
