"""Closes carried forward into a window: those of the instruments that do not trade on its first session."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from functools import reduce
from operator import or_
from typing import Any

import numpy as np
from django.conf import settings
from django.db.models import OuterRef, Q, Subquery

from marketdata.breaks import LIFE, Break
from marketdata.lake.carried_closes import read_carried_closes
from marketdata.lake.footers import Survey
from marketdata.models import FactorEvent, Instrument, LakePartition, StockPrice
from marketdata.queries.records import get_lake
from marketdata.record import Record

PAIRS = 200
"""Conditions in one statement; SQLite takes a thousand."""


def get_carried_closes(
    record: Record, footers: Survey, first: np.datetime64, begins: np.datetime64, breaks: Sequence[Break] = ()
) -> dict[str, float]:
    """The raw close before `first` of the instruments that did not trade on it: the last close or base price since
    `begins`, else the first recorded close, times the events since. Nothing is carried into a new life."""
    codes = footers.idle_at(first)
    births = {one.code: one.session for one in breaks if one.kind == LIFE and one.session <= str(first)}
    if settings.LAKE_ONLY:
        before = record.sessions[(record.sessions >= begins) & (record.sessions < first)]
        codes = [code for code in codes if births.get(code) != str(first)]
        return read_carried_closes(get_lake(), record.months(before), before, codes, births)
    return _recorded_closes(record, codes, first, begins, births)


def _recorded_closes(
    record: Record, codes: Sequence[str], first: np.datetime64, begins: np.datetime64, births: Mapping[str, str]
) -> dict[str, float]:
    """The same of the idle instruments `codes`, from the bars in the database."""
    market, start, since = record.market.name, first.item(), begins.item()
    before = StockPrice.objects.filter(market=market, date__lt=start, date__gte=since)
    if record.closed:  # bars of days that are no sessions
        before = before.exclude(date__in=list(record.closed))
    of_one = before.filter(stock_code=OuterRef("code"))
    priced = Q(volume__gt=0) | Q(base_price__isnull=False)
    # Per instrument backwards from the session: a search over the days of its halt, not over all its bars.
    days = Instrument.objects.filter(market=market, code__in=codes).annotate(
        opening=Subquery(of_one.order_by("date").values("date")[:1]),
        priced_on=Subquery(of_one.filter(priced).order_by("-date").values("date")[:1]),
    )
    day_of = {
        code: priced_on or opening
        for code, opening, priced_on in days.values_list("code", "opening", "priced_on")
        if opening
    }
    for code in births.keys() & day_of.keys():
        birth = date.fromisoformat(births[code])
        if day_of[code] < birth:
            day_of[code] = birth
        if births[code] == str(first):
            del day_of[code]
    codes_on: dict[date, list[str]] = {}
    for code, day in day_of.items():
        codes_on.setdefault(day, []).append(code)
    pairs = [Q(date=day, stock_code__in=names) for day, names in codes_on.items()]
    rows: list[tuple[Any, ...]] = []
    for low in range(0, len(pairs), PAIRS):
        chunk = before.filter(reduce(or_, pairs[low : low + PAIRS]))
        rows += chunk.values_list("stock_code", "date", "source", "close", "volume", "base_price")
    several = len({row[2] for row in rows}) > 1
    rank = source_sort_key(market, {row[1] for row in rows} if several else ())
    carry: dict[str, float] = {}
    for code, _, _, close, volume, base in sorted(rows, key=lambda row: rank(row[1], row[2]), reverse=True):
        carry[code] = base if not volume and base is not None else close
    events = FactorEvent.objects.filter(market=market, stock_code__in=list(day_of), date__lt=start)
    for code, day, ratio in events.values_list("stock_code", "date", "ratio"):
        if day > day_of[code]:
            carry[code] *= ratio
    return carry


def source_sort_key(market: str, days: Iterable[date]) -> Callable[[date, str], tuple[int, str]]:
    """A key that sorts the sources of a bar, the preferred first: by the order of the lake's partition of these
    days, and by the configured order where the partition has none, as where there is one source."""
    months = {day.replace(day=1) for day in days}
    rows = LakePartition.objects.filter(market=market, month__in=months).exclude(orders={})
    order_of = {day: order for orders in rows.values_list("orders", flat=True) for day, order in orders.items()}

    def rank(day: date, source: str) -> tuple[int, str]:
        order: Sequence[str] = order_of.get(day.isoformat(), settings.SOURCE_ORDER)
        return (order.index(source) if source in order else len(order)), source

    return rank
