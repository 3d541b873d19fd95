"""Kinds of US instruments: by the flags of the lists, and by names and symbols where the lists have no flag."""

from __future__ import annotations

import pytest

from marketdata.sources.kis import overseas_parse
from marketdata.sources.kis.overseas_kinds import kind_of


def kind(
    symbol: str, name: str, flag: str = "2", fund: str = "", *, receipt: bool = False, by_form: bool = True
) -> str:
    return kind_of(symbol, name, stock_kind=flag, fund_kind=fund, is_receipt=receipt, by_form=by_form)


@pytest.mark.parametrize(
    ("symbol", "name", "expected"),
    [
        ("BAC/PRK", "BANK OF AMERICA CORP", "preferred"),
        ("ABRpD", "ARBOR REALTY TRUST", "preferred"),
        ("AGNCN", "AGNC INVESTMENT CORP PFD SER C", "preferred"),
        ("AACTU", "ARES ACQUISITION CORP UNIT", "other"),
        ("AAC/U", "ARES ACQUISITION CORP UNITS", "other"),
        ("BAYAR", "BAYVIEW ACQUISITION CORP RIGHT", "other"),
        ("BAYAW", "BAYVIEW ACQUISITION WARRANTS", "other"),
        ("AAC/WS", "ARES ACQUISITION CORP WARRANT", "other"),
        ("ZVZZT", "NASDAQ TEST STOCK", "other"),
        ("ZXIET", "NASDAQ TEST STOCK", "other"),
        ("NTEST", "NYSE TICK PILOT", "other"),
    ],
)
def test_names_and_symbols_without_a_flag(symbol: str, name: str, expected: str) -> None:
    assert kind(symbol, name) == expected
    assert kind(symbol, name, by_form=False) == "stock"


@pytest.mark.parametrize(
    ("symbol", "name"),
    [
        ("EPD", "ENTERPRISE PRODUCTS PARTNERS COMMON UNITS"),
        ("UAL", "UNITED AIRLINES HOLDINGS"),
        ("BIDU", "BAIDU INC"),
        ("STRR", "STAR EQUITY HOLDINGS"),
        ("BRK/B", "BERKSHIRE HATHAWAY CLASS B"),
        ("MSTR", "RIGHT ON BRANDS"),
        ("TRUE", "TRUECAR INC"),
        ("NA", "NANO LABS"),
        ("TER", "TERADYNE AUTOMATIC TEST EQUIPMENT"),
        ("UNIT", "UNITI GROUP"),
    ],
)
def test_common_stock_stays_common_stock(symbol: str, name: str) -> None:
    assert kind(symbol, name) == "stock"


def test_flags_of_the_list() -> None:
    assert kind("BABA", "ALIBABA GROUP ADR", receipt=True) == "dr"
    assert kind("SPY", "SPDR S&P 500", "3", "001") == "etf"
    assert kind("VXX", "IPATH VIX", "3", "002") == "etn"
    assert kind("USO", "US OIL FUND", "3", "003") == "fund"
    assert kind("SPX", "S&P 500", "1") == "other"
    assert kind("ABCW", "ABC WARRANT", "4") == "other"


def test_a_preferred_line_of_a_list() -> None:
    cells = ["US", "22", "NYS", "뉴욕", "BAC/PRK", "NYSBAC/PRK", "BofA", "BANK OF AMERICA CORP", "2", "USD", "4", "1"]
    cells += ["25.0000", "1", "1", "0930", "1600", "N", "", "370", "0", "1", "", ""]
    content = "\t".join(cells).encode("cp949")
    [(listing, listed)] = overseas_parse.instruments(content, "NYS", "the list")
    assert (listing.symbol, listed.code, listed.kind, listed.preferred) == ("BAC/PRK", "BAC.PRK", "preferred", True)
    [(_, listed)] = overseas_parse.instruments(content, "NYS", "the list", by_form=False)
    assert (listed.kind, listed.preferred) == ("stock", False)
