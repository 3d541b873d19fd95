"""Marks on the lake: which months no longer tell what the record says (see `LakePartition`)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from django.db.models import F

from marketdata.models import LakePartition


def mark(market: str, months: Iterable[date]) -> None:
    """Raise `wanted` of the partitions of `months` (any day of a month stands for it). Call it inside the
    transaction that writes to the record."""
    firsts = sorted({day.replace(day=1) for day in months})
    if not firsts:
        return
    LakePartition.objects.bulk_create(
        [LakePartition(market=market, month=first, wanted=0) for first in firsts],
        ignore_conflicts=True,
    )
    LakePartition.objects.filter(market=market, month__in=firsts).update(wanted=F("wanted") + 1)
