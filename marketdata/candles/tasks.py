"""The tasks of candles, which the task queue calls by these names; each reads the clock and makes one call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.utils import timezone

from marketdata.candles.operations import group
from marketdata.operations.tasks.attempts import tracked


@tracked
def collect_candles(source: str, requests: Sequence[Mapping[str, Any]]) -> str:
    """Collect candles of several series, each a member of a group; returns the result as text."""
    return group.collect_series(source, requests, as_of=timezone.now())


@tracked
def collect_series(source: str, request: Mapping[str, Any], as_of: str) -> dict[str, Any]:
    """Collect the candles of one series, a member of a group; returns its outcome."""
    return group.collect_member(source, request, as_of=datetime.fromisoformat(as_of))
