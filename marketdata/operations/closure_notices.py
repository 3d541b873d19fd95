"""Notices of recorded days on which the market seems to have been closed, by the rule of the projection
(`closures.month_closures`), for the report of an import or a collection.

Reading all rows back would take as long as recording them. Fingerprints of the rows select the candidates: the first
day, days without volume, and days half of whose bars have the fingerprint of the day before. Only the months of these
are read, and the rule decides."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from itertools import pairwise
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from marketdata.operations import bulk
from marketdata.operations.closures import month_closures
from marketdata.operations.projection.partitions import source_orders
from marketdata.session_activity import COMPARED_FIELDS, is_copy
from marketdata.sources.batches import BarBatch

LONGEST_GAP = timedelta(days=12)
"""More days than between two consecutive sessions."""
MOST_NOTICES = 20
"""Limit of notices, the latest ones."""


_PRIME = np.uint64(1_099_511_628_211)  # of the FNV hash


class DayFingerprints:
    """The days of rows that were recorded, with a fingerprint of 8 bytes for each row that traded."""

    def __init__(self) -> None:
        self._days: dict[date, list[NDArray[np.uint64]]] = defaultdict(list)

    def add(self, batch: BarBatch) -> None:
        """Count the rows of a batch."""
        if not len(batch):
            return
        codes = np.array([crc32(code.encode()) for code in batch.codes.tolist()], dtype=np.uint64)
        prints = codes[batch.code]
        for name in COMPARED_FIELDS:
            values = np.ascontiguousarray(batch.values[name], dtype=np.float64)
            prints = (prints ^ values.view(np.uint64)) * _PRIME
            prints ^= prints >> np.uint64(29)
        order = np.argsort(batch.date, kind="stable")
        days, starts = np.unique(batch.date[order], return_index=True)
        traded = batch.values["volume"][order] > 0
        parts = zip(np.split(prints[order], starts[1:]), np.split(traded, starts[1:]), strict=True)
        for day, (day_prints, has_volume) in zip(days.tolist(), parts, strict=True):
            self._days[day].append(day_prints[has_volume])

    def doubtful(self) -> list[date]:
        """The candidates, ascending."""
        days = sorted(self._days)
        prints = {day: np.concatenate(self._days[day]) for day in days}
        result = days[:1]
        for before, day in pairwise(days):
            traded = len(prints[day])
            if (
                not traded
                or day - before > LONGEST_GAP
                or is_copy(traded, len(np.intersect1d(prints[before], prints[day])))
            ):
                result.append(day)
        return result

    def closed(self, market: str) -> tuple[str, ...]:
        """`closure_notices` of the candidates."""
        return closure_notices(market, self.doubtful())


def closure_notices(market: str, days: Iterable[date]) -> tuple[str, ...]:
    """A sentence for each of `days` that has bars on which the market did not trade, the latest `LISTED` of them. Only
    the months of these days are read, one after the other."""
    requested = set(days)
    notices: list[str] = []
    before: bulk.Rows | None = None
    for month in sorted({day.replace(day=1) for day in requested}):
        until = (month + timedelta(days=31)).replace(day=1) - timedelta(days=1)
        rows = bulk.month_rows(market, month, until)
        if before is not None and not _is_month_before(before, month):
            before = None
        order = rows.preferred(source_orders(market, month, rows))
        closed, traded = month_closures(market, month, rows, order, before=before)
        notices += [
            f"{day}: {why}; closed? Scans leave the day out: confirm it, or say that the market was open, in the "
            "admin's calendar overrides; or import or collect its bars again."
            for day, (_, why) in sorted(closed.items())
            if why and day in requested
        ]
        if traded:
            last = date.fromisoformat(max(traded))
            before = bulk.month_rows(market, last, last)
    return tuple(notices[-MOST_NOTICES:])


def _is_month_before(rows: bulk.Rows, month: date) -> bool:
    day: date = rows.date[0].item()
    return (day.replace(day=1) + timedelta(days=31)).replace(day=1) == month
