"""Rows from the answers of KIS about Korea (`cells` has the rules for blanks).

Functions take the decoded body of a successful answer. A body without the list it should hold is `SourceChanged`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from statistics import median

from marketdata.number_format import format_number
from marketdata.sources.base import InvestorFlow, OpenDay, SourceChanged, UnknownInstrument
from marketdata.sources.daily import DailyBar, Quote, Valuation
from marketdata.sources.kis.cells import BarPage, Body, bar_of, date_of, list_of, number_of, page_of, quote_of, text_of

# Net values of `inquire-investor` are in million won, as public clients describe it; `_check_unit` tests that.
NET_VALUE_UNIT = 1_000_000
UNIT_FACTOR = 100.0
MARKET_CAP_UNIT = 100_000_000
OPEN = ("Y", "N")


def daily_bars(body: Body, code: str, what: str) -> BarPage:
    """A page of `inquire-daily-itemchartprice`; UnknownInstrument where KIS does not know the code."""
    rows = list_of(body, "output2", what)
    head = body.get("output1") or {}
    if not rows and not text_of(head, "hts_kor_isnm"):
        if number_of(head, "stck_prpr") is None:  # the answer does not show whether KIS has the code
            return BarPage([], 0, None, [(None, None)], [])
        if not number_of(head, "stck_prpr"):
            # KIS answers an unknown code with success, zeros and an empty list.
            raise UnknownInstrument(f"KIS knows no instrument {code}.", code="unknown instrument")
    page = page_of(rows, [_day(row, what) for row in rows], lambda row, day: _bar(row, code, day))
    return page._replace(valuation=_valuation(head))


def _valuation(head: Body) -> Valuation | None:
    """The valuation in the head of an answer; None where all of it is blank. A text that is no number is missing: bars
    do not depend on it."""
    values: list[float | None] = []
    for name in Valuation._fields:
        try:
            values.append(number_of(head, name))
        except SourceChanged:
            values.append(None)
    return None if values == [None, None, None] else Valuation(*values)


def _day(row: Body, what: str) -> date | None:
    text = text_of(row, "stck_bsop_date")
    return date_of(text, what) if text else None


def _bar(row: Body, code: str, day: date) -> DailyBar | None:
    names = ("stck_oprc", "stck_hgpr", "stck_lwpr", "stck_clpr", "acml_vol")
    return bar_of(row, code, day, names, "acml_tr_pbmn", ("prdy_vrss", "prdy_vrss_sign"))


def quotes(body: Body, what: str) -> list[Quote]:
    """Today's bars of `intstock-multprice`; rows without a code are left out."""
    names = ("inter2_oprc", "inter2_hgpr", "inter2_lwpr", "inter2_prpr", "acml_vol")
    coded = ((text_of(row, "inter_shrn_iscd"), row) for row in list_of(body, "output", what))
    return [quote_of(row, code, names, "acml_tr_pbmn", "inter2_sdpr") for code, row in coded if code]


def flows(body: Body, code: str, what: str) -> list[InvestorFlow]:
    """Net buying per session of `inquire-investor`, newest first; a blank is None, never 0."""
    rows: list[InvestorFlow] = []
    nets: list[tuple[float | None, int | None, int | None]] = []
    for row in list_of(body, "output", what):
        day = text_of(row, "stck_bsop_date")
        if not day:
            continue
        volumes = [_whole(row, f"{who}_ntby_qty") for who in ("prsn", "frgn", "orgn")]
        values = [_value(row, f"{who}_ntby_tr_pbmn") for who in ("prsn", "frgn", "orgn")]
        rows.append(InvestorFlow(code, date_of(day, what), *volumes, *values))
        close = number_of(row, "stck_clpr")
        nets.extend((close, qty, won) for qty, won in zip(volumes, values, strict=True))
    _check_unit(nets, what)
    return rows


def _check_unit(nets: Iterable[tuple[float | None, int | None, int | None]], what: str) -> None:
    """SourceChanged where net values are far from close x net quantity, so that the unit must have changed; `nets` are
    (close, net quantity, net value)."""
    ratios = [
        abs(won) / (close * abs(quantity))
        for close, quantity, won in nets
        # Small nets prove nothing: bought dear and sold cheap, they can have any ratio.
        if close and quantity and won is not None and close * abs(quantity) >= 10 * NET_VALUE_UNIT
    ]
    if ratios and not 1 / UNIT_FACTOR < median(ratios) < UNIT_FACTOR:
        raise SourceChanged(
            f"{what}: the unit of net values changed",
            expected=f"values in {NET_VALUE_UNIT} won, near close x quantity",
            actual=f"{format_number(median(ratios), 3)} times that",
        )


def holidays(body: Body, what: str) -> list[OpenDay]:
    """Days of `chk-holiday` and whether the exchange opens (`opnd_yn`); a day without Y or N is left out."""
    rows = ((text_of(row, "bass_dt"), text_of(row, "opnd_yn").upper()) for row in list_of(body, "output", what))
    return [OpenDay(date_of(day, what), is_open == "Y") for day, is_open in rows if day and is_open in OPEN]


def _whole(row: Body, name: str) -> int | None:
    number = number_of(row, name)
    return None if number is None else int(number)


def _value(row: Body, name: str) -> int | None:
    number = number_of(row, name)
    return None if number is None else round(number * NET_VALUE_UNIT)
