"""The bodies and parameters of candles over the API."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from rest_framework import serializers

from marketdata.candles.collector.fill import EmptySlots
from marketdata.candles.collector.gaps import GapReason
from marketdata.candles.collector.timeframes import TIMEFRAMES
from marketdata.web.api.parsers import ChoiceField

PRICES = ("open", "high", "low", "close", "volume", "amount")


def _timeframe(**options: Any) -> ChoiceField:
    return ChoiceField(choices=list(TIMEFRAMES), help_text="The length of a candle, e.g. 1m", **options)


def _time(text: str) -> serializers.DateTimeField:
    return serializers.DateTimeField(required=False, default_timezone=UTC, help_text=text)


RANGE: dict[str, Any] = {
    "from": _time("The first slot; UTC without a zone, e.g. 2025-09-01T00:00:00Z"),
    "to": _time("The end, exclusive, e.g. 2025-09-01T03:20:00Z"),
}
RangeParameters: Any = type(
    "RangeParameters", (serializers.Serializer,), {"timeframe": _timeframe(default="1m"), **RANGE}
)
CandleParameters: Any = type(
    "CandleParameters",
    (RangeParameters,),
    {
        "empty": ChoiceField(
            choices=[str(option) for option in EmptySlots],
            default=str(EmptySlots.FORWARD),
            help_text="Slots without trades: with the close before, null, or dropped, e.g. forward",
        )
    },
)


class CollectionParameters(serializers.Serializer[Any]):
    timeframe = _timeframe(required=False)


class CandleRow(serializers.Serializer[Any]):
    """A candle, or a slot without trades."""

    opened = serializers.DateTimeField(help_text="Its opening, UTC")
    open = serializers.FloatField(allow_null=True, help_text="First price")
    high = serializers.FloatField(allow_null=True, help_text="Highest price")
    low = serializers.FloatField(allow_null=True, help_text="Lowest price")
    close = serializers.FloatField(allow_null=True, help_text="Last price")
    volume = serializers.FloatField(allow_null=True, help_text="Coins traded")
    amount = serializers.FloatField(allow_null=True, help_text="Money traded, in the quote currency")
    empty = serializers.BooleanField(help_text="Nothing traded in this slot")


class _SeriesBody(serializers.Serializer[Any]):
    source = serializers.CharField(help_text="The exchange")  # type: ignore[assignment]
    code = serializers.CharField(help_text="The market's code")
    timeframe = _timeframe()


_TIMES: dict[str, Any] = {
    "from": serializers.DateTimeField(help_text="The first slot, UTC"),
    "to": serializers.DateTimeField(help_text="The end, exclusive, UTC"),
}
CandlesBody: Any = type(
    "CandlesBody",
    (_SeriesBody,),
    {
        "__doc__": "The candles of a range, ascending.",
        **_TIMES,
        "verified": serializers.FloatField(help_text="Share of the slots that the exchange has answered for, 0..1"),
        "candles": CandleRow(many=True, help_text="One for each slot, or for each with trades"),
    },
)
VerifiedBody: Any = type("VerifiedBody", (serializers.Serializer,), {"__doc__": "A verified interval.", **_TIMES})
GapBody: Any = type(
    "GapBody",
    (serializers.Serializer,),
    {
        "__doc__": "Consecutive slots without a candle, of one reason.",
        **_TIMES,
        "slots": serializers.IntegerField(help_text="Their number"),
        "reason": ChoiceField(choices=[str(reason) for reason in GapReason], help_text="Why there is no candle"),
    },
)
CoverageBody: Any = type(
    "CoverageBody",
    (_SeriesBody,),
    {
        "__doc__": "What is recorded of a range: verified intervals, gaps, and the share in the cache.",
        **_TIMES,
        "slots": serializers.IntegerField(help_text="Slots of the range"),
        "verified": serializers.FloatField(help_text="Share of the slots that the exchange has answered for, 0..1"),
        "cached": serializers.FloatField(help_text="Share of the slots in this process's cache, 0..1"),
        "interval_count": serializers.IntegerField(help_text="Verified intervals of the range"),
        "intervals": VerifiedBody(many=True, help_text="The newest of them"),
        "gap_count": serializers.IntegerField(help_text="Gaps of the range"),
        "gaps": GapBody(many=True, help_text="The longest of them, by time"),
    },
)
CollectionRow: Any = type(
    "CollectionRow",
    (serializers.Serializer,),
    {
        "__doc__": "A collection: its request, its progress and its cost.",
        "number": serializers.IntegerField(help_text="Its number"),
        "timeframe": _timeframe(),
        **_TIMES,
        "status": serializers.CharField(help_text="running, done, stopped or failed"),
        "reason": serializers.CharField(help_text="count, end, history_start or error; empty while it runs"),
        "error": serializers.CharField(help_text="Why it stopped; else empty"),
        "done": serializers.FloatField(help_text="Share of its slots that are settled, 0..1"),
        "remaining_seconds": serializers.FloatField(allow_null=True, help_text="At its speed; null: unknown or ended"),
        "rows": serializers.IntegerField(help_text="Candles of its answers"),
        "calls": serializers.IntegerField(help_text="Calls, repeated ones included"),
        "retries": serializers.IntegerField(help_text="Repeated calls"),
        "cache_hits": serializers.IntegerField(help_text="Chunks that the cache covered"),
        "chunks": serializers.IntegerField(help_text="Its steps with a call"),
        "seconds": serializers.FloatField(help_text="Seconds of all steps"),
        "memory_peak": serializers.IntegerField(allow_null=True, help_text="Most bytes of its process, where sampled"),
        "pattern": serializers.CharField(help_text="sequential, dense, mixed or sparse; empty while unknown"),
        "eta_error": serializers.FloatField(allow_null=True, help_text="Largest error of its remaining time"),
        "started_at": serializers.DateTimeField(help_text="Its start"),
        "ended_at": serializers.DateTimeField(allow_null=True, help_text="Its end; null while it runs"),
    },
)


class CollectionsBody(serializers.Serializer[Any]):
    """The latest collections of a market, newest first."""

    source = serializers.CharField(help_text="The exchange")  # type: ignore[assignment]
    code = serializers.CharField(help_text="The market's code")
    collections = CollectionRow(many=True, help_text="At most 50")
