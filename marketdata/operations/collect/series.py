"""The recorded series of each instrument that may be collected, in two queries however many bars there are."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from django.db.models import Count, Max, Min

from marketdata.errors import DataProblem
from marketdata.models import Instrument, StockPrice
from marketdata.queries.market_calendar import get_calendar

FUNDS = ("etf", "etn", "fund")
"""Kinds that are not collected unless they are named: no scanner looks at them."""


class Series(NamedTuple):
    """One instrument: when it was listed, the first and the last session with a bar of any source, and how many
    sessions have one."""

    code: str
    listed_on: date | None = None
    gone_on: date | None = None
    first: date | None = None
    last: date | None = None
    bars: int = 0


def recorded_series(market: str, codes: Sequence[str], last: date) -> list[Series]:
    """The series of `codes`, recorded or not, or else of all instruments, by code; bars up to `last` count, but
    not those of days that an override closes. DataProblem where there are none."""
    instruments = Instrument.objects.filter(market=market)
    closed = get_calendar(market).closed
    bars = StockPrice.objects.filter(market=market, date__lte=last).exclude(date__in=closed)
    if codes:
        instruments, bars = instruments.filter(code__in=codes), bars.filter(stock_code__in=codes)
    else:
        instruments = instruments.exclude(kind__in=FUNDS)
    listed = {row[0]: row[1:] for row in instruments.values_list("code", "listed_on", "gone_on")}
    if not listed and not codes:
        raise DataProblem(
            f"No instrument of market {market} is recorded yet: run `manage.py sync_instruments` first, "
            "or name some with --codes."
        )
    counted = bars.values("stock_code").order_by()
    counted = counted.annotate(a=Min("date"), b=Max("date"), n=Count("date", distinct=True))
    spans = {row[0]: row[1:] for row in counted.values_list("stock_code", "a", "b", "n")}
    series = []
    for code in sorted(codes or listed):
        listed_on, gone_on = listed.get(code, (None, None))
        first, newest, number = spans.get(code, (None, None, 0))
        series.append(Series(code, listed_on, gone_on, first, newest, number))
    return series
