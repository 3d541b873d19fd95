"""Levels of plans that a session's prices reached while it still traded."""

from __future__ import annotations

from django.db import models

from scans.models.signals import Signal


class IntradayTouch(models.Model):
    """The first level of a signal that a live quote reached. Once a second reading has confirmed it, it is in a
    notification, and there is never another of this signal. It is no part of the record: the bars of the session decide
    how the signal ends."""

    signal = models.OneToOneField(Signal, on_delete=models.CASCADE, related_name="touch")
    session = models.DateField()
    level = models.CharField(max_length=8, help_text="target or stop")
    read_at = models.DateTimeField(help_text="The source's clock at the first reading")
    confirmed = models.BooleanField(default=False)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.signal}: {self.level} within {self.session}"
