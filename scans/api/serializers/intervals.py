"""Excess returns over benchmarks as bodies of the API."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from scans.api.fields import Percent


class Bounds(serializers.Serializer[Any]):
    """The 95 % interval of the calendar-time portfolio (Newey-West), in which each date counts alike; null where the
    sessions are too few."""

    low_pct = Percent(source="low")
    high_pct = Percent(source="high")


class ExcessBody(serializers.Serializer[Any]):
    """Returns after costs less those of a benchmark over the same sessions, percent. `coverage_pct`: the share of the
    judged picks that have this benchmark; those by market cap need a cap of 90 % of its members."""

    mean_pct = Percent(source="mean", help_text="Over picks")
    by_date_pct = Percent(source="by_date", help_text="Of the calendar-time portfolio: the middle of the interval")
    error_pct = Percent(source="error", help_text="Standard error of the calendar-time portfolio")
    interval = Bounds()
    coverage_pct = Percent(source="coverage")


class ExcessesBody(serializers.Serializer[Any]):
    """The excess over what could be picked on the day of the pick: alike, by market cap, in the pick's own segment, and
    over what is like the pick in size, volatility and return."""

    equal = ExcessBody()
    cap = ExcessBody()
    segment = ExcessBody()
    matched = ExcessBody()
