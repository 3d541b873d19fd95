"""Daily bars as the sources gave them, raw."""

from __future__ import annotations

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.utils.translation import gettext as _

from marketdata.number_format import format_number


class StockPrice(models.Model):
    """One raw daily bar of one source. Prices in the market's currency, volume in shares (or units),
    `amount` the traded value. A halted day is recorded as the exchange writes it: volume 0, open = high = low = 0.

    `base_price` is the exchange's reference price of the session; NULL where the source gives none.
    """

    market = models.CharField(max_length=12)
    stock_code = models.CharField(max_length=24)
    date = models.DateField()
    source = models.CharField(max_length=24)
    open = models.FloatField()
    high = models.FloatField()
    low = models.FloatField()
    close = models.FloatField()
    volume = models.FloatField()
    amount = models.FloatField(null=True)
    base_price = models.FloatField(null=True)
    market_cap = models.FloatField(null=True)
    shares = models.FloatField(null=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["stock_code", "market", "date", "source"], name="price_key")]
        indexes = [
            models.Index(fields=["stock_code", "date"], name="price_code_date"),
            models.Index(fields=["date", "source"], name="price_date_source"),
            # Rows arrive in the order of created_at: BRIN on PostgreSQL; a plain index elsewhere,
            # where the word is ignored.
            BrinIndex(fields=["created_at"], name="price_created_at"),
        ]

    def __str__(self) -> str:
        return f"{self.market}:{self.stock_code} {self.date} {self.close}"


class BarCoverage(models.Model):
    """A span of days, `first` to `last`, for which a source has answered a request for an instrument's bars: a session
    in it without a bar has none. Spans of one instrument neither touch nor overlap.

    A `spoiled` span is still open, since its answers lacked values: the next collection requests it again, until
    `tries` answers lacked them. `settled`: the last session whose bar was read on a later day than its own, NULL where
    it was never needed; the same on every row of an instrument.
    """

    market = models.CharField(max_length=12)
    stock_code = models.CharField(max_length=24)
    source = models.CharField(max_length=24)
    first = models.DateField()
    last = models.DateField()
    unknown = models.BooleanField(default=False, help_text="It has no such instrument")
    spoiled = models.BooleanField(default=False, help_text="Its answers lacked values")
    tries = models.PositiveSmallIntegerField(default=0)
    settled = models.DateField(null=True)
    asked_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["market", "source", "stock_code", "first"], name="coverage_key"),
            models.CheckConstraint(condition=models.Q(last__gte=models.F("first")), name="coverage_order"),
        ]

    def __str__(self) -> str:
        return f"{self.market}:{self.stock_code} {self.source} {self.first}..{self.last}"


class BarCorrection(models.Model):
    """The values a recorded bar had before a source corrected it."""

    market = models.CharField(max_length=12)
    stock_code = models.CharField(max_length=24)
    date = models.DateField()
    source = models.CharField(max_length=24)
    old = models.JSONField(help_text="The fields that changed, with the values they had")
    reason = models.CharField(max_length=80, blank=True, default="", db_default="")
    replaced_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["market", "date", "stock_code"], name="correction_market_date"),
            models.Index(fields=["replaced_at"], name="correction_replaced_at"),
        ]

    def __str__(self) -> str:
        bar = f"{self.market}:{self.stock_code} {self.date}"
        return _("%(bar)s, corrected %(day)s") % {"bar": bar, "day": f"{self.replaced_at:%Y-%m-%d}"}


class FactorEvent(models.Model):
    """A corporate action supplied from outside: `ratio` = base price of `date` / raw close of the session
    before. Used where no source gives a base price; 1 says that a suspicious move was a real one."""

    market = models.CharField(max_length=12)
    stock_code = models.CharField(max_length=24)
    date = models.DateField()
    ratio = models.FloatField()
    source = models.CharField(max_length=24)
    reason = models.CharField(
        max_length=200, blank=True, default="", db_default="", help_text="Why, and where it is from"
    )
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField(null=True, help_text="When its ratio was last corrected")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["market", "stock_code", "date"], name="event_key"),
            models.CheckConstraint(condition=models.Q(ratio__gt=0), name="event_ratio_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.market}:{self.stock_code} {self.date} x{format_number(self.ratio)}"
