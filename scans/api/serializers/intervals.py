"""Confidence intervals as bodies of the API."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from scans.api.fields import Percent


class Bounds(serializers.Serializer[Any]):
    """A 95 % interval by block bootstrap, which knows that holdings overlap; null where the sessions are too few."""

    low_pct = Percent(source="low")
    high_pct = Percent(source="high")
