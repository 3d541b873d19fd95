"""Instruments, and their status on each day."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext as _


class Instrument(models.Model):
    """An instrument. `name`, `kind` and `segment` are the latest ones, for display and search only:
    no scan reads them, since membership is point in time (`InstrumentStatus`)."""

    market = models.CharField(max_length=12)
    code = models.CharField(max_length=24)
    name = models.CharField(max_length=120, blank=True)
    kind = models.CharField(max_length=12, default="common")
    segment = models.CharField(max_length=20, blank=True)
    first_bar = models.DateField(null=True, help_text="Date of the earliest recorded bar")
    last_bar = models.DateField(null=True, help_text="Date of the latest recorded bar")
    listed_on = models.DateField(null=True, help_text="First day of trading, as a source lists it")
    gone_on = models.DateField(null=True, help_text="First day a source no longer listed it")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["market", "code"], name="instrument_market_code")]
        indexes = [models.Index(fields=["market", "name"], name="instrument_market_name")]
        ordering = ["market", "code"]

    def __str__(self) -> str:
        return f"{self.market}:{self.code} {self.name}".rstrip()


class InstrumentStatus(models.Model):
    """A source's statement of an instrument's status from `valid_from` to `valid_to`, its first and last day.

    Valid on a day is, attribute by attribute, the latest statement up to that day (on the same day the preferred
    source's); never a later one. An attribute that a source does not give is NULL: the statement before stays valid.
    """

    instrument = models.ForeignKey(Instrument, on_delete=models.CASCADE, related_name="statuses")
    source = models.CharField(max_length=24)
    valid_from = models.DateField(help_text="First day this was seen")
    valid_to = models.DateField(help_text="Last day this was seen")
    segment = models.CharField(max_length=20, null=True)
    department = models.CharField(max_length=40, null=True)
    kind = models.CharField(max_length=12, null=True, help_text="common, preferred, spac, reit, etf, etn, fund, dr")
    managed = models.BooleanField(null=True, help_text="Under administration (관리종목)")
    caution = models.BooleanField(null=True, help_text="Investment caution (투자주의환기종목)")
    halted = models.BooleanField(null=True, help_text="Trading halted (거래정지)")
    warning = models.CharField(
        max_length=2, null=True, help_text="Market alert (시장경고): 01 notice, 02 warning, 03 danger"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["instrument", "source", "valid_from"], name="status_instrument_source_from"
            ),
            models.CheckConstraint(condition=models.Q(valid_to__gte=models.F("valid_from")), name="status_order"),
        ]
        verbose_name_plural = "instrument statuses"

    def __str__(self) -> str:
        days = {"first": self.valid_from, "last": self.valid_to}
        return f"{self.source}, {_('%(first)s to %(last)s') % days}"


class StatusChange(models.Model):
    """A change of an instrument's recorded status, of the days from `first` to the day before `before` (NULL: no
    end)."""

    market = models.CharField(max_length=12)
    stock_code = models.CharField(max_length=24)
    first = models.DateField()
    before = models.DateField(null=True)
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["market", "at"], name="status_change_at")]

    def __str__(self) -> str:
        return f"{self.market}:{self.stock_code} {self.first}.. changed {self.at:%Y-%m-%d}"
