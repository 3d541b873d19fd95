"""Records factor events: they stand in where no source gives a base price."""

from __future__ import annotations

from datetime import datetime

import numpy as np
from django.db import transaction
from numpy.typing import NDArray

from marketdata.models import FactorEvent
from marketdata.operations import bulk, generations, marks
from marketdata.operations.door import Counts, months_of
from marketdata.sources.files import EventBatch

ROWS_AT_A_TIME = 2_000


def record(
    batch: EventBatch, rows: NDArray[np.intp], *, market: str, source: str, at: datetime
) -> Counts:
    """Record the events at these rows of a batch, in one transaction: a known event with another ratio is corrected.
    The lake's months in which something changed are marked."""
    if not len(rows):
        return Counts()
    given = {
        (code, day): ratio
        for code, day, ratio in zip(
            batch.codes[batch.code[rows]].tolist(),
            batch.date[rows].tolist(),
            batch.ratio[rows].tolist(),
            strict=True,
        )
    }
    days = batch.date[rows]
    with transaction.atomic():
        bulk.lock(market)
        recorded = {
            (code, day): ratio
            for code, day, ratio in FactorEvent.objects.filter(
                market=market, date__gte=days.min().item(), date__lte=days.max().item()
            ).values_list("stock_code", "date", "ratio")
        }
        written = {key: ratio for key, ratio in given.items() if recorded.get(key) != ratio}
        FactorEvent.objects.bulk_create(
            [
                FactorEvent(
                    market=market,
                    stock_code=code,
                    date=day,
                    ratio=ratio,
                    source=source,
                    created_at=at,
                    updated_at=None if (code, day) not in recorded else at,
                )
                for (code, day), ratio in written.items()
            ],
            batch_size=ROWS_AT_A_TIME,
            update_conflicts=True,
            unique_fields=["market", "stock_code", "date"],
            update_fields=["ratio", "source", "updated_at"],
        )
        marks.mark(market, months_of(np.array([day for _, day in written], dtype="datetime64[D]")))
        generations.advance(market)
    new = sum(key not in recorded for key in written)
    return Counts(new, len(written) - new, len(given) - len(written))
