"""The rows of a partition from the record.

Of several sources for one bar the preferred one is used (`source_preference`); factor events and the status of each
instrument on each day are joined. Of several sources for one flow each value is that of the most preferred source that
has it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
from django.conf import settings
from django.db.models import Count
from numpy.typing import NDArray

from marketdata import calendars, membership, source_preference
from marketdata.lake import flow_files, writer
from marketdata.models import FactorEvent, InstrumentStatus, StockPrice
from marketdata.operations import bulk, closures
from marketdata.operations.projection import dirty_months
from marketdata.panel import FLOW_FIELDS
from marketdata.sorted_search import positions_in

SourceOrders = Mapping[date, tuple[str, ...]]
"""Session -> its sources in order of preference."""


class PartitionRows(NamedTuple):
    """A partition's rows, and the orders of preference by session; no orders where there is one source. `closed`: the
    days whose bars are left out since the market did not trade, with their number of bars and the reason ("" for the
    calendar)."""

    bars: writer.Bars
    source_orders: SourceOrders
    closed: Mapping[date, tuple[int, str]]


def partition_rows(market: str, month: date, statuses: MarketStatuses) -> PartitionRows:
    """The rows of the partition of `month` by the record."""
    following = _following(month)
    rows = bulk.month_rows(market, month, following - timedelta(days=1))
    preference = source_orders(market, month, rows)
    order = rows.preferred(preference)
    closed, repeated = closures.month_closures(market, month, rows, order)
    order = order[~np.isin(rows.date[order], calendars.to_days(list(closed)))] if closed else order
    month_events = FactorEvent.objects.filter(market=market, date__gte=month, date__lt=following)
    events = [
        event
        for event in month_events.order_by("stock_code", "date").values_list("stock_code", "date", "ratio")
        if event[1] not in closed
    ]
    event_codes = np.array([event[0] for event in events], dtype=str)
    codes = np.union1d(rows.codes, event_codes) if events else rows.codes
    code = np.searchsorted(codes, rows.codes).astype(np.int32)[rows.code[order]]
    day = rows.date[order]
    values = {name: rows.values[name][order] for name in bulk.COLUMNS}
    values["ratio"] = np.full(len(order), np.nan)
    ev_code = np.searchsorted(codes, event_codes).astype(np.int32)
    ev_day = np.array([event[1] for event in events], dtype="datetime64[D]")
    ev_ratio = np.array([event[2] for event in events], dtype=np.float64)
    row = _find(code, day, ev_code, ev_day)
    values["ratio"][row[row >= 0]] = ev_ratio[row >= 0]
    # A base price precedes an event.
    separate = (row < 0) | np.isnan(values["base_price"][row]) if len(code) else row < 0
    segment, flags = statuses.at(codes, code, day)
    bars = writer.Bars(
        codes=codes,
        segments=(*statuses.segments, ""),
        code=code,
        date=day,
        values=values,
        segment=np.where(segment < 0, len(statuses.segments), segment).astype(np.int32),
        flags=flags,
        events=(ev_code[separate], ev_day[separate], ev_ratio[separate]),
        repeated=repeated,
    )
    return PartitionRows(bars, preference, closed)


def flow_rows(market: str, month: date) -> flow_files.Flows:
    """The investor flow of `month` by the record."""
    until = _following(month) - timedelta(days=1)
    rows = bulk.month_rows(market, month, until, table=bulk.FLOW_TABLE)
    preferred = rows.preferred({})
    code, day = rows.code[preferred], rows.date[preferred]
    at = _find(code, day, rows.code, rows.date)
    values = {name: np.full(len(preferred), np.nan) for name in FLOW_FIELDS}
    ranks = membership.rank_sources(rows.sources.tolist(), settings.SOURCE_ORDER)
    for source in sorted(range(len(rows.sources)), key=lambda n: -ranks[str(rows.sources[n])]):
        of_source = rows.source == source
        for name, column in values.items():
            filled = of_source & ~np.isnan(rows.values[name])
            column[at[filled]] = rows.values[name][filled]
    return flow_files.Flows(rows.codes, code, day, values)


def _following(month: date) -> date:
    """The first day of the month after."""
    return (month.replace(day=28) + timedelta(days=4)).replace(day=1)


def source_orders(market: str, month: date, rows: bulk.Rows) -> SourceOrders:
    """The order of preference of the sources on each session of the month; empty where there is but one source."""
    if len(rows.sources) < 2:
        return {}
    day, source = rows.date.astype(np.int64), rows.source
    pairs, numbers = np.unique(np.stack([day, source]), axis=1, return_counts=True)
    counts: dict[date, dict[str, int]] = defaultdict(dict)
    for at, index, number in zip(*pairs.tolist(), numbers.tolist(), strict=True):
        counts[np.datetime64(at, "D").item()][str(rows.sources[index])] = number
    days = sorted(counts)
    # The window reaches into the month before.
    before = StockPrice.objects.filter(
        market=market, date__lt=month, date__gte=month - timedelta(days=dirty_months.REACH)
    )
    for at, name, number in before.order_by().values_list("date", "source").annotate(Count("pk")):
        counts[at][name] = number
    return source_preference.preferred_sources(counts, days, settings.SOURCE_ORDER)


def _find(
    code: NDArray[np.int32],
    day: NDArray[np.datetime64],
    wanted_code: NDArray[np.int32],
    wanted_day: NDArray[np.datetime64],
) -> NDArray[np.intp]:
    """The row of each wanted (code, day), -1 where there is none; the rows are in that order."""
    keys = code.astype(np.int64) << 32 | day.astype(np.int64)
    wanted = wanted_code.astype(np.int64) << 32 | wanted_day.astype(np.int64)
    return positions_in(keys, wanted)


class MarketStatuses:
    """The statuses of a market's instruments, read once for a projection of many months."""

    def __init__(self, market: str) -> None:
        rows = list(
            InstrumentStatus.objects.filter(instrument__market=market).values_list(
                "instrument__code", "valid_from", "source", "segment", "kind", "managed", "caution"
            )
        )
        columns = list(zip(*rows, strict=True)) if rows else [()] * 7
        self.codes, code = np.unique(np.array(columns[0], dtype=str), return_inverse=True)
        ranks = membership.rank_sources(list(columns[2]), settings.SOURCE_ORDER)
        self.segments = tuple(sorted({name for name in columns[3] if name}))
        number = {name: n for n, name in enumerate(self.segments)}
        self.history = membership.Statements(
            code=code.astype(np.int64),
            day=calendars.to_days(columns[1]),
            preference=np.array([ranks[name] for name in columns[2]], dtype=np.int64),
            segments=self.segments,
            segment=np.array([number.get(name, -1) for name in columns[3]], dtype=np.int8),
            common=_trit([None if kind is None else kind == "common" for kind in columns[4]]),
            managed=_trit(columns[5]),
            caution=_trit(columns[6]),
        )

    def at(
        self, codes: NDArray[np.str_], code: NDArray[np.int32], day: NDArray[np.datetime64]
    ) -> tuple[NDArray[np.int8], NDArray[np.uint8]]:
        """Segment and flags of each row; `code` indexes `codes`."""
        if not len(self.codes):
            return np.full(len(code), -1, np.int8), np.zeros(len(code), np.uint8)
        positions = positions_in(self.codes, codes)
        instrument = np.where(positions < 0, len(self.codes), positions)
        return self.history.at(instrument[code].astype(np.int64), day)


def _trit(values: Iterable[bool | None]) -> NDArray[np.int8]:
    return np.array([-1 if value is None else int(value) for value in values], dtype=np.int8)
