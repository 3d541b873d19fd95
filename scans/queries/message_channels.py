"""Queries of a reader's own message channels and deliveries; no query returns those of another user."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from scans.models import Delivery, IntradayMessages, MessageChannel

LISTED = 30
"""How many deliveries a reader's list has."""


def own_channels(user: Any) -> QuerySet[MessageChannel]:
    """The channels of a user."""
    return MessageChannel.objects.filter(user=user.pk).select_related("user")


def intraday_markets() -> set[str] | None:
    """The markets of which readers want messages while they trade; None: of all."""
    rows = MessageChannel.objects.filter(enabled=True, user__is_active=True).exclude(intraday=IntradayMessages.NONE)
    markets = list(rows.values_list("markets", flat=True))
    return None if any(not names for names in markets) else {name for names in markets for name in names}


def own_deliveries(user: Any) -> QuerySet[Delivery]:
    """The latest deliveries through a user's channels, each with its notification and channel."""
    rows = Delivery.objects.filter(reader_channel__user=user.pk).select_related("notification", "reader_channel")
    return rows.order_by("-pk")[:LISTED]
