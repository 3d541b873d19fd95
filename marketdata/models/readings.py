"""Readings of sessions whose bars may still change."""

from __future__ import annotations

from django.db import models

from marketdata.market_time import market_time


class SessionReading(models.Model):
    """A session with bars that were read before they were settled: the time of the latest such reading, and the time of
    the reading that settled them. A session without a row was recorded from settled bars alone."""

    market = models.CharField(max_length=12)
    date = models.DateField()
    read_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["market", "date"], name="reading_market_date")]
        ordering = ["market", "-date"]

    def __str__(self) -> str:
        state = f"settled {market_time(self.settled_at, self.market)}" if self.settled_at else "provisional"
        return f"{self.market} {self.date}: read {market_time(self.read_at, self.market)}, {state}"
