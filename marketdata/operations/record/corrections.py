"""What both doors do: tell new rows from recorded ones, and replace values while keeping what they were.

A batch is sorted by (code, date) and has no key twice; what a row does not say leaves what is recorded standing.
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


@dataclass(frozen=True, slots=True)
class Comparison:
    """Positions of a batch's new rows and of those that correct recorded ones, and what is recorded of the latter."""

    new: NDArray[np.intp]
    corrected: NDArray[np.intp]
    held: Mapping[str, NDArray[np.float64]]


def compare(batch: bulk.WriteBatch, held: bulk.Rows | None, table: bulk.Table) -> Comparison:
    """`batch` against `held`, the recorded rows of its source under its keys and perhaps more."""
    if held is None or not len(held):
        return Comparison(np.arange(len(batch)), np.empty(0, np.intp), {})
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
    for name in table.columns:
        now = batch.values[name]
        differs |= ~np.isnan(now) & (now != held.values[name][row])
    corrected = np.flatnonzero(found & differs)
    return Comparison(
        np.flatnonzero(~found),
        corrected,
        {name: held.values[name][row[corrected]] for name in table.columns},
    )


def replace_rows(
    batch: bulk.WriteBatch,
    found: Comparison,
    table: bulk.Table,
    kept: type[models.Model],
    *,
    market: str,
    source: str,
    at: datetime,
    reason: str = "",
) -> None:
    """Replace the corrected rows and keep the values they had in the table of `kept`, with the `reason` where that has
    one."""
    if not len(found.corrected):
        return
    rows = batch.take(found.corrected)
    old: list[dict[str, float | None]] = [{} for _ in range(len(rows))]
    for name in table.columns:
        was, now = found.held[name], rows.values[name]
        silent = np.isnan(now)
        now[silent] = was[silent]
        for place in np.flatnonzero((now != was) & ~silent).tolist():
            value = float(was[place])
            old[place][name] = None if np.isnan(value) else value
    bulk.update(rows, market=market, source=source, at=at, table=table)
    codes, days = rows.codes[rows.code].tolist(), rows.date.tolist()
    why = {"reason": reason} if reason else {}
    bulk.upsert(
        kept,
        [
            (market, code, day, source, values, at, *why.values())
            for code, day, values in zip(codes, days, old, strict=True)
        ],
        fields=("market", "stock_code", "date", "source", "old", "replaced_at", *why),
    )


def months_of(days: NDArray[np.datetime64]) -> set[date]:
    """The first days of the months that these days lie in."""
    return set(np.unique(days.astype("datetime64[M]")).astype("datetime64[D]").tolist())
