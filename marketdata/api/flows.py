"""Investor flow over the API."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from marketdata.api.schema import CODE, MARKET
from marketdata.api.stocks import instrument_or_404
from marketdata.api.views import MarketList
from marketdata.models import InstitutionalFlow
from marketdata.panel import FLOW_FIELDS
from marketdata.queries import flows
from marketdata.web.api.filters import Filters
from marketdata.web.api.pagination import ListPagination
from marketdata.web.api.schema import NOT_MODIFIED, error_responses

FlowFilter: Any = type(
    "FlowFilter",
    (Filters,),
    {
        "from": django_filters.DateFilter("date", "gte", help_text="This day or later, e.g. 2024-05-02"),
        "to": django_filters.DateFilter("date", "lte", help_text="This day or before, e.g. 2024-05-31"),
    },
)


class FlowRow(serializers.ModelSerializer[InstitutionalFlow]):
    """Net buying (bought - sold) of kinds of investors on one session, as one source gave it: quantities in shares,
    values in `currency`; negative where more was sold, null where the source says nothing."""

    currency = serializers.SerializerMethodField()

    class Meta:
        model = InstitutionalFlow
        fields = ("date", "source", "currency", *FLOW_FIELDS)

    def get_currency(self, _: InstitutionalFlow) -> str:
        currency: str = self.context["market"].currency
        return currency


class FlowPagination(ListPagination):
    """The earliest first."""

    orders = {"date": ("date", "pk")}


class StockFlows(MarketList):
    """The net buying of an instrument, session by session and source by source, the earliest first."""

    model = InstitutionalFlow
    serializer_class = FlowRow
    filterset_class = FlowFilter
    pagination_class = FlowPagination
    depends = ()

    def rows(self) -> QuerySet[InstitutionalFlow]:
        return flows.get_flows(self.market.name, self.kwargs["code"])

    @extend_schema(
        operation_id="stock_flows",
        tags=["stocks"],
        parameters=[MARKET, CODE],
        responses={200: FlowRow(many=True), **NOT_MODIFIED, **error_responses(400, 404)},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.kwargs["code"] = instrument_or_404(self.market.name, kwargs["code"]).code
        return super().get(request, *args, **kwargs)
