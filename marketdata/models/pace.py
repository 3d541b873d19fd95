"""What is kept of calls to exchanges: their pace where there is no Redis, and what is asked for once a day."""

from __future__ import annotations

from django.db import models


class CallPace(models.Model):
    """When the next call of a group may be made; changed only from a known state (compare and swap). Times in seconds
    since 1970 UTC."""

    group = models.CharField(max_length=80, unique=True)
    next_at = models.FloatField()
    held_until = models.FloatField()
    slower = models.FloatField(help_text="Times the configured spacing, after refusals")
    slowed_at = models.FloatField(help_text="Time of the last refusal, -1 without one")
    floor = models.FloatField(help_text="What `slower` recovers to")
    late = models.FloatField(
        default=0.0, help_text="Seconds by which a permit will be moved, below 0: has been"
    )
    late_at = models.FloatField(
        default=0.0,
        help_text="The permit that was late first, or just before the one that was moved",
    )

    def __str__(self) -> str:
        return self.group


class SourceVisit(models.Model):
    """When a source was last asked for something that it wants to be asked for rarely."""

    source = models.CharField(max_length=24)
    what = models.CharField(max_length=24)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "what"], name="visit_key")]

    def __str__(self) -> str:
        return f"{self.source} {self.what} {self.at:%Y-%m-%d}"
