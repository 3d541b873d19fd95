"""Runs and their answers.

A `ScanRun` is one attempt of a version over a range of sessions, with everything needed to repeat it; a `ScanSession`
is its answer for one session, of which a failed or unchanged run has none; a `ScanRank` is one instrument picked on it.
For each (market, version, date) at most one session is published; older answers remain, unpublished.
"""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext as _

from scans.models.versions import ScannerVersion


class Status(models.TextChoices):
    """The status of a run or a session."""

    RUNNING = "running"
    PUBLISHED = "published"
    NO_MATCH = "no_match"
    QUARANTINED = "quarantined"
    FAILED = "failed"
    UNCHANGED = "unchanged"


class Reading(models.TextChoices):
    """Whether the bars of a session may still change."""

    PROVISIONAL = "provisional"
    SETTLED = "settled"


class ScanRun(models.Model):
    """One version over the sessions from `first` to `last`, as it was run."""

    scanner_version = models.ForeignKey(ScannerVersion, on_delete=models.PROTECT, related_name="runs")
    market = models.CharField(max_length=12)
    first = models.DateField()
    last = models.DateField()
    engine = models.CharField(max_length=24)
    revision = models.PositiveSmallIntegerField()
    code_revision = models.CharField(max_length=64, blank=True)
    params = models.JSONField(help_text="Every parameter as it was, with segments and limits")
    params_hash = models.CharField(max_length=32)
    data_digest = models.CharField(max_length=32, help_text="Of everything recorded up to the last session")
    index = models.CharField(
        max_length=24, blank=True, help_text="The series of its regimes; blank: the market's own index"
    )
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.RUNNING)
    reason = models.TextField(blank=True)
    sessions = models.PositiveIntegerField(default=0)
    universe = models.PositiveBigIntegerField(default=0)
    scored = models.PositiveBigIntegerField(default=0)
    matched = models.PositiveBigIntegerField(default=0)
    seconds = models.JSONField(default=dict, help_text="Stage -> seconds")
    cpu_seconds = models.FloatField(default=0)
    peak_memory_mb = models.PositiveIntegerField(
        default=0, help_text="The most that the run itself needed, beside what the process had already"
    )
    bars = models.PositiveBigIntegerField(default=0, help_text="Bars read; 0 where the features came from the cache")
    executor = models.CharField(max_length=40, blank=True)
    started_by = models.CharField(max_length=150, blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    read_at = models.DateTimeField(
        null=True, help_text="When the provisional bars of its last session were read; null: they were settled"
    )

    class Meta:
        indexes = [models.Index(fields=["market", "scanner_version", "-started_at"], name="run_market_version")]
        ordering = ["-started_at"]

    def __str__(self) -> str:
        return _("%(version)s on %(market)s, %(first)s to %(last)s (run %(pk)s)") % {
            "version": self.scanner_version,
            "market": self.market,
            "first": self.first,
            "last": self.last,
            "pk": self.pk,
        }

    @property
    def reading(self) -> Reading:
        """Whether the bars of its last session could still change when it was run."""
        return Reading.SETTLED if self.read_at is None else Reading.PROVISIONAL


class ScanSession(models.Model):
    """A run's answer for one session."""

    run = models.ForeignKey(ScanRun, on_delete=models.CASCADE, related_name="answers")
    scanner_version = models.ForeignKey(ScannerVersion, on_delete=models.PROTECT, related_name="+")
    market = models.CharField(max_length=12)
    date = models.DateField()
    published = models.BooleanField(default=False)
    status = models.CharField(max_length=12, choices=Status.choices)
    reason = models.CharField(max_length=200, blank=True)
    notes = models.CharField(max_length=200, blank=True)
    regime = models.CharField(max_length=12, blank=True)
    short_risk = models.PositiveSmallIntegerField(default=0)
    fallback_step = models.PositiveSmallIntegerField(default=0)
    universe = models.PositiveIntegerField(default=0)
    scored = models.PositiveIntegerField(default=0)
    matched = models.PositiveIntegerField(default=0)
    ranked = models.PositiveIntegerField(default=0)
    input_digest = models.CharField(
        max_length=32, help_text="Of the data up to the session, the parameters and the revision"
    )
    result_digest = models.CharField(max_length=32, help_text="Of the ranks")
    read_at = models.DateTimeField(
        null=True, help_text="When the provisional bars of the session were read; null: they were settled"
    )
    settled_at = models.DateTimeField(
        null=True, help_text="When settled bars gave this answer, again where it was provisional before"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["market", "scanner_version", "date"],
                condition=models.Q(published=True),
                name="session_published_once",
            ),
            models.UniqueConstraint(fields=["run", "date"], name="session_run_date"),
        ]
        indexes = [models.Index(fields=["market", "date"], name="session_market_date")]

    def __str__(self) -> str:
        names = {"version": self.scanner_version, "market": self.market, "days": self.date}
        return f"{_('%(version)s on %(market)s, %(days)s') % names}: {_(self.status.replace('_', ' '))}"

    @property
    def reading(self) -> Reading:
        """Whether the bars behind the answer may still change."""
        return Reading.PROVISIONAL if self.read_at and not self.settled_at else Reading.SETTLED

    @property
    def is_replacement(self) -> bool:
        """Whether settled bars gave another answer than the provisional ones before."""
        return self.settled_at is not None and self.read_at is None


