"""Records the statuses of a batch's instruments (`InstrumentStatus`)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from functools import partial
from typing import NamedTuple

import numpy as np

from marketdata.models import InstrumentStatus, LakePartition, StatusChange, StockPrice
from marketdata.operations import bulk
from marketdata.operations.record.instruments import InstrumentTable, Mention
from marketdata.operations.record.status_intervals import Days, StatusInterval, difference, merge
from marketdata.sources.batches import BarBatch, RowStatus

ROWS_AT_A_TIME = 2_000


class ChangedStatuses(NamedTuple):
    """The first days of the recorded months in which the status of an instrument may have changed: a status is valid
    until the next. `codes`: the instruments with another statement."""

    months: set[date]
    codes: set[str]


def write(batch: BarBatch, table: InstrumentTable, *, market: str, source: str, at: datetime) -> ChangedStatuses:
    """Merge the statuses of `batch` (sorted by (code, date)) into those of `source`. Changes are recorded with the time
    `at` (`StatusChange`)."""
    has_status = np.array([not status.is_silent for status in batch.statuses])[batch.status]
    if not has_status.any():
        return ChangedStatuses(set(), set())
    intervals = _intervals(batch, table.mentions)

    def days(mention: Mention) -> tuple[Days, Sequence[date]]:
        return _status_days(batch, mention), _bar_days(market, mention.code, source)

    updates = [
        StatusUpdate(
            mention.code,
            table.by_code[mention.code].pk,
            table.by_code[mention.code].last_bar,
            intervals[mention.code],
            partial(days, mention),
        )
        for mention in table.mentions
        if mention.code in intervals
    ]
    codes = (table.mentions[0].code, table.mentions[-1].code)
    return merge_statuses(updates, market=market, source=source, codes=codes, at=at)


class StatusUpdate(NamedTuple):
    """New statuses of one instrument by a source; `days` as `status_intervals.merge` calls it."""

    code: str
    instrument: int
    last_bar: date | None
    intervals: list[StatusInterval]
    days: Callable[[], tuple[Days, Sequence[date]]]


def merge_statuses(
    updates: Sequence[StatusUpdate], *, market: str, source: str, codes: tuple[str, str], at: datetime
) -> ChangedStatuses:
    """Merge updates of instruments between two codes into the intervals of `source`."""
    recorded = _recorded_intervals(market, source, codes)
    touched: list[tuple[date, date]] = []
    deleted: list[int] = []
    written: list[tuple[object, ...]] = []
    changes: list[tuple[object, ...]] = []
    changed_codes: set[str] = set()
    for update in updates:
        rows = recorded.get(update.instrument, [])
        old = [interval for _, interval in rows]
        after = merge(old, update.intervals, update.days)
        if after == old:
            continue
        changed_codes.add(update.code)
        firsts = {interval.first for interval in after}
        deleted += [key for key, interval in rows if interval.first not in firsts]
        unchanged = set(old)
        written += [
            (update.instrument, source, interval.first, interval.last, *interval.status)
            for interval in after
            if interval not in unchanged
        ]
        effect = difference(old, after)
        if effect:
            changes.append((market, update.code, *effect, at))
        if effect and update.last_bar:
            touched.append((effect[0], min(effect[1] or update.last_bar, update.last_bar)))
    for start in range(0, len(deleted), ROWS_AT_A_TIME):
        InstrumentStatus.objects.filter(pk__in=deleted[start : start + ROWS_AT_A_TIME]).delete()
    bulk.upsert(
        InstrumentStatus,
        written,
        fields=("instrument", "source", "valid_from", "valid_to", *RowStatus._fields),
        key=("instrument", "source", "valid_from"),
    )
    bulk.upsert(StatusChange, changes, fields=("market", "stock_code", "first", "before", "at"))
    return ChangedStatuses(_recorded_months(market, touched), changed_codes)


def _recorded_intervals(
    market: str, source: str, codes: tuple[str, str]
) -> dict[int, list[tuple[int, StatusInterval]]]:
    """Instrument -> its intervals by `source`, ascending, with their keys."""
    rows = (
        InstrumentStatus.objects.filter(source=source, instrument__market=market, instrument__code__range=codes)
        .order_by("instrument_id", "valid_from")
        .values_list("pk", "instrument_id", "valid_from", "valid_to", *RowStatus._fields)
    )
    result: dict[int, list[tuple[int, StatusInterval]]] = defaultdict(list)
    for key, instrument, first, last, *columns in rows:
        result[instrument].append((key, StatusInterval(first, last, RowStatus._make(columns))))
    return result


def _intervals(batch: BarBatch, mentions: Iterable[Mention]) -> dict[str, list[StatusInterval]]:
    """Code -> the batch's statuses as intervals; rows without a status are skipped."""
    silent = np.array([status.is_silent for status in batch.statuses])
    rows = np.flatnonzero(~silent[batch.status])
    code, status = batch.code[rows], batch.status[rows]
    begins = np.ones(len(rows), dtype=bool)
    begins[1:] = (np.diff(code) != 0) | (np.diff(status) != 0)
    starts = np.flatnonzero(begins)
    stops = np.append(starts[1:], len(rows)) - 1
    result: dict[str, list[StatusInterval]] = defaultdict(list)
    for name, first, last, status_index in zip(
        batch.codes[code[starts]].tolist(),
        batch.date[rows[starts]].tolist(),
        batch.date[rows[stops]].tolist(),
        status[starts].tolist(),
        strict=True,
    ):
        result[name].append(StatusInterval(first, last, batch.statuses[status_index]))
    return result


def _status_days(batch: BarBatch, mention: Mention) -> Days:
    rows = slice(mention.start, mention.stop)
    pairs = zip(batch.date[rows].tolist(), batch.status[rows].tolist(), strict=True)
    return [(day, batch.statuses[status]) for day, status in pairs if not batch.statuses[status].is_silent]


def _bar_days(market: str, code: str, source: str) -> list[date]:
    """The days on which the source has a bar of the instrument, ascending."""
    return list(
        StockPrice.objects.filter(market=market, stock_code=code, source=source)
        .order_by("date")
        .values_list("date", flat=True)
    )


def _recorded_months(market: str, spans: Iterable[tuple[date, date]]) -> set[date]:
    """The partitions that any of these spans of days touches."""
    months = LakePartition.objects.filter(market=market).values_list("month", flat=True)
    firsts = np.array(sorted(months), dtype="datetime64[D]")
    hit = np.zeros(len(firsts) + 1, dtype=np.int64)
    days = np.array(list(spans), dtype="datetime64[D]").reshape(-1, 2)
    low = np.searchsorted(firsts, days[:, 0].astype("datetime64[M]").astype("datetime64[D]"))
    high = np.maximum(np.searchsorted(firsts, days[:, 1], side="right"), low)
    np.add.at(hit, low, 1)
    np.add.at(hit, high, -1)
    return set(firsts[np.cumsum(hit)[:-1] > 0].tolist())
