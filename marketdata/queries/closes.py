"""The closes of many instruments over a few sessions, read from the record: for sparklines and last prices."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from django.conf import settings
from django.db.models import FloatField, QuerySet, Value

from marketdata import membership
from marketdata.models import FactorEvent, StockPrice
from marketdata.queries.market_calendar import get_sessions
from marketdata.record import Days

EVENT = ""
"""In place of a source: the row is a corporate action, its close the ratio."""


@dataclass(frozen=True, slots=True)
class CloseSeries:
    """Of one instrument: `adjusted` closes, ascending, adjusted up to the last of them, on `days`, and `factors`,
    adjusted / raw price of each; `last`, the last raw close, and `last_on`, its day; `change`, the fraction by which
    the last adjusted close differs from the one before, None for a first bar."""

    adjusted: Sequence[float]
    days: Sequence[date]
    factors: Sequence[float]
    last: float
    last_on: date
    change: float | None

    def factor(self, day: date) -> float | None:
        """What makes a raw price of `day` one of the last close; None before the first close."""
        at = bisect_right(self.days, day)
        return self.factors[at - 1] if at else None


def get_closes(
    market: str, codes: Collection[str], day: date, sessions: int, *, calendar: Days | None = None
) -> dict[str, CloseSeries]:
    """code -> its closes of the last `sessions` sessions of the market up to `day`, in one query; codes without a bar
    there are left out. Of several sources the preferred one's bar is taken. Prices in the market's currency.
    `calendar`: the market's sessions."""
    if not codes:
        return {}
    return make_closes(close_rows(market, codes, day, sessions, get_sessions(market) if calendar is None else calendar))


CloseRow = tuple[str, date, float, str, float | None]
"""Code, session, close, source and base price; of a corporate action its ratio and `EVENT` in place of the latter."""


def close_rows(
    market: str, codes: Collection[str], day: date, sessions: int, calendar: Days
) -> QuerySet[Any, CloseRow]:
    """The rows that `make_closes` needs for `get_closes`."""
    end = int(np.searchsorted(calendar, np.datetime64(day), side="right"))
    first: date = calendar[max(end - sessions, 0)].item() if end else day
    chosen = {"market": market, "stock_code__in": sorted(codes), "date__range": (first, day)}
    bars = StockPrice.objects.filter(**chosen).order_by()
    events = FactorEvent.objects.filter(**chosen).order_by()
    return bars.values_list("stock_code", "date", "close", "source", "base_price").union(
        events.values_list("stock_code", "date", "ratio", Value(EVENT), Value(None, FloatField())), all=True
    )


def make_closes(every_row: Iterable[CloseRow]) -> dict[str, CloseSeries]:
    """See `get_closes`."""
    rows = list(every_row)
    ratios = {(code, on): close for code, on, close, source, _ in rows if source == EVENT}
    rows = [row for row in rows if row[3] != EVENT]
    ranks = membership.rank_sources(list({row[3] for row in rows}), settings.SOURCE_ORDER)
    rows.sort(key=lambda row: (row[0], row[1], -ranks[row[3]]))
    best = {(code, on): (close, base) for code, on, close, _, base in rows}
    series: dict[str, list[tuple[date, float, float]]] = {}
    for (code, on), (close, base) in best.items():
        before = series.setdefault(code, [])
        factor = ratios.get((code, on))
        if factor is None:
            factor = base / before[-1][1] if base and before and before[-1][1] > 0 else 1.0
        before.append((on, close, factor))
    return {code: _series(rows) for code, rows in series.items()}


def _series(bars: Sequence[tuple[date, float, float]]) -> CloseSeries:
    raw = np.array([close for _, close, _ in bars])
    later = np.array([factor for _, _, factor in bars[1:]])
    product = np.append(np.cumprod(later[::-1])[::-1], 1.0)
    adjusted = raw * product
    change = float(adjusted[-1] / adjusted[-2] - 1) if len(bars) > 1 and adjusted[-2] > 0 else None
    days = [day for day, _, _ in bars]
    return CloseSeries(adjusted.tolist(), days, product.tolist(), float(raw[-1]), days[-1], change)
