"""Marks on the lake: which months no longer tell what the record says (see `Partition`)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import numpy as np
from django.db.models import F
from numpy.typing import NDArray

from marketdata.models import LakePartition, Partition

REACH = 21
"""Days that hold seven sessions of any market."""


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


def affected_months(market: str, days: NDArray[np.datetime64]) -> set[date]:
    """The recorded months after those of `days` in which a bar of these days still tells how good its source is: which
    source is preferred on a session depends on the seven up to it."""
    after = np.unique((days + REACH).astype("datetime64[M]"))
    firsts = after[~np.isin(after, days.astype("datetime64[M]"))].astype("datetime64[D]").tolist()
    known = LakePartition.objects.filter(market=market, month__in=firsts)
    return set(known.values_list("month", flat=True)) if firsts else set()
