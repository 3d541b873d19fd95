"""Scanner versions: an engine with parameters, a row that an admin can edit."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import models

from scans.engines import params as engine_params
from scans.engines.registry import ENGINES


class ScannerVersion(models.Model):
    """An engine with parameters. `params` holds only what differs from the engine's defaults; `segments` empty means
    the market's own; `limits` segment -> how many of its instruments with the largest turnover are scanned."""

    slug = models.SlugField(max_length=40, unique=True)
    title = models.CharField(max_length=120, blank=True)
    engine = models.CharField(max_length=24)
    params = models.JSONField(default=dict, blank=True)
    segments = models.JSONField(default=list, blank=True)
    limits = models.JSONField(default=dict, blank=True)
    enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["slug"]

    def __str__(self) -> str:
        return self.slug

    def clean(self) -> None:
        if self.engine not in ENGINES:
            known = ", ".join(ENGINES)
            raise ValidationError(
                {"engine": f"Unknown engine {self.engine!r}: choose among {known}."}
            )
        try:
            engine_params.read(ENGINES[self.engine].Params, self.params)
        except engine_params.ParamError as error:
            raise ValidationError({"params": str(error)}) from error


class ActiveVersion(models.Model):
    """The version that a market uses where none is named."""

    market = models.CharField(max_length=12, unique=True)
    version = models.ForeignKey(ScannerVersion, on_delete=models.PROTECT)

    def __str__(self) -> str:
        return f"{self.market}: {self.version}"


class VersionChange(models.Model):
    """One change of a version: who made it, when, and the fields that changed, before and after."""

    version = models.ForeignKey(ScannerVersion, on_delete=models.CASCADE, related_name="changes")
    at = models.DateTimeField()
    who = models.CharField(max_length=150, blank=True)
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)

    class Meta:
        ordering = ["-at", "-pk"]

    def __str__(self) -> str:
        return f"{self.version} {self.at:%Y-%m-%d %H:%M} {self.who}"
