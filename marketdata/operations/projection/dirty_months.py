"""Marks of the lake's months that differ from the record (see `Partition`)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import numpy as np
from django.db.models import F
from numpy.typing import NDArray

from marketdata.models import LakePartition, Partition

REACH = 21
"""Days that hold seven sessions of any market."""


def mark(market: str, months: Iterable[date], *, kind: type[Partition] = LakePartition) -> None:
    """Raise `wanted` of the partitions of that kind of `months` (any day of a month means the month). Call it inside
    the transaction that writes to the record."""
    firsts = sorted({day.replace(day=1) for day in months})
    if not firsts:
        return
    rows = [kind(market=market, month=first, wanted=0) for first in firsts]
    kind._default_manager.bulk_create(rows, ignore_conflicts=True)
    kind._default_manager.filter(market=market, month__in=firsts).update(wanted=F("wanted") + 1)


def affected_months(market: str, days: NDArray[np.datetime64]) -> set[date]:
    """The recorded months after those of `days` that a bar of these days affects: the preferred source of a session
    depends on the seven sessions up to it."""
    after = np.unique((days + REACH).astype("datetime64[M]"))
    firsts = after[~np.isin(after, days.astype("datetime64[M]"))].astype("datetime64[D]").tolist()
    partitions = LakePartition.objects.filter(market=market, month__in=firsts)
    return set(partitions.values_list("month", flat=True)) if firsts else set()
