"""The bodies of signals: picks with a plan, what became of them, and how far the last close is from their ends."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from rest_framework import serializers

from marketdata.record import Days
from marketdata.web.api.serializers import PlannedSerializer
from scans.api.fields import Percent
from scans.api.serializers.plans import Plan
from scans.models import Signal
from scans.queries.signal_distances import signal_distances

AT_ONCE = 500
DISTANCES = ("last_close", "last_close_on", "to_target_pct", "to_stop_pct")


class SignalListSerializer(serializers.ListSerializer[Any]):
    """A list of signals, their distances computed together."""

    def to_representation(self, data: Any) -> list[Any]:
        rows = list(data)
        row: Any = self.child
        if any(row.includes(name) for name in DISTANCES):
            attach_distances(rows)
        return super().to_representation(rows)


class SignalBody(PlannedSerializer, serializers.ModelSerializer[Signal]):
    """A pick with a plan, and what became of it. Prices are raw, each of its own day; `return_pct` is percent of the
    entry, adjusted. The distances are percent of the last close, to the plan's order prices (exact levels where the
    market has no tick grid), adjusted for corporate actions since the pick."""

    scanner_version = serializers.CharField(source="version_slug")
    name = serializers.CharField()
    rank = serializers.IntegerField(source="picked_rank")
    currency = serializers.SerializerMethodField()
    plan = Plan(source="*")
    last_close = serializers.FloatField(
        source="distance.close",
        allow_null=True,
        help_text="The instrument's last raw close; null: none in five sessions",
    )
    last_close_on = serializers.DateField(source="distance.day", allow_null=True, help_text="The day of the last close")
    to_target_pct = Percent(
        source="distance.to_target", help_text="From the last close to the target; null once it has ended"
    )
    to_stop_pct = Percent(
        source="distance.to_stop", help_text="From the last close to the stop; null once it has ended"
    )

    class Meta:
        model = Signal
        list_serializer_class = SignalListSerializer
        fields = (
            "code",
            "name",
            "scanner_version",
            "picked_on",
            "rank",
            "status",
            "currency",
            "plan",
            "entered_on",
            "entry_price",
            "exit_on",
            "exit_price",
            "return_pct",
            "bound_pct",
            "sessions_held",
            "last_close",
            "last_close_on",
            "to_target_pct",
            "to_stop_pct",
            "seen_until",
            "revision",
        )

    def get_currency(self, _: Signal) -> str:
        currency: str = self.context["market"].currency
        return currency


def attach_distances(signals: Sequence[Signal], calendar: Days | None = None) -> None:
    """Set `distance` of each signal that lacks it; all are of one market, whose sessions are `calendar`."""
    signals = [signal for signal in signals if not hasattr(signal, "distance")]
    distances = signal_distances(signals[0].market, signals, calendar) if signals else {}
    for signal in signals:
        signal.distance = distances[signal.pk]  # type: ignore[attr-defined]


def with_distances(signals: Iterable[Signal]) -> Iterator[Signal]:
    """The signals, each with its `distance`, computed many at a time."""
    every = iter(signals)
    while batch := list(itertools.islice(every, AT_ONCE)):
        attach_distances(batch)
        yield from batch
