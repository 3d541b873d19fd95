"""The whole history of one instrument, read from the record by its index: raw bars and the factors that adjust them.

It is read from the record and not from the lake: there a single instrument is one range of an index, and never behind.
`adjust` fills it: a session without a trade keeps the last price. As everywhere, history begins anew after a session
that the record lacks for the whole market: what happened to prices meanwhile is unknown.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import Any, Self

import numpy as np
from django.conf import settings
from django.db.models import QuerySet
from numpy.typing import NDArray

from caching.cached import leave_unstored
from caching.memo import Memo
from marketdata import adjust, calendars, membership
from marketdata.errors import LakeError
from marketdata.joint_queries import evaluate_together, reuse_queries
from marketdata.models import FactorEvent, Instrument, StockPrice
from marketdata.panel import Floats
from marketdata.queries.breaks import get_breaks
from marketdata.queries.records import RecordQueries
from marketdata.record import Days, Record
from marketdata.web.prepared import PreparedStatement

READ = ("date", "source", "open", "high", "low", "close", "volume", "amount", "base_price")
PRICES = ("open", "high", "low", "close")
PLACE = "an instrument"
"""A placeholder for a code."""
GROUPS = {"day": "D", "week": "W", "month": "M"}


def bar_rows(market: str, code: str) -> QuerySet[StockPrice, Any]:
    """The rows of an instrument's bars that `get_history` needs."""
    return StockPrice.objects.filter(market=market, stock_code=code).order_by("date", "source").values_list(*READ)


BARS = PreparedStatement(bar_rows, "market", "code")


@dataclass(frozen=True, slots=True)
class History:
    """An instrument from the first recorded bar of its present life, or the last missing session of its market, to its
    last bar.

    days (T,) ascending; has_bar (T,): there is a bar, the other days are sessions between bars. open, high, low,
    close, volume, amount (T,): filled, prices in the market's currency. product (T,): adjusted price / raw price as of
    the last day; factor (T,): 1 but on days of corporate actions.
    """

    days: Days
    has_bar: NDArray[np.bool_]
    fields: Mapping[str, Floats]
    product: Floats
    factor: Floats

    def adjusted(self) -> History:
        """Prices times the product of all later factors, volume divided by it; amounts stay."""
        fields = dict(self.fields)
        for name in PRICES:
            fields[name] = fields[name] * self.product
        fields["volume"] = fields["volume"] / self.product
        return replace(self, fields=fields)

    def grouped(self, interval: str) -> History:
        """Weeks (from Monday) or months of its recorded bars, each under its last day: the first open, the highest
        high, the lowest low, the last close, all volume and amount, the product of the factors."""
        if interval == "day":
            return self
        kept = np.flatnonzero(self.has_bar)
        days = self.days[kept]
        group = (days - np.timedelta64(4, "D")).astype(f"datetime64[{GROUPS[interval]}]")
        if interval == "month":
            group = days.astype("datetime64[M]")
        first = np.flatnonzero(np.diff(group.astype(np.int64), prepend=np.iinfo(np.int64).min))
        last = np.append(first[1:], len(days)) - 1
        bars = {name: values[kept] for name, values in self.fields.items()}
        fields = {
            "open": bars["open"][first],
            "high": np.maximum.reduceat(bars["high"], first),
            "low": np.minimum.reduceat(bars["low"], first),
            "close": bars["close"][last],
            "volume": np.add.reduceat(bars["volume"], first),
            "amount": np.add.reduceat(bars["amount"], first),
        }
        starts = np.append(0, kept[last[:-1]] + 1)  # a factor on a day without a bar counts too
        return History(
            days=days[last],
            has_bar=np.ones(len(first), dtype=bool),
            fields=fields,
            product=self.product[kept[last]],
            factor=np.multiply.reduceat(self.factor, starts),
        )


@dataclass(frozen=True)
class InstrumentTable:
    """The record of a market without its bars: its sessions, code -> name of its instruments, code -> day and ratio of
    each corporate action, ascending; code -> first session of its present life, of codes that had another."""

    sessions: Record
    names: Mapping[str, str]
    events: Mapping[str, Sequence[tuple[date, float]]]
    lives: Mapping[str, str]

    @cached_property
    def runs(self) -> Sequence[Days]:
        """The lake's sessions in runs without a missing one: many histories share them."""
        return self.sessions.blocks()


