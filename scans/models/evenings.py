"""Evenings: runs of a market's versions after a close, with one notification for each session."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext as _

from marketdata.market_time import market_time
from scans.models.message_channels import MessageChannel


class EveningStatus(models.TextChoices):
    """The status of an evening: running; published; partial (part of it failed or was quarantined); incomplete (bars of
    the session were missing, nothing was scanned); failed (nothing is published)."""

    RUNNING = "running"
    PUBLISHED = "published"
    PARTIAL = "partial"
    INCOMPLETE = "incomplete"
    FAILED = "failed"


class Evening(models.Model):
    """An evening of a market and its status. The process that runs it has the lease "evening of market ..."; a running
    row without a lease belongs to a process that died."""

    market = models.CharField(max_length=12)
    session = models.DateField()
    status = models.CharField(max_length=12, choices=EveningStatus.choices, default=EveningStatus.RUNNING)
    started_by = models.CharField(max_length=150, blank=True)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["market"], condition=models.Q(status="running"), name="evening_one_at_a_time"
            )
        ]
        ordering = ["-started_at"]

    def __str__(self) -> str:
        return f"evening of {self.market} {self.session}: {self.status}"


class EveningOutcome(models.TextChoices):
    """The outcome of an evening: done; partial (something failed or was quarantined); failed (nothing is published);
    incomplete (bars of the session are missing, nothing was scanned). A calendar notification is a notice: it is of no
    evening."""

    DONE = "done"
    PARTIAL = "partial"
    FAILED = "failed"
    INCOMPLETE = "incomplete"
    NOTICE = "notice"


class Notification(models.Model):
    """The notification of a market's session: one of its evening, changed if a later run of the same evening has
    another result, one of the morning after if settled bars changed its lists, one for every check in which signals
    reached a level while the session traded (`number` counts these), and one of a day on which a source's answer
    changed the calendar or disputes it. `digest` identifies the content."""

    EVENING, PRECLOSE, SETTLED, INTRADAY = "evening", "preclose", "settled", "intraday"
    CALENDAR = "calendar"
    """Of the lists at the close, of a scan before it, of the morning after, of levels that prices reached; for the
    operator alone of days that a source calls otherwise than the calendar."""
    KINDS = (EVENING, PRECLOSE, SETTLED, INTRADAY, CALENDAR)

    market = models.CharField(max_length=12)
    session = models.DateField()
    kind = models.CharField(max_length=12, default=EVENING)
    number = models.PositiveSmallIntegerField(default=0, help_text="Of those of a kind of which a session has several")
    as_of = models.DateTimeField(null=True, help_text="When the quotes were read, while the session traded")
    outcome = models.CharField(max_length=12, choices=EveningOutcome.choices)
    reason = models.TextField(blank=True, help_text="The reason why nothing, or not everything, was done")
    versions = models.JSONField(
        default=list, help_text="Of each version: status, reason, matched, sessions, best picks"
    )
    collection = models.JSONField(default=dict, help_text="The collection before the scan")
    signals = models.JSONField(default=dict, help_text="Counts of signals opened and changed, or the error")
    readiness = models.JSONField(default=dict, help_text="The market's state afterwards, and the bars of the session")
    seconds = models.FloatField(default=0.0)
    digest = models.CharField(max_length=32, help_text="Of the content, without counts and times")
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["market", "session", "kind", "number"], name="notification_once")
        ]
        ordering = ["-session", "market"]

    def __str__(self) -> str:
        return f"{self.market} {self.session}: {self.get_outcome_display().lower()}"


class Delivery(models.Model):
    """The delivery of one content of a notification through one channel.

    Only a conditional UPDATE claims a delivery (`claimed_at`), and one that was sent is not claimed again."""

    notification = models.ForeignKey(Notification, on_delete=models.CASCADE, related_name="deliveries")
    channel = models.CharField(max_length=40)
    reader_channel = models.ForeignKey(
        MessageChannel, on_delete=models.CASCADE, null=True, related_name="deliveries", help_text="Of a reader's own"
    )
    digest = models.CharField(max_length=32)
    attempts = models.PositiveSmallIntegerField(default=0)
    claimed_at = models.DateTimeField(null=True)
    sending_at = models.DateTimeField(
        null=True, help_text="Since when a try is on its way whose receiver cannot recognize a repeated one"
    )
    sent_at = models.DateTimeField(null=True)
    given_up = models.BooleanField(default=False)
    error = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["notification", "channel", "digest"], name="delivery_once")]
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.channel}: {self.state}"

    @property
    def state(self) -> str:
        """The state of the delivery, in words."""
        if self.sent_at:
            return _("sent %(at)s") % {"at": market_time(self.sent_at, self.notification.market)}
        tries = {"attempts": self.attempts, "error": self.error}
        if self.given_up:
            return _("given up after %(attempts)s attempts: %(error)s") % tries
        return _("waits after %(attempts)s attempts: %(error)s") % tries if self.error else _("waits")
