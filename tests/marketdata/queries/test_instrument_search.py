"""Which instrument a person means."""

from __future__ import annotations

import unicodedata
from datetime import date

import pytest

from marketdata.models import Instrument
from marketdata.queries.instrument_search import (
    NotOneInstrument,
    find_codes,
    find_instrument,
    search_instruments,
)

pytestmark = pytest.mark.django_db

SHARES = {
    "kr": {
        "005930": "삼성전자",
        "005935": "삼성전자우",
        "009150": "삼성전기",
        "000660": "SK하이닉스",
        "034730": "SK",
        "0126Z0": "삼성에피스홀딩스",
    },
    "us": {"BRK.B": "Berkshire Hathaway B", "BRK.A": "Berkshire Hathaway A", "CTLT": "Catalent", "A": "Agilent"},
    "upbit": {"KRW-BTC": "비트코인", "KRW-ETH": "이더리움"},
}  # fmt: skip


@pytest.fixture(autouse=True)
def record() -> None:
    for market, names in SHARES.items():
        for code, name in names.items():
            Instrument.objects.create(market=market, code=code, name=name, last_bar=date(2026, 8, 21))


@pytest.mark.parametrize(
    ("text", "market", "code"),
    [
        ("005930", "kr", "005930"),
        ("5930", "kr", "005930"),
        ("A005930", "kr", "005930"),
        ("660", "kr", "000660"),
        ("０05930", "kr", "005930"),
        ("0126z0", "kr", "0126Z0"),
        ("삼성전자", "kr", "005930"),
        (unicodedata.normalize("NFD", "삼성전자"), "kr", "005930"),
        ("  삼성전자우 ", "kr", "005935"),
        ("전기", "kr", "009150"),
        ("에피스", "kr", "0126Z0"),
        ("sk하이닉스", "kr", "000660"),
        ("SK 하이닉스", "kr", "000660"),
        ("sk", "kr", "034730"),
        ("brk-b", "us", "BRK.B"),
        ("BRK/B", "us", "BRK.B"),
        ("brk b", "us", "BRK.B"),
        ("brk.b", "us", "BRK.B"),
        ("hathaway a", "us", "BRK.A"),
        ("a", "us", "A"),
        ("btc", "upbit", "KRW-BTC"),
        ("이더", "upbit", "KRW-ETH"),
    ],
)
def test_a_share_by_code_or_name(text: str, market: str, code: str) -> None:
    assert find_instrument(text, market).code == code


@pytest.mark.parametrize(
    ("text", "expected"), [("brk-b", "us:BRK.B"), ("5930", "kr:005930"), ("비트", "upbit:KRW-BTC")]
)
def test_without_a_market_the_only_one_that_fits_anywhere(text: str, expected: str) -> None:
    one = find_instrument(text)
    assert f"{one.market}:{one.code}" == expected


def test_several_that_fit_are_listed() -> None:
    with pytest.raises(NotOneInstrument) as raised:
        find_instrument("삼성", "kr")
    assert str(raised.value).splitlines() == [
        "4 instruments of market kr fit '삼성': name one by its code.",
        "  kr  005930  삼성전자  last bar 2026-08-21",
        "  kr  005935  삼성전자우  last bar 2026-08-21",
        "  kr  009150  삼성전기  last bar 2026-08-21",
        "  kr  0126Z0  삼성에피스홀딩스  last bar 2026-08-21",
    ]


def test_of_many_the_first_are_listed_and_it_says_so() -> None:
    for n in range(30):
        Instrument.objects.create(market="kr", code=f"9{n:05}", name=f"스팩 {n}호")
    with pytest.raises(NotOneInstrument) as raised:
        find_instrument("스팩", "kr")
    lines = str(raised.value).splitlines()
    assert lines[0] == "30 instruments of market kr fit '스팩', 20 listed: name one by its code."
    assert len(lines) == 21
    assert lines[1] == "  kr  900000  스팩 0호  no bar"


def test_what_another_market_has_is_named() -> None:
    with pytest.raises(NotOneInstrument) as raised:
        find_instrument("brk-b", "kr")
    assert str(raised.value).splitlines() == [
        "Market kr has no instrument 'brk-b'; other markets have 1: add --market.",
        "  us  BRK.B  Berkshire Hathaway B  last bar 2026-08-21",
    ]


@pytest.mark.parametrize("text", ["없는회사", "999999", "", "%", "_", "x" * 5_000])
def test_search_without_a_match(text: str) -> None:
    with pytest.raises(NotOneInstrument, match="Market kr has no instrument ") as raised:
        find_instrument(text, "kr")
    assert len(str(raised.value)) < 200


def test_an_empty_market_says_what_to_do() -> None:
    with pytest.raises(NotOneInstrument, match="Market bithumb has no instruments yet: bring bars"):
        find_instrument("비트코인클래식", "bithumb")


def test_codes_of_a_collection() -> None:
    assert find_codes(["삼성전자", "660", "005930"], "kr") == ("005930", "000660")
    assert find_codes(["123456", "0059"], "kr") == ("123456", "0059"), "a source may know them"
    assert find_codes(["CAT"], "us") == ("CAT",), "not Catalent"
    assert find_codes(["catalent"], "us") == ("CTLT",)
    with pytest.raises(NotOneInstrument, match="4 instruments of market kr fit '삼성'"):
        find_codes(["삼성"], "kr")


def test_a_search_lists_whatever_may_be_meant() -> None:
    rows = Instrument.objects.filter(market="kr")
    codes = {one.code for one in search_instruments(rows, unicodedata.normalize("NFD", "삼성"))}
    assert codes == {"005930", "005935", "009150", "0126Z0"}
    assert [one.code for one in search_instruments(rows, "5930")] == ["005930"]
    assert {one.code for one in search_instruments(rows, "00")} == {"005930", "005935", "009150", "000660"}
