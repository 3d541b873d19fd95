"""Marks on the lake: which months no longer tell what the record says (see `Partition`)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from django.db.models import F

from marketdata.models import LakePartition, Partition


def mark(
    market: str,
    months: Iterable[date],
    *,
    kind: type[Partition] = LakePartition,
) -> None:
    """Raise `wanted` of the partitions of that kind of `months` (any day of a month stands for it). Call it inside
    the transaction that writes to the record."""
    firsts = sorted({day.replace(day=1) for day in months})
    if not firsts:
        return
    made = [kind(market=market, month=first, wanted=0) for first in firsts]
    kind._default_manager.bulk_create(made, ignore_conflicts=True)
    kind._default_manager.filter(market=market, month__in=firsts).update(wanted=F("wanted") + 1)
