"""Leases: work that one process at a time may do."""

from __future__ import annotations

from django.db import models


class LeaseRow(models.Model):
    """The process that holds the lease called `name`; a row exists only as long as the lease does.

    `fence` is new with each holder and the fence: only the holder whose fence is recorded may renew, publish under or
    end the lease. `host` (boot and process namespace), `pid` and `process_started` identify the process; `beat_at`, by
    the database's clock, is its last heartbeat."""

    name = models.CharField(max_length=160, unique=True)
    fence = models.CharField(max_length=32)
    host = models.CharField(max_length=120, blank=True)
    hostname = models.CharField(max_length=120, blank=True)
    pid = models.PositiveBigIntegerField()
    process_started = models.PositiveBigIntegerField(help_text="Clock ticks after the host's boot")
    taken_at = models.DateTimeField()
    beat_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name}: process {self.pid} of {self.hostname}"
