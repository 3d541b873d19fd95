"""Models of candles of all exchanges, markets and timeframes, and of their collections.

One table holds every candle. Moments are whole seconds since 1970-01-01 UTC, as in all arithmetic on candles; names of
timeframes differ in more than their case (1m, 1mo), so that minutes and months never mix.
"""

from __future__ import annotations

from datetime import UTC, datetime

from django.db import models
from django.utils.translation import gettext as _

from marketdata.market_time import utc_time
from marketdata.number_format import format_number


class CandleSeries(models.Model):
    """One timeframe of one market of one exchange: the owner of candles, coverage and collections."""

    id = models.AutoField(primary_key=True)  # four bytes: each candle carries it
    exchange = models.CharField(max_length=24)
    market = models.CharField(max_length=24)
    timeframe = models.CharField(max_length=4)
    offset = models.IntegerField(default=0, help_text="Seconds that the clock which opens its slots is ahead of UTC")
    listed = models.BigIntegerField(
        null=True, help_text="Opening of the market's first candle; empty while it is unknown"
    )

    history_claimed_at = models.BigIntegerField(
        default=0, help_text="When an answer first showed that history begins there"
    )
    history_confirmed = models.BooleanField(default=False, help_text="The answer of a later collection agreed")
    empty_before = models.BigIntegerField(
        null=True, help_text="An answer had no candle before this; it verifies no slot yet"
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["exchange", "market", "timeframe"], name="candle_series_key")]
        ordering = ["exchange", "market", "timeframe"]
        verbose_name_plural = "candle series"

    def __str__(self) -> str:
        return f"{self.exchange} {self.market} {self.timeframe}"


class Candle(models.Model):
    """One candle. Slots without trades are not rows. Prices in the quote currency; `ticked_ms` is the time of the last
    tick in milliseconds since 1970 UTC, 0 where the source has none."""

    pk = models.CompositePrimaryKey("series_id", "opened")
    series = models.ForeignKey(CandleSeries, on_delete=models.CASCADE, related_name="candles", db_index=False)
    opened = models.BigIntegerField()
    open = models.FloatField()
    high = models.FloatField()
    low = models.FloatField()
    close = models.FloatField()
    volume = models.FloatField()
    amount = models.FloatField()
    ticked_ms = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.series}, {_utc(self.opened)}: {format_number(self.close)}"


class CandleCoverage(models.Model):
    """A verified interval [start, end), with or without trades. Intervals of one series neither overlap nor touch."""

    series = models.ForeignKey(CandleSeries, on_delete=models.CASCADE, related_name="verified", db_index=False)
    start = models.BigIntegerField()
    end = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["series", "start"], name="candle_coverage_start"),
            models.CheckConstraint(condition=models.Q(end__gt=models.F("start")), name="candle_coverage_order"),
        ]
        verbose_name_plural = "candle coverage"

    def __str__(self) -> str:
        return _("%(first)s to %(last)s") % {"first": _utc(self.start), "last": _utc(self.end)}


class CandleCollection(models.Model):
    """A request for the candles of [start, end) and its result. Progress is derived from coverage and chunks."""

    series = models.ForeignKey(CandleSeries, on_delete=models.CASCADE, related_name="collections")
    start = models.BigIntegerField()
    end = models.BigIntegerField()
    closed_until = models.BigIntegerField(help_text="Opening of the forming slot")
    by_count = models.BooleanField(help_text="Requested by a count of slots, not by a range")
    status = models.CharField(max_length=8, help_text="running, done, stopped or failed")
    reason = models.CharField(max_length=16, blank=True, help_text="count, end, history_start or error")
    error = models.CharField(max_length=500, blank=True)
    calls_lost = models.PositiveIntegerField(default=0, help_text="Calls for chunks that could not be stored")
    pattern = models.CharField(max_length=12, blank=True)
    eta_error = models.FloatField(
        null=True, help_text="Largest relative error of the durations estimated after a tenth"
    )
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        days = _("%(first)s to %(last)s") % {"first": _utc(self.start), "last": _utc(self.end)}
        return f"{self.series}, {days}: {_(self.status)}"


class CandleChunk(models.Model):
    """One step of a collection, which settled [start, end): the slots of its call, the answer and the cost. Seconds are
    measured, bytes received."""

    collection = models.ForeignKey(CandleCollection, on_delete=models.CASCADE, related_name="chunks", db_index=False)
    number = models.PositiveIntegerField()
    start = models.BigIntegerField()
    end = models.BigIntegerField()
    label = models.CharField(max_length=26, help_text="Its overlap with the record")
    slots_asked = models.PositiveIntegerField()
    slots_answered = models.PositiveBigIntegerField()
    rows = models.PositiveIntegerField()
    calls = models.PositiveIntegerField()
    retries = models.PositiveIntegerField()
    seconds_create = models.FloatField(default=0.0, db_default=0.0)
    seconds_overlap = models.FloatField()
    seconds_api = models.FloatField()
    seconds_process = models.FloatField(default=0.0, db_default=0.0)
    seconds_store = models.FloatField()
    bytes = models.PositiveIntegerField()
    cache_hits = models.PositiveIntegerField()
    stored_at = models.BigIntegerField(help_text="Seconds since 1970 UTC")
    memory = models.BigIntegerField(null=True, help_text="Bytes of the process, where this chunk is a sample")
    memory_peak = models.BigIntegerField(null=True, help_text="The most of them so far")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["collection", "number"], name="candle_chunk_number")]
        ordering = ["collection", "number"]

    def __str__(self) -> str:
        return f"chunk {self.number}, {_utc(self.start)} to {_utc(self.end)}"


def _utc(seconds: int) -> str:
    """Seconds since 1970 as a time with its zone."""
    return utc_time(datetime.fromtimestamp(seconds, UTC))
