"""An instrument's bars as a chart shows them: adjusted or raw, by day, week or month, with indicators and the days on
which versions picked it."""

from __future__ import annotations

from calendar import monthrange
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from caching.reads import READS
from marketdata.api.schema import CODE, MARKET
from marketdata.api.stocks import instrument_or_404
from marketdata.api.views import InstrumentView
from marketdata.panel import Bools, Floats
from marketdata.queries.history import GROUPS, History, InstrumentTable, get_history, get_instrument_table
from marketdata.significant_digits import significant
from marketdata.web.api import downloads
from marketdata.web.api.parsers import ChoiceField
from marketdata.web.api.problems import Problem
from marketdata.web.api.response_cache import make_response_cache
from marketdata.web.api.schema import NOT_MODIFIED, error_responses
from scans.api import indicators
from scans.api.serializers.chart import Chart, ChartBar
from scans.queries import results, versions

PERIODS = {"1mo": 1, "3mo": 3, "6mo": 6, "1y": 12, "5y": 60, "10y": 120, "max": 0}
ROUNDED = ("open", "high", "low", "close", "volume")
FIELDS = (*ROUNDED, "amount")
DIGITS, INDICATOR_DIGITS = 6, 10
"""Significant digits of adjusted prices and volumes, and of indicators. Raw ones are exact, and so are adjusted ones as
long as no corporate action came after them."""


class ChartParameters(serializers.Serializer[Any]):
    period = ChoiceField(choices=list(PERIODS), default="1y", help_text="Back from the instrument's last bar, e.g. 1y")
    interval = ChoiceField(choices=list(GROUPS), default="day", help_text="What a bar spans, e.g. week")
    adjusted = serializers.BooleanField(
        default=True, help_text="For what happened up to the last bar; false: raw, as it was traded; e.g. true"
    )
    indicators = serializers.CharField(
        default="",
        allow_blank=True,
        max_length=200,
        help_text=f"At most {indicators.MOST} of {', '.join(indicators.CHOICES)}, N being a length; e.g. ema20,rsi14",
    )

    def validate_indicators(self, text: str) -> list[str]:
        return indicators.parse_indicators(text)


