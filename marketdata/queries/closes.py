"""The closes of many instruments over a few sessions, read from the record: for sparklines and last prices."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from itertools import accumulate
from operator import mul
from typing import Any

import numpy as np
from django.conf import settings
from django.db.models import FloatField, QuerySet, Value

from marketdata import membership
from marketdata.models import FactorEvent, StockPrice
from marketdata.queries.market_calendar import get_sessions
from marketdata.record import Days
from marketdata.web.prepared import PreparedStatement, example_codes, pad_codes

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
    calendar = get_sessions(market) if calendar is None else calendar
    end = int(np.searchsorted(calendar, np.datetime64(day), side="right"))
    first: date = calendar[max(end - sessions, 0)].item() if end else day
    filled = pad_codes(codes)
    return _make_closes(_statement(len(filled)).rows(market, first, day, *filled))


@cache
def _statement(places: int) -> PreparedStatement:
    """The statement of `get_closes` for that many codes."""
    return PreparedStatement(_rows, "market", date(1, 1, 1), date(1, 1, 2), *example_codes(places))


def _rows(market: str, first: date, last: date, *codes: str) -> QuerySet[Any, Any]:
    """Code, session, close, source and base price; of a corporate action its ratio, and `EVENT` as its source."""
    chosen = {"market": market, "stock_code__in": codes, "date__range": (first, last)}
    bars = StockPrice.objects.filter(**chosen).order_by()
    events = FactorEvent.objects.filter(**chosen).order_by()
    return bars.values_list("stock_code", "date", "close", "source", "base_price").union(
        events.values_list("stock_code", "date", "ratio", Value(EVENT), Value(None, FloatField())), all=True
    )


def _make_closes(rows: Sequence[Sequence[Any]]) -> dict[str, CloseSeries]:
    """The series from the rows of the statement."""
    ranks = membership.rank_sources(list({source for *_, source, _ in rows if source != EVENT}), settings.SOURCE_ORDER)
    days = {day: date.fromisoformat(day) if isinstance(day, str) else day for day in {row[1] for row in rows}}
    ratios: dict[str, dict[date, float]] = {}
    bars: dict[str, dict[date, tuple[int, float, float | None]]] = {}
    for code, day, close, source, base in rows:
        if source == EVENT:
            ratios.setdefault(code, {})[days[day]] = close
            continue
        of_code, rank = bars.setdefault(code, {}), ranks[source]
        recorded = of_code.get(days[day])
        if recorded is None or rank < recorded[0]:
            of_code[days[day]] = rank, close, base
    return {code: _series(sorted(bars[code].items()), ratios.get(code, {})) for code in sorted(bars)}


def _series(bars: Sequence[tuple[date, tuple[int, float, float | None]]], ratios: Mapping[date, float]) -> CloseSeries:
    """The closes of one instrument, adjusted by the ratios of its corporate actions, else by its base prices."""
    days, closes = [day for day, _ in bars], [close for _, (_, close, _) in bars]
    later = [
        ratios[day] if day in ratios else base / before if base and before > 0 else 1.0
        for (day, (_, _, base)), before in zip(bars[1:], closes, strict=False)
    ]
    factors = [*accumulate(reversed(later), mul, initial=1.0)][::-1]
    adjusted = [close * factor for close, factor in zip(closes, factors, strict=True)]
    change = adjusted[-1] / adjusted[-2] - 1 if len(bars) > 1 and adjusted[-2] > 0 else None
    return CloseSeries(adjusted, days, factors, closes[-1], days[-1], change)