INSTRUMENT_TABLES: Memo[InstrumentTable] = Memo()


def get_instrument_table(market: str, state: Hashable) -> InstrumentTable:
    """The same as `read_instrument_table`, cached in this process as long as `state` is the same, which changes with
    every write to the record. The lake may catch up meanwhile: a history is the same without that."""
    return INSTRUMENT_TABLES.get((market, settings.LAKE_DIR), state, lambda: read_instrument_table(market))


def read_instrument_table(market: str) -> InstrumentTable:
    """The instrument table of the market, read in one query."""
    names = Instrument.objects.filter(market=market).order_by().values_list("code", "name")
    rows = FactorEvent.objects.filter(market=market).order_by("date").values_list("stock_code", "date", "ratio")
    queries = RecordQueries([market])
    evaluate_together(names, rows, *queries.query_sets)
    events: dict[str, list[tuple[date, float]]] = {}
    for code, day, ratio in rows:
        events.setdefault(code, []).append((day, ratio))
    record = queries.record(market)
    return InstrumentTable(record, dict(names), events, _lives(record))


class HistoryQueries(RecordQueries):
    """The queries of the history of one instrument, and of the record of its market: evaluated one by one, or with
    others in one statement by `evaluate_together(*query_sets)`."""

    @classmethod
    def of(cls, market: str, code: str) -> Self:
        """The queries of this instrument, built once a market; for `evaluate_together` alone."""
        queries = reuse_queries((cls, market), lambda: cls(market, PLACE), {PLACE: code})
        queries.code = code
        return queries

    def __init__(self, market: str, code: str) -> None:
        super().__init__([market])
        self.market, self.code, self.bars = market, code, bar_rows(market, code)
        events = FactorEvent.objects.filter(market=market, stock_code=code)
        self.events = events.order_by("date").values_list("date", "ratio")

    @property
    def query_sets(self) -> list[QuerySet[Any, Any]]:
        return [*super().query_sets, self.bars, self.events]

    def history(self) -> History | None:
        """See `get_history`."""
        record = self.record(self.market)
        table = InstrumentTable(record, {}, {self.code: list(self.events)}, _lives(record))
        return get_history(table, self.code, list(self.bars))


def _lives(record: Record) -> dict[str, str]:
    """Code -> first session of its present life; none where the lake is behind."""
    try:
        return {break_.code: break_.session for break_ in get_breaks(record) if not break_.is_suspicion}
    except LakeError:
        leave_unstored()
        return {}


def get_history(table: InstrumentTable, code: str, rows: Sequence[tuple[Any, ...]] | None = None) -> History | None:
    """The history of an instrument; `table` is that of its market. None where it has no bar. `rows`: its `bar_rows`,
    read here without them."""
    bars = _bars(BARS.rows(table.sessions.market.name, code) if rows is None else rows)
    if bars is None:
        return None
    days, raw = bars
    if table.sessions.closed or code in table.lives:
        kept = ~np.isin(days, calendars.to_days(list(table.sessions.closed)))
        kept &= days >= np.datetime64(table.lives.get(code, "1900-01-01"))
        days, raw = days[kept], {name: values[kept] for name, values in raw.items()}
        if not len(days):
            return None
    sessions = _unbroken(table, days)
    kept = days >= sessions[0]
    days, raw = days[kept], {name: values[kept] for name, values in raw.items()}
    every = sessions[np.searchsorted(sessions, days[0]) :]
    at = np.searchsorted(every, days)
    if at[-1] >= len(every) or not np.array_equal(every[at], days):  # bars on days without a session
        every = np.union1d(every, days)
        at = np.searchsorted(every, days)
    whole = {name: np.full(len(every), np.nan) for name in raw}
    for name, values in raw.items():
        whole[name][at] = values
    state = np.zeros((len(every), 1), dtype=np.uint8)
    state[at, 0] = adjust.PRESENT
    state[at, 0] |= np.where(raw["volume"] > 0, adjust.TRADED, 0).astype(np.uint8)
    based = np.flatnonzero(whole["base_price"] > 0)  # 0 was recorded for missing once
    base = adjust.Sparse(based, whole["base_price"][based])
    ratio = _events(table.events.get(code, ()), every)
    close = whole["close"][:, None].copy()
    first = np.zeros(1, dtype=np.int32)
    idle = adjust.fill(close, state, first, np.full(1, np.nan), base, ratio)[:, 0]
    factors = adjust.factors(close, base, ratio)
    factor = np.ones(len(every))
    factor[factors.at] = factors.value
    product = np.append(np.cumprod(factor[:0:-1])[::-1], 1.0)
    recorded = np.zeros(len(every), dtype=bool)
    recorded[at] = True
    return History(every, recorded, _whole(whole, close[:, 0], idle), product, factor)