class StockChart(InstrumentView):
    """An instrument's bars, ascending, with indicators that begin long before the first bar that is shown."""

    serializer_class = Chart
    parameters = ChartParameters
    pagination_class = None
    depends = (versions.GENERATION,)
    response_cache = make_response_cache("page", "chart")

    def row(self) -> type[ChartBar]:
        return ChartBar

    @extend_schema(
        operation_id="stock_chart",
        tags=["stocks"],
        parameters=[MARKET, CODE, ChartParameters],
        responses={200: Chart, **NOT_MODIFIED, **error_responses(400, 404)},
    )
    def get(self, request: Request, market: str, code: str) -> HttpResponseBase:
        READS.count(self.market.name, code)
        if self.form == "json":
            return self.cached_response(lambda: self.body(code, self.query_values(request)))
        query = self.query_values(request)
        code = instrument_or_404(self.market.name, code).code
        _, series = self.series(self.instruments(), code, query)
        name = f"{self.market.name}-{code}-{query['interval']}"
        bars, _ = self.bars(series, query)
        return self.download_response(downloads.Table(self.columns(query["indicators"]), bars), name)

    def body(self, code: str, query: dict[str, Any]) -> dict[str, Any]:
        """The whole chart."""
        table = self.instruments()
        name = table.names.get(code)
        if name is None:
            instrument = instrument_or_404(self.market.name, code)
            code, name = instrument.code, instrument.name
        history, series = self.series(table, code, query)
        bars, shown = self.bars(series, query)
        last: date = series.days[-1].item()
        return {
            "market": self.market.name,
            "currency": self.market.currency,
            "code": code,
            "name": name,
            **query,
            "bars": bars,
            "factors": [
                {"date": str(series.days[n]), "factor": series.factor[n]} for n in shown if series.factor[n] != 1.0
            ],
            "marks": results.chart_marks(self.market.name, code, _begin(history, series, shown), last),
        }

    def instruments(self) -> InstrumentTable:
        """The record of the market, read once by this process as long as nothing changes."""
        return get_instrument_table(self.market.name, tuple(self.market_state()))

    def series(self, table: InstrumentTable, code: str, query: dict[str, Any]) -> tuple[History, History]:
        """The instrument's history, and what is drawn of it."""
        history = get_history(table, code)
        if history is None:
            raise Problem("no_bars", f"Market {self.market.name} has no bars of {code} yet.")
        series = history.adjusted() if query["adjusted"] else history
        return history, series.grouped(query["interval"])

    def bars(self, series: History, query: dict[str, Any]) -> tuple[list[dict[str, Any]], Any]:
        """The bars that are shown, and their places in the series."""
        values = indicators.compute_indicators(query["indicators"], series.fields)
        shown = np.flatnonzero(series.has_bar & (series.days >= _since(series.days[-1].item(), query["period"])))
        dates = series.days[shown].astype(str).tolist()
        names = ["date", *FIELDS, "indicators"]
        is_adjusted = ((series.product != 1) | (series.factor != 1))[shown]
        columns: list[list[Any]] = [
            dates,
            *(_numbers(series.fields[name][shown], is_adjusted) for name in ROUNDED),
            _numbers(series.fields["amount"][shown], np.zeros(len(shown), dtype=bool)),
        ]
        drawn = _rows(list(values), [_nulls(significant(array[shown], INDICATOR_DIGITS)) for array in values.values()])
        columns.append(drawn or [{} for _ in dates])
        if self.fields is None:
            return _whole(columns), shown
        selected = [n for n, name in enumerate(names) if name in self.fields]
        return _rows([names[n] for n in selected], [columns[n] for n in selected]), shown

    def columns(self, names: list[str]) -> list[downloads.Column]:
        """The columns: date, the fields, and one for each indicator."""
        own = [downloads.column("date", pa.date32())]
        own += [downloads.column(name, pa.float64()) for name in FIELDS]
        selected = [column for column in own if self.fields is None or column.name in self.fields]
        if self.fields is None or "indicators" in self.fields:
            selected += [downloads.Column(name, ("indicators", name), pa.float64()) for name in names]
        return selected


def _rows(names: list[str], columns: list[list[Any]]) -> list[dict[str, Any]]:
    """Columns as rows; none without columns."""
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _whole(columns: list[list[Any]]) -> list[dict[str, Any]]:
    """The same of all members of a bar, in a third of the time."""
    return [
        {
            "date": day,
            "open": opened,
            "high": high,
            "low": low,
            "close": close,
            "volume": volume,
            "amount": amount,
            "indicators": drawn,
        }
        for day, opened, high, low, close, volume, amount, drawn in zip(*columns, strict=True)
    ]


def _numbers(values: Floats, is_rounded: Bools) -> list[Any]:
    """The values, rounded where `is_rounded`; whole numbers where all of them are."""
    rounded = np.where(is_rounded, significant(values, DIGITS), values)
    whole = rounded.astype(np.int64)
    numbers: list[Any] = (whole if np.array_equal(whole, rounded) else rounded).tolist()
    return numbers


def _nulls(array: Any) -> list[float | None]:
    """The values, None for NaN."""
    values: list[float | None] = array.tolist()
    if np.isnan(array).any():
        return [None if value != value else value for value in values]
    return values


def _since(last: date, period: str) -> np.datetime64:
    """The first day of a period that ends with `last`."""
    months = PERIODS[period]
    if not months:
        return np.datetime64("0001-01-01")
    year, month = divmod(12 * last.year + last.month - 1 - months, 12)
    day = min(last.day, monthrange(year, month + 1)[1])
    return np.datetime64(date(year, month + 1, day))


def _begin(history: History, series: History, shown: Any) -> date:
    """The first day that the bars shown span."""
    first = series.days[shown[0] - 1] + 1 if len(shown) and shown[0] else history.days[0]
    begins: date = first.item()
    return begins
