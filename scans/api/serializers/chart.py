"""The body of a chart."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers


class ChartBar(serializers.Serializer[Any]):
    """One bar. Prices in the currency named; a session without a trade stands where the one before it closed."""

    date = serializers.DateField(help_text="The last session of the week or month")
    open = serializers.FloatField()
    high = serializers.FloatField()
    low = serializers.FloatField()
    close = serializers.FloatField()
    volume = serializers.FloatField(help_text="Adjusted bars: volume too")
    amount = serializers.FloatField(help_text="What was paid, never adjusted")
    indicators = serializers.DictField(child=serializers.FloatField(allow_null=True))


class Factor(serializers.Serializer[Any]):
    """A corporate action: base price of the day / raw close before."""

    date = serializers.DateField()
    factor = serializers.FloatField()


class Mark(serializers.Serializer[Any]):
    """A version picked the instrument on this day."""

    date = serializers.DateField()
    scanner_version = serializers.CharField()
    rank = serializers.IntegerField()
    score = serializers.FloatField()
    label = serializers.CharField()  # type: ignore[assignment]
    strategy = serializers.CharField()


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
