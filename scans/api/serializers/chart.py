"""The body of a chart."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from scans.models import SignalStatus


class ChartBar(serializers.Serializer[Any]):
    """One bar. Prices in the currency named; a session without a trade has the close before it. What is adjusted is
    rounded to six significant digits, indicators to ten."""

    date = serializers.DateField(help_text="The last session of the week or month")
    open = serializers.FloatField()
    high = serializers.FloatField()
    low = serializers.FloatField()
    close = serializers.FloatField()
    volume = serializers.FloatField(help_text="Adjusted bars: volume too")
    amount = serializers.FloatField(help_text="What was paid, never adjusted")
    indicators = serializers.DictField(child=serializers.FloatField(allow_null=True))


class Factor(serializers.Serializer[Any]):
    """A corporate action. An adjusted price is the raw price times the factors of all later days, an adjusted volume
    the raw volume divided by them; amounts are never adjusted. So a level in the raw prices of a day, such as a target,
    is drawn over adjusted bars at the level times the factors of all later days."""

    date = serializers.DateField(help_text="The first day in the new prices; its own bar is not multiplied")
    factor = serializers.FloatField(help_text="Base price of the day / raw close of the session before")


class Outcome(serializers.Serializer[Any]):
    """The outcome of a pick's plan."""

    status = serializers.ChoiceField(choices=SignalStatus.choices)
    return_pct = serializers.FloatField(allow_null=True, help_text="Of the entry, adjusted; null: not entered")
    exit_on = serializers.DateField(allow_null=True, help_text="Null: not ended")


class Mark(serializers.Serializer[Any]):
    """A version picked the instrument on this day."""

    date = serializers.DateField()
    scanner_version = serializers.CharField()
    rank = serializers.IntegerField()
    score = serializers.FloatField()
    label = serializers.CharField()  # type: ignore[assignment]
    strategy = serializers.CharField()
    outcome = Outcome(allow_null=True, help_text="Of its signal; null: it has no plan, or none was followed yet")


class Chart(serializers.Serializer[Any]):
    """An instrument's bars, ascending, and what is drawn over them."""

    market = serializers.CharField()
    currency = serializers.CharField()
    code = serializers.CharField()
    name = serializers.CharField(allow_blank=True)
    period = serializers.CharField()
    interval = serializers.CharField()
    adjusted = serializers.BooleanField()
    indicators = serializers.ListField(child=serializers.CharField())
    bars = ChartBar(many=True)
    factors = Factor(many=True, help_text="What adjusted bars are adjusted for, of the days shown")
    marks = Mark(many=True, help_text="Ascending by day, then by version")
