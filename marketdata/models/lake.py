"""The lake's partitions, and whether each is up to date."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext as _


class Partition(models.Model):
    """One market's month in one kind of file. Every write to the record raises `wanted` in its own transaction; a
    projection that read the record at `wanted` = g sets `written` = g once the file is in place. The file is stale
    while the two differ."""

    market = models.CharField(max_length=12)
    month = models.DateField(help_text="First day of the month")
    wanted = models.PositiveBigIntegerField(default=1)
    written = models.PositiveBigIntegerField(default=0)
    rows = models.PositiveIntegerField(default=0)
    bytes = models.PositiveBigIntegerField(default=0)
    digest = models.CharField(max_length=32, blank=True)
    sessions = models.JSONField(
        default=dict,
        help_text="ISO date -> [bars, digest, bars that can be scanned, those of them that traded, bars that traded, "
        "those of them that repeat the session before, digest of the market caps]",
    )
    written_at = models.DateTimeField(null=True)
    damage_seen_at = models.DateTimeField(
        null=True, help_text="When its file was last found damaged, or from before files were sealed"
    )

    class Meta:
        abstract = True

    def __str__(self) -> str:
        month = f"{self.market} {self.month:%Y-%m}"
        return _("%(month)s, stale") % {"month": month} if self.is_stale else month

    @property
    def is_stale(self) -> bool:
        return self.wanted != self.written


class LakePartition(Partition):
    """A month of bars."""

    orders = models.JSONField(
        default=dict, help_text="ISO date -> its sources, the preferred first; empty where there is one source"
    )
    closed = models.JSONField(
        default=dict,
        help_text="ISO date -> [bars, why]: days with bars on which the market did not trade; why is empty where the "
        "calendar says so",
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["market", "month"], name="partition_market_month")]
        ordering = ["market", "month"]


class FlowPartition(Partition):
    """A month of investor flow, a file of its own: a read without flows needs neither the file nor its projection."""

    sessions = models.JSONField(default=dict, help_text="ISO date -> [flows, digest]")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["market", "month"], name="flow_partition_month")]
        ordering = ["market", "month"]
