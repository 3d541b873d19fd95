"""The door: the one way by which bars enter the record.

In one transaction, for a batch of one source's rows that have passed `validation`:

1. Compare with what is recorded (`bulk`): rows are new, corrected or unchanged. What a row does not say leaves what is
   recorded standing.
2. Insert the new; update the corrected and keep what they said before (`BarCorrection`).
3. Bring `Instrument` up to date, then what the source says of each (`membership_runs`).
4. Mark the lake's months whose bars or whose membership changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
from django.db import transaction
from numpy.typing import NDArray

from marketdata.models import BarCorrection
from marketdata.operations import bulk, instruments, marks, membership_runs
from marketdata.sources.files import BarBatch

DAY_BITS = 1 << 20


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of a batch's rows."""

    new: int = 0
    corrected: int = 0
    unchanged: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.new + other.new,
            self.corrected + other.corrected,
            self.unchanged + other.unchanged,
        )


def record(batch: BarBatch, *, market: str, source: str, at: datetime) -> Counts:
    """Record a validated batch (no key twice) in one transaction of its own; `at` becomes its time of record."""
    if not len(batch):
        return Counts()
    batch = batch.take(np.lexsort((batch.date, batch.code)))
    with transaction.atomic():
        bulk.lock(market)
        known = instruments.Known(market, batch)
        new, corrected, held = _compared(batch, known, market=market, source=source)
        bulk.insert(_writable(batch, new), market=market, source=source, at=at)
        if len(corrected):
            _correct(batch, corrected, held, market=market, source=source, at=at)
        known.write()
        months = months_of(batch.date[np.concatenate([new, corrected])])
        months |= membership_runs.write(batch, known, market=market, source=source)
        marks.mark(market, months)
    return Counts(len(new), len(corrected), len(batch) - len(new) - len(corrected))


def months_of(days: NDArray[np.datetime64]) -> set[date]:
    """The first days of the months that these days lie in."""
    return set(np.unique(days.astype("datetime64[M]")).astype("datetime64[D]").tolist())


def _compared(
    batch: BarBatch, known: instruments.Known, *, market: str, source: str
) -> tuple[NDArray[np.intp], NDArray[np.intp], dict[str, NDArray[np.float64]]]:
    """Positions of the new rows and of the corrected ones, and what is recorded of the latter."""
    held = known.recorded(source)
    if held is None or not len(held):
        return np.arange(len(batch)), np.empty(0, np.intp), {}
    place = np.searchsorted(batch.codes, held.codes)
    place[place == len(batch.codes)] = 0
    shared = batch.codes[place] == held.codes
    theirs = np.where(shared, place, -1)[held.code] * DAY_BITS + held.date.astype(np.int64)
    order = np.argsort(theirs)
    mine = batch.code.astype(np.int64) * DAY_BITS + batch.date.astype(np.int64)
    at = np.minimum(np.searchsorted(theirs, mine, sorter=order), len(order) - 1)
    row = order[at]
    found = theirs[row] == mine
    differs = np.zeros(len(batch), dtype=bool)
    for name in bulk.COLUMNS:
        now = batch.values[name]
        differs |= ~np.isnan(now) & (now != held.values[name][row])
    corrected = np.flatnonzero(found & differs)
    return (
        np.flatnonzero(~found),
        corrected,
        {name: held.values[name][row[corrected]] for name in bulk.COLUMNS},
    )


def _correct(
    batch: BarBatch,
    rows: NDArray[np.intp],
    held: dict[str, NDArray[np.float64]],
    *,
    market: str,
    source: str,
    at: datetime,
) -> None:
    """Replace recorded bars and keep the values they had."""
    bars = _writable(batch, rows)
    old: list[dict[str, float | None]] = [{} for _ in range(len(rows))]
    for name in bulk.COLUMNS:
        was, now = held[name], bars.values[name]
        silent = np.isnan(now)
        now[silent] = was[silent]
        for place in np.flatnonzero((now != was) & ~silent).tolist():
            value = float(was[place])
            old[place][name] = None if np.isnan(value) else value
    bulk.update(bars, market=market, source=source, at=at)
    codes, days = bars.codes[bars.code].tolist(), bars.date.tolist()
    bulk.upsert(
        BarCorrection,
        [
            (market, code, day, source, values, at)
            for code, day, values in zip(codes, days, old, strict=True)
        ],
        fields=("market", "stock_code", "date", "source", "old", "replaced_at"),
    )


def _writable(batch: BarBatch, rows: NDArray[np.intp]) -> bulk.Writable:
    return bulk.Writable(
        batch.codes,
        batch.code[rows],
        batch.date[rows],
        {name: batch.values[name][rows] for name in bulk.COLUMNS},
    )
