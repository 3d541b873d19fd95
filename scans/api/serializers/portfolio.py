"""The body of a portfolio."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from scans.api.fields import Number, Percent
from scans.operations.evaluation.portfolio import ENDINGS, PortfolioReport, Position


class RulesBody(serializers.Serializer[Any]):
    """The rules of a portfolio."""

    slots = serializers.IntegerField(help_text="Equal slots, one position each")
    capital = Number(help_text="In currency")
    share_pct = Percent(source="share", help_text="Largest order, of the mean turnover of 20 sessions")


class PositionBody(serializers.Serializer[Position]):
    """A trade of a portfolio; prices as traded on their sessions."""

    code = serializers.CharField()
    name = serializers.CharField(allow_blank=True)
    picked_on = serializers.DateField()
    rank = serializers.IntegerField()
    entered_on = serializers.DateField()
    entry = Number(help_text="The open")
    exit_on = serializers.DateField(allow_null=True, help_text="Null: still open")
    exit = serializers.FloatField(allow_null=True)
    status = serializers.ChoiceField(
        choices=ENDINGS,
        help_text="How it ended. suspect: a suspected corporate action, sold at the close before it",
    )
    order = Number(help_text="Money spent, in currency")
    gain_pct = Percent(source="gain", help_text="After costs")


class CurvePoint(serializers.Serializer[Any]):
    """A session's close, in currency."""

    date = serializers.DateField()
    equity = Number()
    invested = Number()
    equal = serializers.FloatField(allow_null=True, help_text="The capital in the market, equal weights")
    cap = serializers.FloatField(allow_null=True, help_text="The capital in the market, cap weights")


class PortfolioBody(serializers.Serializer[Any]):
    """The published picks of a version, traded: bought at the next open only, sold as plans say by order prices and
    gaps, after costs. `gone` instruments have no bar at the end: where none are gone, the record holds survivors only,
    and returns are too good."""

    market = serializers.CharField()
    currency = serializers.CharField()
    scanner_version = serializers.CharField()
    rules = RulesBody()
    first = serializers.DateField(help_text="First session picked on")
    last = serializers.DateField(help_text="Last session picked on")
    return_pct = Percent(source="gain")
    drawdowns_pct = serializers.DictField(
        child=serializers.FloatField(allow_null=True), help_text="The deepest fall of portfolio, equal and cap"
    )
    exposure_pct = Percent(source="exposure", help_text="Mean share that was invested")
    costs_paid = Number(source="paid", help_text="In currency")
    counts = serializers.DictField(
        child=serializers.IntegerField(),
        help_text="What became of the picks: without a plan, not bought at the open, no free slot, already in the "
        "portfolio, no cash, bought",
    )
    endings = serializers.DictField(child=serializers.IntegerField(), help_text="How positions ended")
    instruments = serializers.IntegerField()
    gone = serializers.IntegerField()
    curve = CurvePoint(many=True)
    positions = PositionBody(many=True)


def portfolio_body(report: PortfolioReport, *, market: str, currency: str, version: str) -> dict[str, Any]:
    """A report as its body has it."""
    columns = [report.equity, report.invested, *(curve or [None] * len(report.equity) for curve in report.curves)]
    names = ("date", "equity", "invested", "equal", "cap")
    return {
        "market": market,
        "currency": currency,
        "scanner_version": version,
        "drawdowns_pct": {
            name: None if value is None else round(100 * value, 8) for name, value in report.drawdowns.items()
        },
        "curve": [dict(zip(names, row, strict=True)) for row in zip(report.sessions, *columns, strict=True)],
        **{
            name: getattr(report, name)
            for name in (
                *("rules", "first", "last", "gain", "exposure", "paid", "counts", "endings"),
                *("instruments", "gone", "positions"),
            )
        },
    }
