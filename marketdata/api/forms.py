"""The bodies of marketdata's part of the API."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from marketdata.models import Instrument, InstrumentStatus, StockPrice
from marketdata.web.api.serializers import PlannedSerializer


class Stock(PlannedSerializer, serializers.ModelSerializer[Instrument]):
    """An instrument; name, kind and segment are the latest known."""

    class Meta:
        model = Instrument
        fields = ("code", "name", "kind", "segment", "first_bar", "last_bar")


class StatusRun(serializers.ModelSerializer[InstrumentStatus]):
    """The status of an instrument by one source, from `valid_from` to `valid_to`; null: it does not know."""

    class Meta:
        model = InstrumentStatus
        fields = ("source", "valid_from", "valid_to", "segment", "department", "kind", "managed", "caution")


class Bar(serializers.ModelSerializer[StockPrice]):
    """A raw daily bar; prices in the currency that stands beside it."""

    class Meta:
        model = StockPrice
        fields = (
            "date",
            "source",
            "open",
            "high",
            "low",
            "close",
            "volume",
            "amount",
            "base_price",
            "market_cap",
            "shares",
        )


class StockDetail(Stock):
    """An instrument with its currency, its latest raw bar and everything that was said of its membership."""

    market = serializers.CharField()
    currency = serializers.SerializerMethodField()
    latest_bar = serializers.SerializerMethodField()
    statuses = StatusRun(many=True)

    class Meta(Stock.Meta):
        fields = ("market", "currency", *Stock.Meta.fields, "latest_bar", "statuses")  # type: ignore[assignment]

    def get_currency(self, _: Instrument) -> str:
        currency: str = self.context["market"].currency
        return currency

    @extend_schema_field(Bar(allow_null=True))
    def get_latest_bar(self, _: Instrument) -> Any:
        bar = self.context["latest_bar"]
        return Bar(bar).data if bar else None
