"""The bodies of the system's endpoints."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from caching.stats import Counts
from scans.api.fields import Percent


class PolicyBody(serializers.Serializer[Any]):
    """The answers of one cache policy, by how they were served."""

    policy = serializers.CharField(help_text="Name of the policy")
    hits = serializers.IntegerField(help_text="Answers from the cache")
    misses = serializers.IntegerField(help_text="Answers that were computed")
    stale = serializers.IntegerField(help_text="Stored answers of another form, computed again")
    coalesced = serializers.IntegerField(source="shared", help_text="Answers of another caller's computation")
    errors = serializers.IntegerField(source="failures", help_text="Computations that failed")  # type: ignore[assignment]
    bytes = serializers.IntegerField(help_text="Bytes stored")
    load_seconds = serializers.FloatField(source="seconds", help_text="Time spent computing")
    hit_ratio_pct = Percent(source="ratio", help_text="Hits and coalesced of all; null: no answer")


class MinuteBody(serializers.Serializer[Any]):
    """The answers of one minute."""

    at = serializers.DateTimeField(help_text="When the minute began")
    policies = PolicyBody(many=True, help_text="Policies with a request in it")


class CacheMemoryBody(serializers.Serializer[Any]):
    """The memory of the cache."""

    used = serializers.IntegerField(help_text="Bytes in use")
    most = serializers.IntegerField(help_text="Bytes that are allowed; 0: no limit")
    policy = serializers.CharField(help_text="What is removed then")
    shared = serializers.BooleanField(help_text="Whether all processes share it (Redis)")


class CacheStatsBody(serializers.Serializer[Any]):
    """The figures of the cache, of all processes of this host: of the others up to their last whole minute."""

    memory = CacheMemoryBody(allow_null=True, help_text="Null: the cache does not answer")
    total = PolicyBody(many=True, help_text="Since the processes started")
    minutes = MinuteBody(many=True, help_text="The latest hour, ascending")


def policy_rows(counts: dict[str, Counts]) -> list[dict[str, Any]]:
    """The rows of `PolicyBody`, by name."""
    names = ("hits", "misses", "stale", "shared", "failures", "bytes", "seconds", "ratio")
    return [
        {"policy": policy, **{name: getattr(row, name) for name in names}} for policy, row in sorted(counts.items())
    ]
