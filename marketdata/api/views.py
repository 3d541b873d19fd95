"""Base views of the API below a market: single objects, and lists with pages and downloads."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import Model, QuerySet
from django.http.response import HttpResponseBase
from rest_framework.request import Request
from rest_framework.serializers import Serializer

from marketdata.markets import Market, UnknownMarket, get_market
from marketdata.nearest_name import did_you_mean
from marketdata.queries import instruments
from marketdata.queries.instruments import Generations
from marketdata.web.api import downloads, serializers, views
from marketdata.web.api.pagination import ListPagination
from marketdata.web.api.problems import Problem
from marketdata.web.api.response_cache import StateTimes
from marketdata.web.api.views import download_rows


class RecordView(views.BaseView):
    """A view of recorded data, whose state is the generations of the database."""

    generations: Generations

    def recorded_generations(self) -> Generations:
        request = self.request._request
        holder = request if hasattr(request, "generations") else getattr(request, "session", None)
        generations: Generations | None = getattr(holder, "generations", None)
        return instruments.get_generations() if generations is None else generations


class MarketView(RecordView):
    """A view below /api/{market}/."""

    market: Market

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        self.market = market_or_404(kwargs["market"], self.generations)

    def get_serializer_context(self) -> dict[str, Any]:
        context = super().get_serializer_context()
        return {**context, "market": getattr(self, "market", None)}

    @classmethod
    def state_of(cls, generations: Mapping[str, datetime], market: str = "") -> StateTimes | None:
        own = super().state_of(generations, market)
        return None if own is None else [*own, generations.get(market)]


class InstrumentView(MarketView):
    """A view of one instrument, `code` of the address, whose answers change with it and with its market as a whole,
    but not with another instrument alone."""

    def state(self) -> StateTimes | None:
        market, code = self.kwargs["market"], self.kwargs["code"]
        own = super(MarketView, self).state_of(self.generations)
        return None if own is None else [*own, self.generations.get_instrument_time(market, code)]

    def market_state(self) -> StateTimes:
        """The state of answers on the whole market."""
        return self.state_of(self.generations, self.market.name) or []


class RecordList(RecordView):
    """A list of recorded rows, page by page or as a table. A subclass defines `rows` and their serializer."""

    model: type[Model]
    paginator: ListPagination

    def row(self) -> type[Serializer[Any]] | None:
        return self.serializer_class  # type: ignore[return-value]

    def get_queryset(self) -> QuerySet[Any]:
        if getattr(self, "swagger_fake_view", False):  # the schema is made without a request
            return self.model._default_manager.none()
        return self.rows()

    def rows(self) -> QuerySet[Any]:
        """The rows of the list, before filters."""
        raise NotImplementedError

    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if self.form != "json":
            return self.download_response(self.table(self.filter_queryset(self.get_queryset())))
        return self.cached_response(lambda: self.page(self.filter_queryset(self.get_queryset())))

    def page(self, rows: QuerySet[Any]) -> Any:
        """The body of the requested page."""
        page = self.paginator.paginate_queryset(rows, self.request, self)
        results = serializers.serialize_list(self.get_serializer(page, many=True), self.fields)
        return self.paginator.get_paginated_response(results).data

    def table(self, rows: QuerySet[Any]) -> downloads.Table:
        """The rows as a table (see `download_rows`)."""
        serializer = serializers.select_members(self.get_serializer(), self.fields)
        records = download_rows(self.paginator, rows, self.request)
        return downloads.Table(downloads.columns(serializer), (serializer.to_representation(row) for row in records))


class MarketList(RecordList, MarketView):
    """A list of a market."""


def market_or_404(name: str, generations: Mapping[str, datetime]) -> Market:
    """The market of that name; a Problem (404) unless it is built in or has recorded data."""
    names = instruments.list_markets(generations)
    if name not in names:
        raise Problem(
            "unknown_market",
            f"Unknown market {name!r}: the known ones are {', '.join(names)}.{did_you_mean(name, names)}",
            known=names,
        )
    try:
        return get_market(name)
    except UnknownMarket as error:
        raise Problem("unknown_market", str(error), known=names) from error
