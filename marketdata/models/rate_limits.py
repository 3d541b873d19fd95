"""What is kept of calls to exchanges: their pace where there is no Redis, and what is asked for once a day."""

from __future__ import annotations

from django.db import models


class RateLimitRow(models.Model):
    """When the next call of a group may be made, as `sources.http.pace.Pace` writes it; changed only from a known state
    (compare and swap)."""

    group = models.CharField(max_length=80, unique=True)
    state = models.TextField()

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
