"""What processes tell each other about calls to an exchange, where there is no Redis."""

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

    def __str__(self) -> str:
        return self.group
