"""Rows from the answers of KIS about US exchanges, and its lists of what is traded there.

Prices are written decimals. `diff` has no sign of its own: `sign` has it. base price = clos - signed diff.
"""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from marketdata import codes
from marketdata.sources.base import ListedInstrument, SourceChanged, SourceUnavailable
from marketdata.sources.daily import DailyBar, Quote
from marketdata.sources.kis import master
from marketdata.sources.kis.cells import DAY, BarPage, Body, bar_of, date_of, list_of, page_of, quote_of, text_of
from marketdata.sources.kis.overseas_kinds import kind_of

COLUMNS = 24
PAGE = 100
SEGMENT = "US"


class Listing(NamedTuple):
    """The listing of an instrument at KIS: its exchange, and the symbol as KIS writes it (BRK/B)."""

    exchange: str
    symbol: str


def daily_bars(body: Body, listing: Listing, code: str, what: str, *, is_first: bool) -> BarPage:
    """A page of `dailyprice`, newest first. KIS answers an unknown symbol with success, an empty list and a blank
    count; this one is listed, so that its bars are unanswered then. A later page begins with a bar of the page before:
    SourceUnavailable where it is empty, or where the answer is that of another symbol."""
    rows = list_of(body, "output2", what)
    head = body.get("output1")
    head = head if isinstance(head, dict) else {}
    symbol = str(head.get("rsym") or "").strip()
    if symbol and not symbol.endswith("".join(listing)):
        raise SourceUnavailable(f"{what}: the answer is that of {symbol[:20]}.")
    if not rows:
        if not is_first:
            raise SourceUnavailable(f"{what}: an empty page after a full one.")
        return BarPage([], 0, None, [(None, None)], [])
    count = text_of(head, "nrec")
    expected = int(count) if count.isdecimal() else 0
    received, whole = len(rows), [row for row in rows if row]
    if len(whole) == expected:  # the blank rows among them are none of a day
        rows = whole
    page = page_of(rows, [_day(row, what) for row in rows], lambda row, day: _bar(row, code, day))
    if received < expected <= PAGE and page.oldest is not None:
        received = expected
        page.spoiled.append((None, page.oldest - DAY))
    return page._replace(received=received)


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


def instruments(
    content: bytes, exchange: str, what: str, *, by_form: bool = True
) -> list[tuple[Listing, ListedInstrument]]:
    """The instruments of a master file: cp949, tabs, no header, 24 columns; symbols such as NA and TRUE are text. Lines
    whose symbol is no US code are left out; `by_form` as in `overseas_kinds`."""
    result = []
    for number, line in enumerate(master.lines(content, what), start=1):
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
        kind = kind_of(
            symbol,
            english or korean,
            stock_kind=kind,
            fund_kind=cells[22],
            is_receipt=cells[17] == "Y",
            by_form=by_form,
        )
        listed = ListedInstrument(
            code=code,
            isin="",
            name=english or korean,
            segment=SEGMENT,
            kind=kind,
            halted=False,
            managed=False,
            caution=False,
            warning="",
            preferred=kind == "preferred",
            listed_on=None,
            shares=None,
            market_cap=None,
            extra={"exchange": exchange, "symbol": symbol, "base": base},
        )
        result.append((Listing(exchange, symbol), listed))
    if not result:  # its instruments would count as delisted
        raise SourceUnavailable(f"{what} answered an empty list.")
    return result
