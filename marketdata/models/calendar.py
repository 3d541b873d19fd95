"""Overrides of the exchange calendars, and their changes."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext as _


class CalendarOverride(models.Model):
    """A day on which a market was open or closed, or had other hours, against its calendar; `source` is "" where a
    person wrote it, else the source of the answer."""

    market = models.CharField(max_length=12)
    date = models.DateField()
    is_open = models.BooleanField(default=False)
    opens_at = models.TimeField(null=True, blank=True, help_text="On the market's clock; empty: as the calendar has it")
    closes_at = models.TimeField(
        null=True, blank=True, help_text="On the market's clock; empty: as the calendar has it"
    )
    source = models.CharField(max_length=24, blank=True, default="", editable=False)
    note = models.CharField(max_length=200, blank=True, help_text="Why, and where it is from")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["market", "date"], name="override_market_date")]
        ordering = ["market", "-date"]

    def __str__(self) -> str:
        state = _("a session") if self.is_open else _("closed")
        return f"{self.market} {self.date}: {state}"

    @property
    def minutes(self) -> tuple[int | None, int | None]:
        """Opening and closing in minutes after midnight, None where the calendar decides."""
        if not self.is_open:
            return None, None
        opens, closes = (
            None if moment is None else moment.hour * 60 + moment.minute for moment in (self.opens_at, self.closes_at)
        )
        return opens, closes


class CalendarChange(models.Model):
    """Days of which a source's answers differ from the calendar: one row for each override that they wrote or withdrew,
    one where they dispute a day that stays as it is, and one where they agree with it again. `notified_at`: when the
    operator was notified."""

    class Kind(models.TextChoices):
        WRITTEN = "written"
        WITHDRAWN = "withdrawn"
        DISPUTED = "disputed"
        AGREED = "agreed"

    market = models.CharField(max_length=12)
    date = models.DateField()
    source = models.CharField(max_length=24)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    is_open = models.BooleanField(help_text="What the source says of the day")
    note = models.CharField(max_length=200, blank=True)
    at = models.DateTimeField()
    notified_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["market", "date"], name="calendar_change_day")]
        ordering = ["-at", "-pk"]

    def __str__(self) -> str:
        return f"{self.market} {self.date} {self.source}: {self.get_kind_display()}"
