"""Instruments over the API."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from marketdata.api.forms import Stock, StockDetail
from marketdata.api.schema import CODE, MARKET
from marketdata.api.views import InstrumentView, MarketList
from marketdata.models import Instrument
from marketdata.queries import instrument_search, instruments
from marketdata.web.api.filters import Filters
from marketdata.web.api.pagination import CodePagination
from marketdata.web.api.problems import Problem
from marketdata.web.api.response_cache import make_response_cache
from marketdata.web.api.schema import NOT_MODIFIED, error_responses


class StockFilter(Filters):
    search = django_filters.CharFilter(
        method="search_instruments", max_length=120, help_text="Part of a name, or the beginning of a code, e.g. 0059"
    )
    segment = django_filters.CharFilter(max_length=20, help_text="e.g. KOSPI")
    kind = django_filters.CharFilter(max_length=12, help_text="e.g. common")

    def search_instruments(self, rows: QuerySet[Instrument], _: str, text: str) -> QuerySet[Instrument]:
        return instrument_search.search_instruments(rows, text)


class Stocks(MarketList):
    """Instruments of the market, by code."""

    model = Instrument
    serializer_class = Stock
    filterset_class = StockFilter
    pagination_class = CodePagination
    depends = ()
    response_cache = make_response_cache("instruments", "stocks")

    def rows(self) -> QuerySet[Instrument]:
        return instruments.get_instruments(self.market.name)

    @extend_schema(
        operation_id="stocks",
        tags=["stocks"],
        parameters=[MARKET],
        responses={200: Stock(many=True), **NOT_MODIFIED, **error_responses(400, 404)},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return super().get(request, *args, **kwargs)


class OneStock(InstrumentView):
    """One instrument: what it is, its latest bar, and the statements on its membership."""

    serializer_class = StockDetail
    pagination_class = None
    depends = ()

    @extend_schema(
        operation_id="stock",
        tags=["stocks"],
        parameters=[MARKET, CODE],
        responses={200: StockDetail, **NOT_MODIFIED, **error_responses(400, 404)},
    )
    def get(self, request: Request, market: str, code: str) -> HttpResponseBase:
        instrument = instruments.prefetch_statuses(instrument_or_404(self.market.name, code))
        context = {"market": self.market, "latest_bar": instruments.get_latest_bar(instrument)}
        return self.json_response(StockDetail(instrument, context=context).data)


def instrument_or_404(market: str, code: str) -> Instrument:
    """The instrument of that code; a Problem (404) where the market has none."""
    row = instruments.get_instrument(market, code)
    if row is None:
        near = instrument_search.similar_codes(code, market)
        raise Problem(
            "unknown_stock",
            f"Market {market} has no instrument {code!r}: /api/{market}/stocks?search= finds them."
            + (f" Did you mean {' or '.join(near)}?" if near else ""),
            similar=near,
        )
    return row
