"""Tick sizes as an exchange itself gives them."""

from __future__ import annotations

from django.db import models


class TickReading(models.Model):
    """The ticks of a market's instruments at their prices of a day, as its exchange gives them: code -> tick."""

    market = models.CharField(max_length=12)
    date = models.DateField()
    sizes = models.JSONField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["market", "date"], name="tick_reading_market_date")]
        ordering = ["market", "-date"]

    def __str__(self) -> str:
        return f"{self.market} {self.date}: the ticks of {len(self.sizes):,} instruments"
