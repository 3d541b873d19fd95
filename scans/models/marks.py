"""Marks of readers: a tag, a note and the time of the review of an instrument, or of its picks of one session."""

from __future__ import annotations

from django.conf import settings
from django.db import models

NOTE_LENGTH = 2_000
"""Characters of a note, composed (NFC)."""
MOST_MARKS = 100_000
"""Marks of one reader."""


class Tag(models.TextChoices):
    """A reader's decision: 관심, 매수, 제외, ?."""

    WATCH = "watch"
    BUY = "buy"
    EXCLUDE = "exclude"
    QUESTION = "question"


class Mark(models.Model):
    """A reader's mark of an instrument's picks of the session `date`; without a date, of the instrument as such. It
    belongs to its reader alone: no page, list or admin shows it to another user."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="marks")
    market = models.CharField(max_length=12)
    code = models.CharField(max_length=24)
    date = models.DateField(null=True, blank=True)
    tag = models.CharField(max_length=8, choices=Tag.choices, blank=True)
    note = models.TextField(max_length=NOTE_LENGTH, blank=True)
    seen_at = models.DateTimeField(null=True, blank=True)
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "market", "code", "date"],
                condition=models.Q(date__isnull=False),
                name="mark_of_session_once",
            ),
            models.UniqueConstraint(
                fields=["user", "market", "code"], condition=models.Q(date__isnull=True), name="mark_of_instrument_once"
            ),
        ]
        indexes = [
            models.Index(fields=["user", "market", "date"], name="mark_session"),
            models.Index(fields=["user", "market", "code"], name="mark_code"),
            models.Index(fields=["user", "market", "-updated_at", "-id"], name="mark_latest"),
        ]
        ordering = ["-updated_at", "-pk"]

    def __str__(self) -> str:
        return f"mark {self.pk}"
