"""Numbers as JSON has them: null where nothing gives one, percent always percent; and those a caller gives."""

from __future__ import annotations

import math
from typing import Any

from rest_framework import serializers

from scans.models.versions import MOST_LIMIT


class Number(serializers.FloatField):
    """A number, null where nothing gives one: JSON has no NaN."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_null=True, **options)

    def to_representation(self, value: float) -> float | None:  # type: ignore[override]
        return float(value) if math.isfinite(value) else None


class Percent(Number):
    """A fraction as percent, to ten significant digits."""

    def to_representation(self, value: float) -> float | None:  # type: ignore[override]
        return float(f"{100 * value:.10g}") if math.isfinite(value) else None


class Limits(serializers.DictField):
    """Segment -> how many of its largest turnovers take part."""

    child = serializers.IntegerField(min_value=1, max_value=MOST_LIMIT)
