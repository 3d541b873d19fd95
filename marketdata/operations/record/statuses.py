"""Records what a batch says of its instruments besides prices (`InstrumentStatus`)."""

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


def write(batch: BarBatch, known: InstrumentTable, *, market: str, source: str, at: datetime) -> set[date]:
    """Merge the statements of `batch` (sorted by (code, date)) into those of `source`. Returns the first days of the
    recorded months in which what holds of some instrument may have changed: a statement stands until the next. What
    changed is kept with the time `at` (`StatusChange`)."""
    said = np.array([not status.is_silent for status in batch.statuses])[batch.status]
    if not said.any():
        return set()
    fresh = _runs(batch, known.mentions)

    def days(mention: Mention) -> tuple[Days, Sequence[date]]:
        return _said(batch, mention), _seen(market, mention.code, source)

    said_of = [
        StatusUpdate(
            one.code,
            known.by_code[one.code].pk,
            known.by_code[one.code].last_bar,
            fresh[one.code],
            partial(days, one),
        )
        for one in known.mentions
        if one.code in fresh
    ]
    codes = (known.mentions[0].code, known.mentions[-1].code)
    return merge_statuses(said_of, market=market, source=source, codes=codes, at=at)


class StatusUpdate(NamedTuple):
    """What a source newly says of one instrument; `days` as `status_intervals.merge` calls it."""

    code: str
    instrument: int
    last_bar: date | None
    runs: list[StatusInterval]
    days: Callable[[], tuple[Days, Sequence[date]]]


def merge_statuses(
    said: Sequence[StatusUpdate], *, market: str, source: str, codes: tuple[str, str], at: datetime
) -> set[date]:
    """Merge what `source` says of instruments between two codes into what it said before; the answer is `write`'s."""
    recorded = _recorded(market, source, codes)
    touched: list[tuple[date, date]] = []
    gone: list[int] = []
    written: list[tuple[object, ...]] = []
    told: list[tuple[object, ...]] = []
    for one in said:
        rows = recorded.get(one.instrument, [])
        old = [run for _, run in rows]
        now = merge(old, one.runs, one.days)
        if now == old:
            continue
        firsts = {run.first for run in now}
        gone += [key for key, run in rows if run.first not in firsts]
        stay = set(old)
        written += [(one.instrument, source, run.first, run.last, *run.said) for run in now if run not in stay]
        effect = difference(old, now)
        if effect:
            told.append((market, one.code, *effect, at))
        if effect and one.last_bar:
            touched.append((effect[0], min(effect[1] or one.last_bar, one.last_bar)))
    for start in range(0, len(gone), ROWS_AT_A_TIME):
        InstrumentStatus.objects.filter(pk__in=gone[start : start + ROWS_AT_A_TIME]).delete()
    bulk.upsert(
        InstrumentStatus,
        written,
        fields=("instrument", "source", "valid_from", "valid_to", *RowStatus._fields),
        key=("instrument", "source", "valid_from"),
    )
    bulk.upsert(StatusChange, told, fields=("market", "stock_code", "first", "before", "at"))
    return _recorded_months(market, touched)


def _recorded(market: str, source: str, codes: tuple[str, str]) -> dict[int, list[tuple[int, StatusInterval]]]:
    """Instrument -> its statements by `source`, ascending, with their keys."""
    rows = (
        InstrumentStatus.objects.filter(source=source, instrument__market=market, instrument__code__range=codes)
        .order_by("instrument_id", "valid_from")
        .values_list("pk", "instrument_id", "valid_from", "valid_to", *RowStatus._fields)
    )
    found: dict[int, list[tuple[int, StatusInterval]]] = defaultdict(list)
    for key, instrument, first, last, *said in rows:
        found[instrument].append((key, StatusInterval(first, last, RowStatus._make(said))))
    return found


def _runs(batch: BarBatch, mentions: Iterable[Mention]) -> dict[str, list[StatusInterval]]:
    """Code -> the batch's statements as runs of equal ones; rows that say nothing are passed over."""
    silent = np.array([status.is_silent for status in batch.statuses])
    rows = np.flatnonzero(~silent[batch.status])
    code, status = batch.code[rows], batch.status[rows]
    begins = np.ones(len(rows), dtype=bool)
    begins[1:] = (np.diff(code) != 0) | (np.diff(status) != 0)
    starts = np.flatnonzero(begins)
    stops = np.append(starts[1:], len(rows)) - 1
    found: dict[str, list[StatusInterval]] = defaultdict(list)
    for name, first, last, said in zip(
        batch.codes[code[starts]].tolist(),
        batch.date[rows[starts]].tolist(),
        batch.date[rows[stops]].tolist(),
        status[starts].tolist(),
        strict=True,
    ):
        found[name].append(StatusInterval(first, last, batch.statuses[said]))
    return found


def _said(batch: BarBatch, mention: Mention) -> Days:
    rows = slice(mention.start, mention.stop)
    pairs = zip(batch.date[rows].tolist(), batch.status[rows].tolist(), strict=True)
    return [(day, batch.statuses[status]) for day, status in pairs if not batch.statuses[status].is_silent]


def _seen(market: str, code: str, source: str) -> list[date]:
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
