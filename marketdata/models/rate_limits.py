"""Rate limits of calls to exchanges where there is no Redis, and the times of requests that are made once a day."""

from __future__ import annotations

from django.db import models


class RateLimitRow(models.Model):
    """The state of a group's rate limit, as `sources.http.rate_limit` writes it; replaced only where it has not changed
    since it was read (compare and swap)."""

    group = models.CharField(max_length=80, unique=True)
    state = models.TextField()

    def __str__(self) -> str:
        return self.group


class SourceVisit(models.Model):
    """The time of the last request to a source for data that it allows to request rarely. Of `what` calls: of all its
    calls, when the last was sent (`at`), answered and refused, with the reason, and the counts of that day."""

    CALLS = "calls"

    source = models.CharField(max_length=24)
    what = models.CharField(max_length=24)
    at = models.DateTimeField()
    calls = models.PositiveIntegerField(default=0)
    answered_at = models.DateTimeField(null=True)
    refused_at = models.DateTimeField(null=True)
    refusal = models.CharField(max_length=300, blank=True, default="", db_default="")
    refusals = models.PositiveIntegerField(default=0, db_default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "what"], name="visit_key")]

    def __str__(self) -> str:
        return f"{self.source} {self.what} {self.at:%Y-%m-%d}"
