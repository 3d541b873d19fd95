"""Numbers as people read them; every expected text is written by hand."""

from __future__ import annotations

import math

import pytest

from marketdata.number_format import (
    count_of,
    format_amount,
    format_count,
    format_number,
    format_order_price,
    format_percent,
    format_price,
    format_signed_amount,
    format_signed_count,
)


@pytest.mark.parametrize(
    ("won", "korean", "english"),
    [
        (7_461_234_567_890, "7.46 조", "7.46 T"),
        (1_234_500_000_000_000, "1,235 조", "1,235 T"),
        (1_230_000_000, "12.3 억", "1.23 B"),
        (123_450_000_000, "1,235 억", "123 B"),
        (999_999_999_999, "1 조", "1 T"),
        (99_999_999, "1 억", "100 M"),
        (-1_230_000_000, "-12.3 억", "-1.23 B"),
        (50_000_000, "5,000 만", "50 M"),
        (12_340, "1.23 만", "12.3 K"),
        (9_876, "9,876", "9.88 K"),
        (0, "0", "0"),
        (1e25, "10,000,000,000,000 조", "10,000,000,000,000 T"),
    ],
)
def test_an_amount_of_won_in_korean_and_in_english_units(won: float, korean: str, english: str) -> None:
    assert format_amount(won, "KRW") == korean
    assert format_amount(won, "KRW", "en") == english


@pytest.mark.parametrize(
    ("dollars", "text"),
    [
        (1.2e9, "1.2 B"),
        (123_456_789, "123 M"),
        (999.4, "999"),
        (999.5, "1 K"),
        (12.345, "12.3"),
        (0.5, "0.5"),
    ],
)
def test_an_amount_of_dollars(dollars: float, text: str) -> None:
    assert format_amount(dollars, "USD") == text


@pytest.mark.parametrize(
    ("price", "currency", "text"),
    [
        (71_900.0, "KRW", "71,900"),
        (9_349.5, "KRW", "9,350"),
        (1e9, "KRW", "1,000,000,000"),
        (0.00012345, "KRW", "0.0001235"),
        (1.5e-08, "KRW", "0.000000015"),
        (34.5, "KRW", "34.5"),
        (229.98, "USD", "229.98"),
        (229.9, "USD", "229.90"),
        (0.1234, "USD", "0.1234"),
        (0.0, "USD", "0"),
    ],
)
def test_a_price_has_its_currencys_decimals(price: float, currency: str, text: str) -> None:
    assert format_price(price, currency) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(1.2345, "+1.23 %"), (-0.005, "-0.01 %"), (0.0, "0.00 %"), (-0.001, "0.00 %"), (1234.5, "+1,234.50 %")],
)  # fmt: skip
def test_percent_has_a_sign_and_a_unit(value: float, text: str) -> None:
    assert format_percent(value) == text


def test_percent_without_a_direction() -> None:
    assert format_percent(55.0, sign=False, decimals=1) == "55.0 %"


@pytest.mark.parametrize(
    ("value", "text"),
    [(1e9, "1,000,000,000"), (1e22, "10,000,000,000,000,000,000,000"), (0.12345678, "0.12345678"), (12.0, "12")],
)  # fmt: skip
def test_a_count_is_grouped(value: float, text: str) -> None:
    assert format_count(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(1234567.8, "1,234,568"), (0.0000123456789, "0.0000123457"), (2.5, "2.5"), (-1e15, "-1,000,000,000,000,000")],
)  # fmt: skip
def test_a_number_keeps_its_whole_digits(value: float, text: str) -> None:
    assert format_number(value) == text


def test_signs() -> None:
    assert format_signed_amount(1.23e9, "KRW") == "+12.3 억"
    assert format_signed_amount(-4_500_000, "KRW") == "-450 만"
    assert format_signed_count(12_345.0) == "+12,345"
    assert format_signed_count(0.0) == "0"


@pytest.mark.parametrize("missing", [None, math.nan, math.inf])
def test_what_is_missing_is_a_dash(missing: float | None) -> None:
    texts = {
        format_amount(missing, "KRW"),
        format_signed_amount(missing, "KRW"),
        format_count(missing),
        format_signed_count(missing),
        format_number(missing),
        format_percent(missing),
        format_price(missing, "USD"),
    }
    assert texts == {"-"}


@pytest.mark.parametrize("power", range(-300, 301, 7))
def test_never_scientific_notation(power: int) -> None:
    value = float(f"1.2345e{power}")
    texts = [
        format_amount(value, "KRW"),
        format_amount(value, "USD"),
        format_count(value),
        format_number(value),
        format_percent(value),
        format_price(value, "KRW"),
        format_price(value, "USD"),
    ]
    assert not [text for text in texts if "e" in text.lower()]


def test_a_count_has_its_noun_in_the_right_number() -> None:
    texts = [count_of(number, "session") for number in (0, 1, 2, 1234)]
    assert texts == ["0 sessions", "1 session", "2 sessions", "1,234 sessions"]


@pytest.mark.parametrize(
    ("value", "currency", "text"),
    [(7.9, "USD", "7.90"), (21.0, "USD", "21.00"), (0.1234, "USD", "0.1234"), (0.5, "USD", "0.50"),
     (1234.56, "USD", "1,234.56"), (65300.0, "KRW", "65,300"), (153.5, "KRW", "153.5"), (None, "USD", "-")],
)  # fmt: skip
def test_order_prices_have_all_digits_and_two_decimals_in_dollars(
    value: float | None, currency: str, text: str
) -> None:
    assert format_order_price(value, currency) == text
