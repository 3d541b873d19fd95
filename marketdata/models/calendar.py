"""What the exchange calendars do not know."""

from __future__ import annotations

from django.db import models


class CalendarOverride(models.Model):
    """A day on which a market was open or closed against what its calendar says."""

    market = models.CharField(max_length=12)
    date = models.DateField()
    is_open = models.BooleanField(default=False)
    note = models.CharField(max_length=200, blank=True, help_text="Why, and where it is from")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["market", "date"], name="override_market_date"),
        ]
        ordering = ["market", "-date"]

    def __str__(self) -> str:
        return f"{self.market} {self.date} {'open' if self.is_open else 'closed'}"
