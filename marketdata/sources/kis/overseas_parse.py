"""Rows from the answers of KIS about US exchanges, and its lists of what is traded there.

Prices are written decimals. `diff` has no sign of its own: `sign` has it. base price = clos - signed diff.
"""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from marketdata import codes
from marketdata.sources.base import ListedInstrument, SourceChanged, UnknownInstrument
from marketdata.sources.daily import DailyBar, Quote
from marketdata.sources.kis.cells import BarPage, Body, bar_of, date_of, list_of, page_of, quote_of, text_of

COLUMNS = 24
STOCK, FUND = "2", "3"
FUND_KINDS = {"001": "etf", "002": "etn"}
SEGMENT = "US"


class Listing(NamedTuple):
    """Where KIS trades an instrument: its exchange, and the symbol as KIS writes it (BRK/B)."""

    exchange: str
    symbol: str


def daily_bars(body: Body, code: str, what: str) -> BarPage:
    """A page of `dailyprice`, newest first; UnknownInstrument where KIS has no such symbol on the exchange."""
    rows = [row for row in list_of(body, "output2", what) if row]
    head = body.get("output1") or {}
    if not rows and not text_of(head, "nrec"):
        raise UnknownInstrument(f"KIS knows no instrument {code} on that exchange.", code="unknown instrument")
    return page_of(rows, [_day(row, what) for row in rows], lambda row, day: _bar(row, code, day))


def _day(row: Body, what: str) -> date | None:
    text = text_of(row, "xymd")
    return date_of(text, what) if text else None


def _bar(row: Body, code: str, day: date) -> DailyBar | None:
    return bar_of(row, code, day, ("open", "high", "low", "clos", "tvol"), "tamt", ("diff", "sign"))


def quotes(body: Body, listed: dict[Listing, str], what: str) -> list[Quote]:
    """Today's bars of `multprice` by the codes of `listed`; rows of other symbols, and blank ones, are left out."""
    names, result = ("open", "high", "low", "last", "tvol"), []
    for row in list_of(body, "output2", what):
        symbol = str(row.get("symb") or "").strip()  # NA and TRUE are symbols, not blanks
        code = listed.get(Listing(text_of(row, "excd"), symbol))
        if code is not None:
            result.append(quote_of(row, code, names, "tamt", "base"))
    return result


def instruments(content: bytes, exchange: str, what: str) -> list[tuple[Listing, ListedInstrument]]:
    """The instruments of a master file: cp949, tabs, no header, 24 columns; symbols such as NA and TRUE are text. Lines
    whose symbol is no US code are left out; other kinds than stocks and funds are `other`."""
    result = []
    for number, line in enumerate(content.decode("cp949").splitlines(), start=1):
        if not line.strip():
            continue
        cells = [cell.strip() for cell in line.split("\t")]
        if len(cells) < COLUMNS or cells[2] != exchange:
            raise SourceChanged(
                f"{what}, line {number}",
                expected=f"{COLUMNS} columns of {exchange}",
                actual=f"{len(cells)}: {line[:60]}",
            )
        symbol, korean, english, kind, base = cells[4], cells[6], cells[7], cells[8], cells[12]
        code = codes.spell_code("us", symbol)
        if not code:
            continue
        names = {STOCK: "dr" if cells[17] == "Y" else "stock", FUND: FUND_KINDS.get(cells[22], "fund")}
        listed = ListedInstrument(
            code=code,
            isin="",
            name=english or korean,
            segment=SEGMENT,
            kind=names.get(kind, "other"),
            halted=False,
            managed=False,
            caution=False,
            warning="",
            preferred=False,
            listed_on=None,
            shares=None,
            market_cap=None,
            extra={"exchange": exchange, "symbol": symbol, "base": base},
        )
        result.append((Listing(exchange, symbol), listed))
    return result