class ScanRank(models.Model):
    """One instrument picked on one session. Prices are raw and in the market's currency, `change_pct` is percent
    (adjusted close against the adjusted close before)."""

    session = models.ForeignKey(ScanSession, on_delete=models.CASCADE, related_name="ranks")
    run = models.ForeignKey(ScanRun, on_delete=models.CASCADE, related_name="+")
    scanner_version = models.ForeignKey(ScannerVersion, on_delete=models.PROTECT, related_name="+")
    market = models.CharField(max_length=12)
    date = models.DateField()
    published = models.BooleanField(default=False)
    code = models.CharField(max_length=24)
    name = models.CharField(max_length=120, blank=True)
    segment = models.CharField(max_length=20, blank=True)
    rank = models.PositiveIntegerField()
    score = models.FloatField()
    label = models.CharField(max_length=24)
    strategy = models.CharField(max_length=16)
    close = models.FloatField()
    change_pct = models.FloatField(null=True)
    amount = models.FloatField()
    entry = models.FloatField(null=True, help_text="Buy stop, where the plan has one")
    target = models.FloatField(null=True)
    stop = models.FloatField(null=True)
    holding_min = models.PositiveSmallIntegerField(default=0, help_text="Sessions; 0 = none")
    holding_max = models.PositiveSmallIntegerField(default=0, help_text="Sessions; 0 = none")
    signals = models.JSONField(default=list, help_text="The names of the signals that fired")
    components = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["market", "scanner_version", "date", "code"],
                condition=models.Q(published=True),
                name="rank_published_once",
            )
        ]
        indexes = [
            models.Index(fields=["market", "scanner_version", "date", "rank"], name="rank_market_version_date"),
            models.Index(fields=["market", "code", "date"], name="rank_market_code_date"),
        ]

    def __str__(self) -> str:
        return f"{self.date} {self.scanner_version} #{self.rank} {self.code} {self.name}".rstrip()


class Backfill(models.Model):
    """A backfill of one version and its progress. The process that runs it has the lease "backfill of ... on market
    ..."; a running row without a lease belongs to a process that died."""

    scanner_version = models.ForeignKey(ScannerVersion, on_delete=models.CASCADE, related_name="backfills")
    market = models.CharField(max_length=12)
    first = models.DateField()
    last = models.DateField()
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.RUNNING)
    done_until = models.DateField(null=True)
    started_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["market", "scanner_version"],
                condition=models.Q(status="running"),
                name="backfill_one_at_a_time",
            )
        ]
        ordering = ["-started_at"]

    def __str__(self) -> str:
        return f"backfill of {self.scanner_version} on {self.market}, {self.first} to {self.last}: {self.status}"


class Verdict(models.TextChoices):
    """The decision on a quarantined session."""

    PUBLISHED = "published"
    DISCARDED = "discarded"


class QuarantineDecision(models.Model):
    """The decision on a quarantined session, its author and time; a session is decided once."""

    session = models.OneToOneField(ScanSession, on_delete=models.CASCADE, related_name="decision")
    verdict = models.CharField(max_length=12, choices=Verdict.choices)
    who = models.CharField(max_length=150)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.session}, {self.verdict} by {self.who}"
