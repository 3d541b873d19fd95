"""Comparison of a batch with the recorded rows, and corrections, which keep the former values.

A batch is sorted by (code, date) and has no key twice; a missing value leaves the recorded one unchanged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
from django.db import models
from numpy.typing import NDArray

from marketdata.operations import bulk

DAY_BITS = 1 << 20


@dataclass(frozen=True, slots=True)
class Counts:
    """Counts of a batch's rows."""

    new: int = 0
    corrected: int = 0
    unchanged: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.new + other.new, self.corrected + other.corrected, self.unchanged + other.unchanged)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Positions of a batch's new rows, of those that correct recorded ones, and of all rows with a recorded one; the
    recorded values of the corrected rows."""

    new: NDArray[np.intp]
    corrected: NDArray[np.intp]
    recorded: Mapping[str, NDArray[np.float64]]
    overlap: NDArray[np.intp]


def compare(batch: bulk.WriteBatch, recorded: bulk.Rows | None, table: bulk.Table) -> Comparison:
    """Compare `batch` with `recorded`, the rows of its source under its keys and perhaps more."""
    if recorded is None or not len(recorded):
        return Comparison(np.arange(len(batch)), np.empty(0, np.intp), {}, np.empty(0, np.intp))
    code_places = np.searchsorted(batch.codes, recorded.codes)
    code_places[code_places == len(batch.codes)] = 0
    shared = batch.codes[code_places] == recorded.codes
    recorded_keys = np.where(shared, code_places, -1)[recorded.code] * DAY_BITS + recorded.date.astype(np.int64)
    order = np.argsort(recorded_keys)
    keys = batch.code.astype(np.int64) * DAY_BITS + batch.date.astype(np.int64)
    place_in_order = np.minimum(np.searchsorted(recorded_keys, keys, sorter=order), len(order) - 1)
    row = order[place_in_order]
    is_recorded = recorded_keys[row] == keys
    differs = np.zeros(len(batch), dtype=bool)
    for name in table.columns:
        now = batch.values[name]
        differs |= ~np.isnan(now) & (now != recorded.values[name][row])
    corrected = np.flatnonzero(is_recorded & differs)
    return Comparison(
        np.flatnonzero(~is_recorded),
        corrected,
        {name: recorded.values[name][row[corrected]] for name in table.columns},
        np.flatnonzero(is_recorded),
    )


def replace_rows(
    batch: bulk.WriteBatch,
    comparison: Comparison,
    table: bulk.Table,
    correction_model: type[models.Model],
    *,
    market: str,
    source: str,
    at: datetime,
    reason: str = "",
) -> None:
    """Replace the corrected rows and keep their former values in the table of `correction_model`, with the `reason`
    where it has one."""
    if not len(comparison.corrected):
        return
    rows = batch.take(comparison.corrected)
    old: list[dict[str, float | None]] = [{} for _ in range(len(rows))]
    for name in table.columns:
        before, now = comparison.recorded[name], rows.values[name]
        missing = np.isnan(now)
        now[missing] = before[missing]
        for place in np.flatnonzero((now != before) & ~missing).tolist():
            value = float(before[place])
            old[place][name] = None if np.isnan(value) else value
    bulk.update(rows, market=market, source=source, at=at, table=table)
    codes, days = rows.codes[rows.code].tolist(), rows.date.tolist()
    optional = {"reason": reason} if reason else {}
    bulk.upsert(
        correction_model,
        [
            (market, code, day, source, values, at, *optional.values())
            for code, day, values in zip(codes, days, old, strict=True)
        ],
        fields=("market", "stock_code", "date", "source", "old", "replaced_at", *optional),
    )


def months_of(days: NDArray[np.datetime64]) -> set[date]:
    """The first days of the months that these days lie in."""
    return set(np.unique(days.astype("datetime64[M]")).astype("datetime64[D]").tolist())
