"""Sweeps: many variants of one engine, each variant that was tried, and each look at the test period."""

from __future__ import annotations

from django.db import models


class SweepStatus(models.TextChoices):
    """The status of a sweep."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Sweep(models.Model):
    """A study of variants over three periods: develop, choose (from `choose_from`) and test (from `test_from`), which
    no variant is judged on before one has been chosen."""

    slug = models.SlugField(max_length=60, unique=True)
    market = models.CharField(max_length=12)
    engine = models.CharField(max_length=24)
    revision = models.PositiveSmallIntegerField()
    base = models.JSONField(default=dict, help_text="Segments, limits and parameters that all variants share")
    grid = models.JSONField(help_text="Parameter -> its values")
    size = models.PositiveIntegerField(default=0, help_text="How many variants there are to judge")
    sample = models.PositiveIntegerField(null=True, help_text="How many variants were drawn; blank: the whole grid")
    seed = models.BigIntegerField(default=0)
    halving = models.BooleanField(default=False, help_text="The worse half of the variants drops out early")
    rolling = models.PositiveIntegerField(
        null=True, help_text="Sessions that each choice of the walk-forward looks back on; blank: all before it"
    )
    first = models.DateField()
    choose_from = models.DateField()
    test_from = models.DateField()
    last = models.DateField()
    horizon = models.PositiveSmallIntegerField(help_text="Sessions held")
    costs = models.FloatField(null=True, help_text="Share of a round trip; blank: by the dated table")
    data_digest = models.CharField(max_length=32, help_text="Of everything recorded up to the last session read")
    evaluation_revision = models.PositiveSmallIntegerField()
    code_revision = models.CharField(max_length=64, blank=True)
    status = models.CharField(max_length=12, choices=SweepStatus.choices, default=SweepStatus.RUNNING)
    result = models.JSONField(default=dict, help_text="Tests of the best variant, walk-forward, the verdict")
    chosen = models.ForeignKey("scans.SweepVariant", null=True, on_delete=models.SET_NULL, related_name="+")
    seconds = models.JSONField(default=dict, help_text="Stage -> seconds")
    started_by = models.CharField(max_length=150, blank=True)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-started_at"]

    def __str__(self) -> str:
        return self.slug


class SweepVariant(models.Model):
    """A variant of a sweep and its figures before the test period; `number` from 1 in the order of the grid."""

    sweep = models.ForeignKey(Sweep, on_delete=models.CASCADE, related_name="variants")
    number = models.PositiveIntegerField()
    params = models.JSONField(help_text="The values of the grid's parameters")
    figures = models.JSONField(default=dict, help_text="Sessions held -> figures")
    sessions = models.PositiveIntegerField(default=0, help_text="Sessions judged; few: dropped by halving")
    sharpe = models.FloatField(null=True, help_text="Mean over deviation of the daily excess over matched shares")
    returns = models.BinaryField(default=bytes, help_text="That excess on each session before the test period, float64")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["sweep", "number"], name="sweep_variant_once")]
        ordering = ["sweep", "number"]

    def __str__(self) -> str:
        return f"{self.sweep} variant {self.number}"


class SweepLook(models.Model):
    """A look at the test period of a sweep: the chosen variant's figures on it. Only the first is a test."""

    sweep = models.ForeignKey(Sweep, on_delete=models.CASCADE, related_name="looks")
    figures = models.JSONField(help_text="Sessions held -> figures")
    looks_before = models.PositiveIntegerField(help_text="Looks at these sessions by any sweep of the market before it")
    looked_by = models.CharField(max_length=150, blank=True)
    looked_at = models.DateTimeField()

    class Meta:
        ordering = ["looked_at"]

    def __str__(self) -> str:
        return f"look at {self.sweep}"
