"""Scan requests, which a task worker processes, and the drafts of requests that publish nothing."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext as _


class RequestStatus(models.TextChoices):
    """The status of a request: waiting for a worker, running, or its end."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class ScanRequest(models.Model):
    """Some versions of a market over the sessions from `first` to `last`, to be run by a task worker.

    Only a conditional UPDATE changes `status`: the worker that claims a queued row runs it, and publishes only while
    the row is running. The worker has the lease "scan request N"; a running row without a lease has lost its worker."""

    market = models.CharField(max_length=12)
    versions = models.JSONField(help_text="The names of the versions, in the requested order")
    first = models.DateField()
    last = models.DateField()
    limits = models.JSONField(default=dict, help_text="Segment -> its largest turnovers only")
    top = models.PositiveIntegerField(null=True, help_text="Only the best of each session")
    pinned = models.JSONField(default=dict, help_text="Version -> the parameters of a recorded run, instead of its own")
    publishes = models.BooleanField(default=True)
    executor = models.CharField(max_length=12, default="auto")
    status = models.CharField(max_length=12, choices=RequestStatus.choices, default=RequestStatus.QUEUED)
    reason = models.TextField(blank=True)
    sessions = models.PositiveIntegerField(help_text="Of all versions together")
    sessions_done = models.PositiveIntegerField(default=0)
    current_version = models.CharField(max_length=40, blank=True)
    outcomes = models.JSONField(default=list, help_text="For each version so far: sessions, runs, error")
    requested_by = models.CharField(max_length=150, blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    key = models.CharField(max_length=128, blank=True, help_text="The caller's Idempotency-Key")
    request_hash = models.CharField(max_length=32, help_text="Of the request's options")
    created_at = models.DateTimeField()
    queued_at = models.DateTimeField(help_text="When a task was last put into the queue for it")
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["requested_by", "key"], condition=~models.Q(key=""), name="request_key_once"
            )
        ]
        indexes = [
            models.Index(fields=["market", "-id"], name="request_market"),
            models.Index(fields=["status", "queued_at"], name="request_status"),
        ]
        ordering = ["-pk"]

    def __str__(self) -> str:
        return _("%(versions)s on %(market)s, %(first)s to %(last)s: %(status)s (request %(pk)s)") % {
            "versions": ", ".join(self.versions),
            "market": self.market,
            "first": self.first,
            "last": self.last,
            "status": _(self.status),
            "pk": self.pk,
        }


class ScanDraft(models.Model):
    """A version's answer for one session of a request that publishes nothing; deleted after a day."""

    request = models.ForeignKey(ScanRequest, on_delete=models.CASCADE, related_name="drafts")
    scanner_version = models.CharField(max_length=40)
    date = models.DateField()
    answer = models.JSONField(help_text="As `run_scan --format json` prints it")
    made_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["request", "scanner_version", "date"], name="draft_once")]

    def __str__(self) -> str:
        return f"{self.scanner_version}, {self.date} (request {self.request_id})"
