"""Evenings: a market's versions run after a close, and the one notification that tells what came of it."""

from __future__ import annotations

from django.db import models

from marketdata.market_time import market_time


class EveningStatus(models.TextChoices):
    """Where an evening is, or how it ended: all published; part of it failed or was quarantined and the rest is
    published; the session's bars were not all there, so that nothing was scanned; nothing is published."""

    RUNNING = "running"
    PUBLISHED = "published"
    PARTIAL = "partial"
    INCOMPLETE = "incomplete"
    FAILED = "failed"


class Evening(models.Model):
    """An evening of a market and how it ended. The process at work holds the lease "evening of market ..."; a row that
    is running without it is of a process that died."""

    market = models.CharField(max_length=12)
    session = models.DateField()
    status = models.CharField(max_length=12, choices=EveningStatus.choices, default=EveningStatus.RUNNING)
    started_by = models.CharField(max_length=150, blank=True)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["market"],
                condition=models.Q(status="running"),
                name="evening_one_at_a_time",
            ),
        ]
        ordering = ["-started_at"]

    def __str__(self) -> str:
        return f"evening of {self.market} {self.session}: {self.status}"


class EveningOutcome(models.TextChoices):
    """How an evening went: everything as it should; something failed or was quarantined and the rest stands; nothing
    came of it; the session's bars are not all there, so that nothing was scanned."""

    DONE = "done"
    PARTIAL = "partial"
    FAILED = "failed"
    INCOMPLETE = "incomplete"


class Notification(models.Model):
    """What came of a market's session, as it is told to people: one for each session, changed where a later run of the
    same evening came out otherwise. `digest` tells contents apart."""

    EVENING = "evening"

    market = models.CharField(max_length=12)
    session = models.DateField()
    kind = models.CharField(max_length=12, default=EVENING)
    outcome = models.CharField(max_length=12, choices=EveningOutcome.choices)
    reason = models.TextField(blank=True, help_text="Why nothing, or not everything, was done")
    versions = models.JSONField(
        default=list, help_text="Of each version: status, reason, matched, sessions, best picks"
    )
    collection = models.JSONField(default=dict, help_text="What was collected before")
    signals = models.JSONField(default=dict, help_text="Signals opened and moved, or why not")
    readiness = models.JSONField(default=dict, help_text="The market's state afterwards, and the bars of the session")
    seconds = models.FloatField(default=0.0)
    digest = models.CharField(max_length=32, help_text="Of what is told, without counts and times")
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["market", "session", "kind"], name="notification_once"),
        ]
        ordering = ["-session", "market"]

    def __str__(self) -> str:
        return f"{self.market} {self.session}: {self.outcome}"


class Delivery(models.Model):
    """One content of a notification on its way through one channel.

    Only a conditional UPDATE takes a delivery (`claimed_at`), and one that was sent is not taken again."""

    notification = models.ForeignKey(Notification, on_delete=models.CASCADE, related_name="deliveries")
    channel = models.CharField(max_length=12)
    digest = models.CharField(max_length=32)
    attempts = models.PositiveSmallIntegerField(default=0)
    claimed_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    given_up = models.BooleanField(default=False)
    error = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["notification", "channel", "digest"], name="delivery_once"),
        ]
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.channel}: {self.state}"

    @property
    def state(self) -> str:
        """Where it stands, in words."""
        if self.sent_at:
            return f"sent {market_time(self.sent_at, self.notification.market)}"
        if self.given_up:
            return f"given up after {self.attempts} attempts: {self.error}"
        return f"waits after {self.attempts} attempts: {self.error}" if self.error else "waits"