def _unbroken(table: InstrumentTable, days: Days) -> Days:
    """The market's sessions up to the last of `days` without a missing one between them, ascending. Sessions after the
    lake's last are checked against the record."""
    runs, calendar = table.runs, table.sessions.calendar
    last = runs[-1][-1] if runs else days[0] - 1
    since = calendar[np.searchsorted(calendar, last, "right") :]
    since = since[: np.searchsorted(since, days[-1], "right")]
    gap = _last_gap(table.sessions.market.name, since[~np.isin(since, days)]) if len(since) else None
    if gap is not None:
        return np.union1d(since[since > gap], days[-1:])
    before = [run for run in runs if run[0] <= days[-1]]
    sessions: Days = np.append(before[-1], since) if before else days
    return sessions[: np.searchsorted(sessions, days[-1], "right")]


def _last_gap(market: str, sessions: Days) -> np.datetime64 | None:
    """The latest of these sessions on which no bar of the market is recorded."""
    for day in sessions[::-1]:
        if not StockPrice.objects.filter(market=market, date=day.item()).exists():
            gap: np.datetime64 = day
            return gap
    return None


def _bars(rows: Sequence[tuple[Any, ...]]) -> tuple[Days, dict[str, Floats]] | None:
    """The recorded days, ascending, and the fields on them; of several sources the preferred one's."""
    if not rows:
        return None
    dates, sources, *columns = zip(*rows, strict=True)
    days = calendars.to_days(dates)
    names = set(sources)
    kept = np.arange(len(days))
    if len(names) > 1:
        ranks = membership.rank_sources(list(names), settings.SOURCE_ORDER)
        rank = np.array([ranks[name] for name in sources])
        order = np.lexsort((rank, days.astype(np.int64)))
        new = np.append(True, np.diff(days[order].astype(np.int64)) > 0)
        kept = order[new]
    values = [np.array(column, dtype=np.float64)[kept] for column in columns]
    return days[kept], dict(zip(READ[2:], values, strict=True))


def _events(events: Sequence[tuple[date, float]], days: Days) -> adjust.Sparse:
    dated = [(np.datetime64(day), ratio) for day, ratio in events]
    at = np.searchsorted(days, [day for day, _ in dated]) if dated else np.empty(0, np.intp)
    inside = [n for n, row in enumerate(at) if row < len(days) and days[row] == dated[n][0]]
    return adjust.Sparse(
        np.array([at[n] for n in inside], dtype=np.intp), np.array([dated[n][1] for n in inside], dtype=np.float64)
    )


def _whole(raw: dict[str, Floats], close: Floats, idle: NDArray[np.bool_]) -> dict[str, Floats]:
    """The fields with sessions without a trade filled."""
    fields = {"close": close}
    for name in ("open", "high", "low"):
        values = raw[name]
        missing = idle | np.isnan(values) | (values == 0)
        fields[name] = np.where(missing, close, values)
    fields["volume"] = np.where(idle, 0.0, raw["volume"])
    unknown = np.isnan(raw["amount"]) | ((raw["amount"] == 0) & (fields["volume"] > 0))
    paid = np.where(unknown, close * fields["volume"], raw["amount"])
    fields["amount"] = np.where(idle, 0.0, paid)
    return fields
