"""The body of run statistics."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from scans.api.fields import Percent
from scans.queries.run_statistics import SESSIONS, RunStatistics


class VersionStatistics(serializers.Serializer[RunStatistics]):
    """How the attempts of a version ended, and what they cost."""

    scanner_version = serializers.CharField()
    first = serializers.DateField(help_text="The first session that counts")
    last = serializers.DateField(help_text="The last session that counts")
    attempts = serializers.IntegerField(help_text="Runs that ended on one of these sessions")
    failed = serializers.IntegerField(help_text="Attempts that failed or were stopped")
    unchanged = serializers.IntegerField(help_text="Attempts with the answers that were published already")
    success_rate_pct = Percent(source="success_rate", help_text="Attempts that did not fail, of all")
    mean_seconds = serializers.FloatField(
        allow_null=True, help_text="Mean duration of single sessions that succeeded; null: there are none"
    )
    mean_cpu_seconds = serializers.FloatField(allow_null=True, help_text="Mean CPU time of the same")
    peak_memory_mb = serializers.IntegerField(help_text="The most that any attempt needed")


class RunStatisticsBody(serializers.Serializer[Any]):
    """The run statistics of a market."""

    market = serializers.CharField()
    sessions = serializers.IntegerField(help_text=f"How many of the latest sessions count: {SESSIONS}")
    versions = VersionStatistics(many=True, help_text="Versions with an attempt, by name")
