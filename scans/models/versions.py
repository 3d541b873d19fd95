"""Scanner versions: an engine with parameters, a row that an admin can edit."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import models

from marketdata.markets import UnknownMarket, get_market
from marketdata.nearest_name import did_you_mean
from scans.engines import engine_params
from scans.engines.registry import ENGINES

MOST_LIMIT = 100_000


def _are_segments(names: object) -> bool:
    return (
        isinstance(names, list)
        and len(names) <= 20
        and all(isinstance(name, str) and 0 < len(name) <= 20 for name in names)
    )


class ScannerVersion(models.Model):
    """An engine with parameters. `params` holds only what differs from the engine's defaults; `segments` empty means
    the market's own; `limits` segment -> how many of its instruments with the largest turnover are scanned.
    `sweep_variant`: the variant that it was made from."""

    slug = models.SlugField(max_length=40, unique=True)
    title = models.CharField(max_length=120, blank=True)
    engine = models.CharField(max_length=24)
    params = models.JSONField(default=dict, blank=True)
    segments = models.JSONField(default=list, blank=True)
    limits = models.JSONField(default=dict, blank=True)
    enabled = models.BooleanField(default=True)
    sweep_variant = models.ForeignKey(
        "scans.SweepVariant", null=True, blank=True, editable=False, on_delete=models.SET_NULL, related_name="versions"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["slug"]

    def __str__(self) -> str:
        return self.slug

    def clean(self) -> None:
        if self.engine not in ENGINES:
            names = ", ".join(ENGINES)
            raise ValidationError(
                {"engine": f"Unknown engine {self.engine!r}: choose among {names}.{did_you_mean(self.engine, ENGINES)}"}
            )
        try:
            engine_params.read(ENGINES[self.engine].Params, self.params)
        except engine_params.ParamError as error:
            raise ValidationError({"params": str(error)}) from error
        if not _are_segments(self.segments):
            raise ValidationError({"segments": "Segments are a list of at most 20 names of at most 20 characters."})
        if not isinstance(self.limits, dict) or not _are_segments(list(self.limits)):
            raise ValidationError({"limits": "Limits are whole numbers by segment: KOSPI -> 200."})
        for segment, most in self.limits.items():
            if type(most) is not int or not 1 <= most <= MOST_LIMIT:
                raise ValidationError(
                    {"limits": f"The limit of {segment} must be a whole number from 1 to {MOST_LIMIT}."}
                )


class ActiveVersion(models.Model):
    """The active version of a market, used if none is named."""

    market = models.CharField(max_length=12, unique=True)
    version = models.ForeignKey(ScannerVersion, on_delete=models.PROTECT)

    def __str__(self) -> str:
        return f"{self.market}: {self.version}"

    def clean(self) -> None:
        try:
            get_market(self.market)
        except UnknownMarket as error:
            raise ValidationError({"market": str(error)}) from error
        version = ScannerVersion.objects.filter(pk=self.version_id).first()
        if version and not version.enabled:
            raise ValidationError(
                {"version": f"Version {version.slug} is disabled: enable it before it can be active."}
            )


class VersionChange(models.Model):
    """One change of a version: its author, its time, and the changed fields, before and after."""

    version = models.ForeignKey(ScannerVersion, on_delete=models.CASCADE, related_name="changes")
    at = models.DateTimeField()
    who = models.CharField(max_length=150, blank=True)
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)

    class Meta:
        ordering = ["-at", "-pk"]

    def __str__(self) -> str:
        return f"{self.version} {self.at:%Y-%m-%d %H:%M} {self.who}"
