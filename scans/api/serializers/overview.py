"""The body of an instrument's overview: everything that is kept of it, in short."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from marketdata.api.forms import StockDetail
from marketdata.queries.bar_summary import MONTH, YEAR
from scans.api.fields import Percent
from scans.api.serializers.flows import Flow
from scans.api.serializers.scans import Pick
from scans.api.serializers.signals import SignalBody

LATEST = 20
"""Picks and signals that are named."""


class BarSummaryBody(serializers.Serializer[Any]):
    """The instrument's bars in short, adjusted up to the last one."""

    first = serializers.DateField(help_text="First bar of its present life, without a missing session since")
    last = serializers.DateField(help_text="Last bar")
    bars = serializers.IntegerField(help_text="Recorded bars from first to last")
    high = serializers.FloatField(help_text=f"Highest price of {YEAR} sessions")
    low = serializers.FloatField(help_text=f"Lowest price of {YEAR} sessions")
    amount = serializers.FloatField(help_text=f"Mean traded amount of {MONTH} sessions, in the currency named")
    return_1_pct = Percent(source="return_1", help_text="From the session before; null: no bar before")
    return_5_pct = Percent(source="return_5", help_text="Over 5 sessions; null: fewer bars")
    return_20_pct = Percent(source="return_20", help_text="Over 20 sessions; null: fewer bars")
    return_60_pct = Percent(source="return_60", help_text="Over 60 sessions; null: fewer bars")
    return_250_pct = Percent(source="return_250", help_text="Over 250 sessions; null: fewer bars")


class ValuationBody(serializers.Serializer[Any]):
    """A source's valuation of the share; null where it says nothing, which is not 0."""

    source = serializers.CharField()  # type: ignore[assignment]
    read_at = serializers.DateTimeField(help_text="When the source was read")
    per = serializers.FloatField(allow_null=True, help_text="Price / earnings a share")
    eps = serializers.FloatField(allow_null=True, help_text="Earnings a share, in the currency named")
    pbr = serializers.FloatField(allow_null=True, help_text="Price / book value")


class OverviewBody(StockDetail):
    """An instrument in one answer. Prices of the latest bar are raw, those of the summary adjusted."""

    bars = BarSummaryBody(allow_null=True, help_text="Null: no bars")
    valuation = ValuationBody(allow_null=True, help_text="Null: no source gives one")
    tick = serializers.FloatField(allow_null=True, help_text="The tick at the last close; null without a tick table")
    flow = Flow(allow_null=True, help_text="Up to the last bar; null: nothing is recorded")
    picks = Pick(many=True, help_text=f"The latest {LATEST} of every version, each with its plan and order prices")
    signals = serializers.SerializerMethodField(help_text=f"The latest {LATEST}, with the distance of the last close")

    class Meta(StockDetail.Meta):
        fields = (*StockDetail.Meta.fields, "bars", "valuation", "tick", "flow", "picks", "signals")  # type: ignore[assignment]

    @extend_schema_field(SignalBody(many=True))
    def get_signals(self, instrument: Any) -> Any:
        return SignalBody(instrument.signals, many=True, context=self.context).data
