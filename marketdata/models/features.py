"""Feature flags of the collector's optimisations, and the reasons for which guards turned them off."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext as _

from marketdata.number_format import format_number


class FeatureFlag(models.Model):
    """An optimisation that can be turned off. Its guard does so when the mean of `metric` over `window` observations is
    20 % past `threshold`; only a person turns it on again."""

    feature = models.CharField(max_length=24, unique=True)
    enabled = models.BooleanField(default=True)
    share = models.PositiveSmallIntegerField(
        default=100, help_text="Percent of the work with the feature; below 100 both ways are measured and compared"
    )
    metric = models.CharField(max_length=24, help_text="The metric that the guard watches")
    threshold = models.FloatField(help_text="20 % past it, over the window, turns the feature off")
    window = models.PositiveIntegerField(help_text="Observations that are averaged")
    changed_at = models.DateTimeField(null=True)
    changed_by = models.CharField(max_length=150, blank=True)

    class Meta:
        ordering = ["feature"]
        constraints = [
            models.CheckConstraint(condition=models.Q(window__gte=1), name="flag_window"),
            models.CheckConstraint(condition=models.Q(share__gte=1, share__lte=100), name="flag_share"),
        ]

    def __str__(self) -> str:
        state = _("on") if self.enabled else _("off")
        return f"{self.feature}: {state}"


class FlagRollback(models.Model):
    """An occasion on which a guard turned a flag off, with its measurements."""

    feature = models.CharField(max_length=24)
    metric = models.CharField(max_length=24)
    mean = models.FloatField()
    threshold = models.FloatField()
    observations = models.PositiveIntegerField()
    at = models.DateTimeField()

    class Meta:
        ordering = ["-at", "-pk"]

    def __str__(self) -> str:
        return f"{self.feature} {self.at:%Y-%m-%d %H:%M}: {self.metric} {format_number(self.mean, 4)}"


class FeatureMeasurement(models.Model):
    """A piece of work, with or without a feature, by the metric of its flag."""

    feature = models.CharField(max_length=24)
    is_on = models.BooleanField()
    value = models.FloatField()
    at = models.DateTimeField()

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(fields=["feature", "is_on"], name="feature_measurement")]

    def __str__(self) -> str:
        return f"{self.feature} {'on' if self.is_on else 'off'}: {format_number(self.value, 4)}"
