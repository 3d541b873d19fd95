"""Figures of the page of operations: the last evenings of each market and how their messages were delivered."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import F, Window
from django.db.models.functions import RowNumber

from scans.models import Delivery, Notification

LATEST = 5
"""Notifications of each market that are read."""
LISTED = 30
"""Deliveries that are listed."""


@dataclass(frozen=True, slots=True)
class OperationsFigures:
    """The notification of the last evening of each market, by market, and the latest deliveries, newest first, each
    with its notification."""

    evenings: list[Notification]
    deliveries: list[Delivery]


def operations_figures() -> OperationsFigures:
    """Both in one query."""
    place = Window(RowNumber(), partition_by=[F("market"), F("kind")], order_by=[F("session").desc(), F("pk").desc()])
    latest = Notification.objects.order_by().annotate(place=place).filter(place__lte=LATEST).values("pk")
    columns = ("pk", "market", "session", "kind", "outcome", "seconds", "collection", "changed_at")
    sent = ("pk", "channel", "sent_at", "given_up", "attempts", "error")
    rows = Notification.objects.filter(pk__in=latest).order_by("-changed_at", "-pk", "-deliveries__pk")
    evenings: dict[str, Notification] = {}
    deliveries = []
    for row in rows.values_list(*columns, *(f"deliveries__{name}" for name in sent)):
        notification = Notification(**dict(zip(columns, row, strict=False)))
        newest = evenings.get(notification.market)
        if notification.kind == Notification.EVENING and (newest is None or newest.session < notification.session):
            evenings[notification.market] = notification
        values = dict(zip(sent, row[len(columns) :], strict=True))
        if values["pk"] is not None:
            deliveries.append(Delivery(notification=notification, **values))
    return OperationsFigures([evenings[market] for market in sorted(evenings)], deliveries[:LISTED])
