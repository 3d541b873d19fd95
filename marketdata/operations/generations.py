"""Generations of a market's data, by which caches expire (see `Generation`)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from marketdata.models import Generation

STEP = timedelta(seconds=1)
MOST_INSTRUMENTS = 100
"""Instruments whose changes since the last change of the whole market are recorded one by one: every request reads
them."""


def advance(name: str) -> None:
    """Begin a new generation of `name`. Call it last inside the transaction that writes: it blocks other writers of the
    same name."""
    with transaction.atomic():
        row, at = _locked(name)
        if at > row.changed_at:
            row.changed_at, row.shared_at, row.instruments = at, None, {}
            row.save(update_fields=["changed_at", "shared_at", "instruments"])


def advance_instruments(market: str, codes: Collection[str]) -> None:
    """Begin a new generation of a market by a change that shows in answers on the whole market and in those on these
    instruments, and in no answer on another instrument alone; of too many of them, in all. Call it as `advance`."""
    with transaction.atomic():
        row, at = _locked(market)
        changed = {**row.instruments, **dict.fromkeys(codes, at.isoformat())}
        if len(changed) > MOST_INSTRUMENTS:
            advance(market)
        elif at > row.changed_at:
            row.shared_at, row.changed_at, row.instruments = row.shared_at or row.changed_at, at, changed
            row.save(update_fields=["changed_at", "shared_at", "instruments"])


def advance_family(market: str) -> None:
    """Begin a new generation of a market and of those that have its rules, such as kr-adj of kr."""
    family = Generation.objects.filter(name__startswith=f"{market}-").order_by("name")
    for name in (market, *family.values_list("name", flat=True)):
        advance(name)


def _locked(name: str) -> tuple[Generation, datetime]:
    """The row of `name`, locked, and the time of its next generation; of a new row, its own."""
    now = timezone.now()
    row, new = Generation.objects.select_for_update().get_or_create(name=name, defaults={"changed_at": now})
    return row, now if new else max(row.changed_at + STEP, now)
