"""How each market spells codes, and what is the code of nothing."""

from __future__ import annotations

import re

import pytest

from marketdata import codes


@pytest.mark.parametrize(
    ("market", "written", "spelled"),
    [
        ("us", "BRK.B", "BRK.B"),
        ("us", "BRK-B", "BRK.B"),
        ("us", "BRK/B", "BRK.B"),
        ("us", "BRK B", "BRK.B"),
        ("us", "brk_b", "BRK.B"),
        ("us-adj", "brk.b", "BRK.B"),
        ("us", "aapl", "AAPL"),
        ("us", " AAPL ", "AAPL"),
        ("us", "BF/A", "BF.A"),
        ("us", "ABRpD", "ABR.PD"),
        ("us", "ABR-PD", "ABR.PD"),
        ("us", '="AAPL"', "AAPL"),
        ("us", "'AAPL", "AAPL"),
        ("kr", "005930", "005930"),
        ("kr", "A005930", "005930"),
        ("kr", "005930.KS", "005930"),
        ("kr", "035720.kq", "035720"),
        ("kr", "0001a0", "0001A0"),
        ("kr", '="005930"', "005930"),
        ("kr", "373220.0", "373220"),
        ("upbit", "krw-btc", "KRW-BTC"),
        ("upbit", "KRW/BTC", "KRW-BTC"),
    ],
)
def test_one_company_has_one_code(market: str, written: str, spelled: str) -> None:
    assert codes.spell_code(market, written) == spelled
    assert codes.spell_code(market, spelled) == spelled


@pytest.mark.parametrize("ticker", ["NA", "NAN", "TRUE", "NULL", "ON", "NO", "E", "NONE", "CODE", "INF", "Y"])
def test_tickers_that_look_like_something_else_stay(ticker: str) -> None:
    assert codes.spell_code("us", ticker) == ticker


@pytest.mark.parametrize("market", ["us", "kr", "upbit"])
@pytest.mark.parametrize(
    "written",
    [
        *("", " ", "-", "None", "NaN", "nan", "<NA>", "NaT", "N/A", "null", "#N/A"),
        *(
            "Total",
            "TOTAL",
            "Symbol",
            "SYMBOL",
            "symbol",
            "Ticker",
            "TICKER",
            "Code",
            "합계",
            "종목코드",
            "티커",
        ),
        *("../etc", "A?B", "A#B", "A%B", "삼성전자", "x" * 100_000),
    ],
)
def test_what_is_the_code_of_nothing(market: str, written: str) -> None:
    assert codes.spell_code(market, written) == ""


def test_a_code_fits_into_a_path() -> None:
    for market in ("kr", "us", "upbit"):
        for written in ("A.B/C D-E", "/A", "A/", "A//B", "0/0000", "1.2/3", "."):
            assert re.fullmatch(r"([0-9A-Z][0-9A-Z._\-]*)?", codes.spell_code(market, written))


@pytest.mark.parametrize(
    ("written", "digits", "code"),
    [("5930", "5930", "005930"), ("5930.0", "5930", "005930"), ("20", "20", "000020")],
)
def test_zeros_are_restored(written: str, digits: str, code: str) -> None:
    assert codes.truncated_digits(written) == digits
    assert codes.restore_zeros(written) == code


@pytest.mark.parametrize("written", ["373220", "005930", "AAPL", "", "5930A", "59.3", "5", "٣٣٣"])
def test_nothing_is_restored_of_what_lost_nothing(written: str) -> None:
    assert codes.truncated_digits(written) == ""


@pytest.mark.parametrize(
    ("market", "name", "code"),
    [
        ("kr", "005930", "005930"),
        ("kr", "pykrx_005930", "005930"),
        ("kr", "005930_2024", "005930"),
        ("kr", "005930_202401", "005930"),
        ("kr", "0001A0", "0001A0"),
        ("kr", "202401", ""),
        ("kr", "240102", ""),
        ("kr", "prices", ""),
        ("kr", "005930_000660", ""),
        ("us", "AAPL", "AAPL"),
        ("us", "BRK-B", "BRK.B"),
        ("us", "aapl", ""),
        ("us", "prices", ""),
        ("upbit", "KRW", ""),
    ],
)
def test_the_name_of_a_file_may_be_a_code(market: str, name: str, code: str) -> None:
    assert codes.code_in_name(market, name) == code
