"""Scans before the close: what versions pick while the session still trades. They are kept apart from runs, and nothing
is published or evaluated from them."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext as _

from marketdata.market_time import market_time
from scans.models.runs import Status
from scans.models.versions import ScannerVersion


class PrecloseScan(models.Model):
    """The quotes of a market in a session that still traded, from which versions were scanned. The same `content`,
    record and code give the same answers."""

    market = models.CharField(max_length=12)
    session = models.DateField()
    source = models.CharField(max_length=24)
    read_from = models.DateTimeField(help_text="The source's clock at its first answer")
    read_at = models.DateTimeField(help_text="The source's clock at its last answer")
    expected = models.PositiveIntegerField(help_text="Instruments that were requested")
    quoted = models.PositiveIntegerField(help_text="Instruments with a whole quote")
    calls = models.PositiveIntegerField(default=0)
    volume_share = models.FloatField(
        null=True, help_text="The share of the day's volume by then, by which volumes were divided; null: as they were"
    )
    index = models.CharField(max_length=24, blank=True, help_text="As of a run")
    notes = models.TextField(blank=True)
    seconds = models.FloatField(default=0.0)
    started_by = models.CharField(max_length=150, blank=True)
    content = models.BinaryField(help_text="The quotes, compressed JSON")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["market", "session", "read_at"], name="preclose_once")]
        ordering = ["-session", "-read_at"]

    def __str__(self) -> str:
        at = market_time(self.read_at, self.market)
        return _("%(market)s before the close, %(at)s") % {"market": self.market, "at": at}


class PrecloseAnswer(models.Model):
    """One version's answer to a scan before the close; fields as of a run and its session."""

    scan = models.ForeignKey(PrecloseScan, on_delete=models.CASCADE, related_name="answers")
    scanner_version = models.ForeignKey(ScannerVersion, on_delete=models.CASCADE, related_name="+")
    engine = models.CharField(max_length=24)
    revision = models.PositiveSmallIntegerField()
    params = models.JSONField()
    status = models.CharField(max_length=12, choices=Status.choices)
    reason = models.TextField(blank=True)
    notes = models.CharField(max_length=200, blank=True)
    regime = models.CharField(max_length=12, blank=True)
    short_risk = models.PositiveSmallIntegerField(default=0)
    fallback_step = models.PositiveSmallIntegerField(default=0)
    universe = models.PositiveIntegerField(default=0)
    scored = models.PositiveIntegerField(default=0)
    matched = models.PositiveIntegerField(default=0)
    input_digest = models.CharField(max_length=32, blank=True)
    result_digest = models.CharField(max_length=32, blank=True)
    codes = models.JSONField(default=list, help_text="Of the picks, best first")
    ranks = models.JSONField(default=list, help_text="The picks as rows")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["scan", "scanner_version"], name="preclose_version_once")]
        ordering = ["scanner_version__slug"]

    def __str__(self) -> str:
        return f"{self.scanner_version}, {self.scan}"
