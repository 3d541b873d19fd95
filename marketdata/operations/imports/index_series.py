"""Import of an external index series, and choice of the series for a market's regimes.

Impossible rows are rejected, counted by reason and written to the reject file; the others are recorded in one
transaction: new, corrected or unchanged.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import numpy as np
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from numpy.typing import NDArray

from marketdata.errors import DataProblem
from marketdata.market_time import market_date
from marketdata.markets import OWN_NAMES, get_market
from marketdata.models import IndexBar, IndexChoice
from marketdata.operations import bulk, generations
from marketdata.operations.record.corrections import Counts
from marketdata.operations.record.rejects import RejectFile
from marketdata.operations.record.validation import FINE, REASONS, Reason
from marketdata.queries.market_calendar import get_sessions
from marketdata.record import Days
from marketdata.sources.files import series
from marketdata.sources.files.series import SeriesBatch

NAME = re.compile(r"\S{1,24}")
SLACK = 1e-9


@dataclass(frozen=True, slots=True)
class IndexReport:
    """Outcome of a file: `first` and `last` day of the valid rows, `missing`: sessions between them without a row."""

    market: str
    name: str
    rows: int
    counts: Counts
    rejected: dict[str, int]
    reject_file: Path | None
    first: date
    last: date
    missing: int

    def lines(self) -> Iterator[str]:
        """The report as lines of text."""
        counts, rejected = self.counts, sum(self.rejected.values())
        yield (
            f"{self.name} of market {self.market}, {self.first} to {self.last}: {counts.new:,} new, "
            f"{counts.corrected:,} corrected, {counts.unchanged:,} unchanged, {rejected:,} rejected; "
            f"{self.missing:,} sessions without a bar in between"
        )
        yield from (f"  rejected: {rows:,} {reason}" for reason, rows in self.rejected.items())
        if self.reject_file:
            yield f"  rejected rows are in {self.reject_file}"


def import_index(*, file: Path, market: str, name: str, as_of: datetime) -> IndexReport:
    """Record the series `name` of `file` for `market`; `as_of` becomes the time of record. Raises UnknownMarket,
    DataProblem, PriceFileError."""
    rules = get_market(market)
    if not NAME.fullmatch(name):
        raise DataProblem(f"{name!r} is no name of a series: up to 24 characters without blanks.")
    if name in OWN_NAMES:
        raise DataProblem(f"{name} is the name of a market's own series: give this one another name, such as KS11.")
    sessions = get_sessions(market)
    batch = series.read(file, name, market)
    reasons = check_levels(batch, sessions, market_date(as_of, rules))
    valid = np.flatnonzero(reasons == FINE)
    with RejectFile(settings.REJECT_DIR, file.name, as_of, batch.raw.column_names) as rejects:
        rejects.add(batch.raw, batch.row, reasons)
    if not len(valid):
        raise DataProblem(
            f"{file.name}: none of the {len(batch):,} rows of {name} can be right "
            f"({', '.join(f'{count:,} {reason}' for reason, count in rejects.counts.items())}). Nothing was recorded."
        )
    counts = record_levels(batch, valid, market=market, name=name, at=as_of)
    days = batch.date[valid]
    first, last = days.min(), days.max()
    inside = int(((sessions >= first) & (sessions <= last)).sum())
    return IndexReport(
        market=market,
        name=name,
        rows=len(batch),
        counts=counts,
        rejected=dict(rejects.counts),
        reject_file=rejects.file,
        first=first.item(),
        last=last.item(),
        missing=inside - len(valid),
    )


def choose_index(*, market: str, name: str) -> None:
    """Make the series `name` the index of `market` ("": own-equal); DataProblem where it is not recorded."""
    row = IndexChoice.objects.filter(market=market).first() or IndexChoice(market=market)
    row.name = name
    try:
        row.full_clean()
    except ValidationError as error:
        raise DataProblem(" ".join(error.messages)) from error
    with transaction.atomic():
        row.save()
        generations.advance_family(market)


def check_levels(batch: SeriesBatch, sessions: Days, today: date) -> NDArray[np.int8]:
    """For each row of a series the index of its reason in `REASONS`, or FINE, (R,)."""
    opened, high, low, close = (batch.values[level] for level in series.LEVELS)
    reasons = np.full(len(batch), FINE, dtype=np.int8)

    def reject(reason: Reason, rows: NDArray[np.bool_]) -> None:
        reasons[(reasons == FINE) & rows] = REASONS.index(reason)

    reject(Reason.NO_DATE, np.isnat(batch.date))
    reject(Reason.NON_SESSION, ~np.isin(batch.date, sessions))
    reject(Reason.FUTURE, batch.date > np.datetime64(today))
    reject(Reason.NOT_A_NUMBER, batch.unreadable)
    reject(Reason.BAD_PRICE, ~((opened > 0) & (high > 0) & (low > 0) & (close > 0)))
    reject(Reason.HIGH_BELOW_LOW, high < low)
    outside = (close > high * (1 + SLACK)) | (close < low * (1 - SLACK))
    reject(Reason.CLOSE_OUTSIDE, outside)
    valid = np.flatnonzero(reasons == FINE)
    _, at = np.unique(batch.date[valid], return_index=True)
    repeated = np.ones(len(batch), dtype=bool)
    repeated[valid[at]] = False
    reject(Reason.DUPLICATE, repeated)
    return reasons


def record_levels(batch: SeriesBatch, rows: NDArray[np.intp], *, market: str, name: str, at: datetime) -> Counts:
    """Record the `rows` of a series (positions) in one transaction."""
    columns = [batch.values[level][rows].tolist() for level in series.LEVELS]
    values_by_day = dict(zip(batch.date[rows].tolist(), zip(*columns, strict=True), strict=True))
    with transaction.atomic():
        bulk.lock(market)
        series_rows = IndexBar.objects.filter(market=market, name=name)
        recorded = {
            day: (created, tuple(values))
            for day, created, *values in series_rows.values_list("date", "created_at", *series.LEVELS)
        }
        new = {day: values for day, values in values_by_day.items() if day not in recorded}
        corrected = {
            day: values for day, values in values_by_day.items() if day in recorded and recorded[day][1] != values
        }
        upserts = [(market, name, day, *values, at, at) for day, values in new.items()]
        upserts += [(market, name, day, *values, recorded[day][0], at) for day, values in corrected.items()]
        bulk.upsert(
            IndexBar,
            upserts,
            fields=("market", "name", "date", *series.LEVELS, "created_at", "updated_at"),
            key=("market", "name", "date"),
        )
        if upserts:
            generations.advance_family(market)
    return Counts(len(new), len(corrected), len(values_by_day) - len(new) - len(corrected))
