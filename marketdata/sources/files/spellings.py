"""Spellings of column names: one table for all forms of files.

Names are compared composed (NFC), in small letters, without blanks and underscores, and without the unit at their end
where it is the market's own: `Adj Close`, `adj_close` and `AdjClose` are one name, and 거래대금(원) is 거래대금.
An amount in thousands or millions, 거래대금(백만), is another column, which is not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from marketdata.normalization import nfc
from marketdata.panel import FLOW_FIELDS

SPELLINGS: dict[str, tuple[str, ...]] = {
    "code": ("code", "ticker", "symbol", "stockcode", "종목코드", "단축코드", "티커", "코드"),
    "date": (
        *("date", "datetime", "날짜", "일자", "거래일", "거래일자", "기준일", "기준일자"),
        *("tradedate", "tradingdate", "basdd", "basdt"),
        "indexlevel0",  # pandas' index without a name, in Parquet
    ),
    "open": ("open", "o", "시가", "오픈", "openprice"),
    "high": ("high", "h", "고가", "highprice"),
    "low": ("low", "l", "저가", "lowprice"),
    "close": ("close", "c", "종가", "현재가", "closeprice", "price"),
    "volume": ("volume", "v", "거래량", "vol", "vol."),
    "amount": ("amount", "거래대금"),
    "base_price": ("baseprice", "기준가", "기준가격"),
    "change": ("대비", "전일대비"),
    "market_cap": ("marketcap", "시가총액"),
    "shares": ("shares", "상장주식수"),
    "name": ("name", "종목명", "한글종목명", "한글종목약명"),
    "market": ("market", "시장구분", "시장"),
    "segment": ("segment",),
    "department": ("department", "소속부"),
    "ratio": ("ratio",),
    **{name: (name.replace("_", ""), name.replace("_net_", "").replace("_", "")) for name in FLOW_FIELDS},
}
"""Canonical name -> names in files, the likeliest first. `change` is the day's change in the market's currency:
close - change is the base price. FinanceDataReader's Change is a fraction, and 등락률 a percentage: neither is read."""
MARCAP = {"department": ("dept",), "change": ("changes",), "market_cap": ("marcap",), "shares": ("stocks",)}
"""Column names of the marcap data set."""
YAHOO = ("open", "high", "low", "close", "adjclose", "volume", "dividends", "stocksplits", "capitalgains")
"""The fields of yfinance, normalised."""

_UNIT = re.compile(r"\((원|주)\)$")


def normalise(name: str) -> str:
    """The form of a column's name for comparison."""
    plain = re.sub(r"[\s_\ufeff]+", "", nfc(name).casefold())
    return _UNIT.sub("", plain)


def spellings_of(names: Iterable[str], more: Mapping[str, tuple[str, ...]] | None = None) -> dict[str, tuple[str, ...]]:
    """The spellings of canonical names, where `more` replaces the usual ones."""
    return {name: (more or {}).get(name) or SPELLINGS[name] for name in names}


def canonical_names(names: Iterable[str]) -> set[str]:
    """The canonical names of a row of cells."""
    cells = {normalise(name) for name in names}
    return {name for name, spelled in SPELLINGS.items() if cells & set(spelled)}
