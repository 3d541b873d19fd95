"""The bodies of the health endpoints."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

STATES = ["up", "degraded", "down"]


class Part(serializers.Serializer[Any]):
    """One part of the system."""

    state = serializers.ChoiceField(choices=STATES)
    detail = serializers.CharField()


class AliveBody(serializers.Serializer[Any]):
    state = serializers.ChoiceField(choices=STATES)


class ReadyBody(serializers.Serializer[Any]):
    """The worst state of all parts, and each; only a database that is down makes it a 503."""

    state = serializers.ChoiceField(choices=STATES)
    database = Part()
    cache = Part()
    queue = Part()
    lake = Part()
    sessions = Part(
        help_text="Degraded where a market's last closed session should be recorded and scanned and is not (overdue), "
        "or is published from older data than the record has (stale); `/api/{market}/readiness` has more. Markets "
        "without bars and generated ones never are."
    )
