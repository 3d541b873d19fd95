"""Generations of a market's data, by which caches expire (see `Generation`)."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from marketdata.models import Generation

STEP = timedelta(seconds=1)


def advance(name: str) -> None:
    """Begin a new generation of `name`. Call it last inside the transaction that writes: it blocks other writers of the
    same name."""
    now = timezone.now()
    with transaction.atomic():
        row, new = Generation.objects.select_for_update().get_or_create(name=name, defaults={"changed_at": now})
        if not new:
            row.changed_at = max(row.changed_at + STEP, now)
            row.save(update_fields=["changed_at"])


def advance_family(market: str) -> None:
    """Begin a new generation of a market and of those that have its rules, such as kr-adj of kr."""
    family = Generation.objects.filter(name__startswith=f"{market}-").order_by("name")
    for name in (market, *family.values_list("name", flat=True)):
        advance(name)
