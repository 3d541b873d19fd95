"""Signals: the course of picks that have a plan."""

from __future__ import annotations

from django.db import models

from scans.models.runs import ScanRank
from scans.models.versions import ScannerVersion


class SignalStatus(models.TextChoices):
    """The status of a signal: waiting for its entry, open, or its end."""

    WAITING = "waiting"
    OPEN = "open"
    TARGET = "target"
    STOP = "stop"
    EXPIRED = "expired"
    LAPSED = "lapsed"
    SUSPECT = "suspect"


class Signal(models.Model):
    """The course of one pick that has a plan, derived from bars. Prices are raw and in the market's currency, each of
    its own day; `return_pct` is percent of the entry, adjusted for corporate actions in between."""

    rank = models.OneToOneField(ScanRank, on_delete=models.CASCADE, related_name="signal")
    scanner_version = models.ForeignKey(ScannerVersion, on_delete=models.PROTECT, related_name="+")
    market = models.CharField(max_length=12)
    code = models.CharField(max_length=24)
    picked_on = models.DateField()
    status = models.CharField(max_length=12, choices=SignalStatus.choices)
    entered_on = models.DateField(null=True)
    entry_price = models.FloatField(null=True)
    exit_on = models.DateField(null=True)
    exit_price = models.FloatField(null=True)
    return_pct = models.FloatField(null=True, help_text="Of a closed signal, or open: to the last close")
    bound_pct = models.FloatField(
        null=True,
        help_text="The return if the entry bar reached the stop after filling the buy stop; null where it cannot have",
    )
    revision = models.PositiveSmallIntegerField(
        default=1,
        help_text="The rules: 1 the plan's exact target and stop, 2 their order prices, 3 within daily limits too",
    )
    sessions_held = models.PositiveIntegerField(default=0)
    seen_until = models.DateField(help_text="The last session that this depends on")

    class Meta:
        indexes = [
            models.Index(fields=["market", "status", "picked_on"], name="signal_market_status"),
            models.Index(fields=["market", "code"], name="signal_market_code"),
            models.Index(fields=["market", "-picked_on", "-id"], name="signal_market_latest"),
            models.Index(fields=["-picked_on", "code"], name="signal_picked_on"),
        ]
        ordering = ["-picked_on", "code"]

    def __str__(self) -> str:
        return f"{self.market}:{self.code} {self.picked_on}: {self.get_status_display().lower()}"
