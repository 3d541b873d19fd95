"""Serializer fields of numbers: null for NaN, fractions as percent, limits."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any

from rest_framework import serializers

from scans.models.versions import MOST_LIMIT


class Number(serializers.FloatField):
    """A number; NaN, which JSON lacks, is null."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_null=True, **options)

    def to_representation(self, value: float) -> float | None:  # type: ignore[override]
        return float(value) if math.isfinite(value) else None


class Percent(Number):
    """A fraction as percent, to ten significant digits."""

    def to_representation(self, value: float) -> float | None:  # type: ignore[override]
        return float(f"{100 * value:.10g}") if math.isfinite(value) else None


class ZonedTime(serializers.DateTimeField):
    """A moment in its own time zone, with the offset: 2026-08-21T15:30:00+09:00."""

    def to_representation(self, value: datetime) -> str:
        return value.isoformat()


class Limits(serializers.DictField):
    """Segment -> number of its instruments, by turnover, that take part."""

    child = serializers.IntegerField(min_value=1, max_value=MOST_LIMIT)
