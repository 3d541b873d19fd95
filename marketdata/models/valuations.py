"""Valuations of shares by source: price / earnings and the like."""

from __future__ import annotations

from django.db import models


class InstrumentValuation(models.Model):
    """The latest valuation of an instrument by one source; a blank at the source is null."""

    market = models.CharField(max_length=12)
    stock_code = models.CharField(max_length=24)
    source = models.CharField(max_length=24)
    per = models.FloatField(null=True, help_text="Price / earnings a share")
    eps = models.FloatField(null=True, help_text="Earnings a share, in the market's currency")
    pbr = models.FloatField(null=True, help_text="Price / book value")
    read_at = models.DateTimeField(help_text="When the source was read")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["market", "stock_code", "source"], name="valuation_key")]

    def __str__(self) -> str:
        return f"{self.market}:{self.stock_code} {self.source}"
