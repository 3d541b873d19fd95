"""Investor flow of instruments, as it is shown beside a pick.

Of a pick on a session, flow is that of the latest session with any, among the five up to the pick's: its net buying,
and the sum over the five sessions that end on it, which is null where one of the five lacks that value. Nothing dated
after the pick's session is read. Of several sources the preferred one's value is taken, value by value.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from functools import cache
from typing import Any

import numpy as np
from django.conf import settings
from django.db.models import QuerySet

from marketdata import membership
from marketdata.models import InstitutionalFlow
from marketdata.panel import FLOW_FIELDS
from marketdata.queries.market_calendar import get_sessions
from marketdata.record import Days
from marketdata.web.prepared import PreparedStatement, example_codes, pad_codes

FLOW_SPAN = 5
"""Sessions that are summed up, and the age that the latest flow may have."""

FLOW_SPANS = (1, FLOW_SPAN)

FLOW_FIGURES = {f"{name.replace('_net_', '_')}_{span}": (name, span) for span in FLOW_SPANS for name in FLOW_FIELDS}
"""Name of a figure (foreign_value_5 and so on) -> its field and the number of sessions it sums up."""

FlowFigures = dict[str, Any]
FlowsByDay = Mapping[date, Mapping[str, float]]


def get_flows(market: str, code: str) -> QuerySet[InstitutionalFlow]:
    """Every source's flows of an instrument."""
    return InstitutionalFlow.objects.filter(market=market, stock_code=code)


def get_flow_figures(
    market: str, picks: Collection[tuple[str, date]], calendar: Days | None = None
) -> dict[tuple[str, date], FlowFigures]:
    """(code, session) of a pick -> `date` and the `FLOW_FIGURES`, quantities in shares, values in the market's
    currency, None where unknown; a pick without any flow is left out. `calendar`: the market's sessions."""
    if not picks:
        return {}
    calendar = get_sessions(market) if calendar is None else calendar
    filled = pad_codes({code for code, _ in picks}, 16)
    return make_flow_figures(_statement(len(filled)).rows(market, *_span(picks, calendar), *filled), picks, calendar)


def flow_rows(market: str, picks: Collection[tuple[str, date]], calendar: Days) -> QuerySet[Any, Any]:
    """The rows that `make_flow_figures` needs for these picks."""
    first, last = _span(picks, calendar) if picks else (date.max, date.max)
    return _rows(market, first, last, *{code for code, _ in picks})


def _span(picks: Collection[tuple[str, date]], calendar: Days) -> tuple[date, date]:
    """The first and the last day whose flows the figures of the picks depend on."""
    days = [day for _, day in picks]
    return calendar[max(_end(calendar, min(days)) - 2 * FLOW_SPAN + 1, 0)].item(), max(days)


def make_flow_figures(
    rows: Iterable[Sequence[Any]], picks: Collection[tuple[str, date]], calendar: Days
) -> dict[tuple[str, date], FlowFigures]:
    """See `get_flow_figures`."""
    ends = {day: _end(calendar, day) for day in {day for _, day in picks}}
    flows = _flows(list(rows))
    by_pick = {}
    for code, day in picks:
        figures = _figures(flows.get(code, {}), calendar[max(ends[day] - 2 * FLOW_SPAN + 1, 0) : ends[day]])
        if figures:
            by_pick[code, day] = figures
    return by_pick


def _end(calendar: Days, day: date) -> int:
    """How many sessions there are up to `day`."""
    return int(np.searchsorted(calendar, np.datetime64(day), side="right"))


def _flows(rows: Sequence[Sequence[Any]]) -> dict[str, FlowsByDay]:
    ranks = membership.rank_sources([row[0] for row in rows], settings.SOURCE_ORDER)
    flows: dict[str, dict[date, dict[str, float]]] = {}
    for _, code, day, *values in sorted(rows, key=lambda row: -ranks[row[0]]):
        at = date.fromisoformat(day) if isinstance(day, str) else day
        recorded = flows.setdefault(code, {}).setdefault(at, {})
        recorded |= {name: value for name, value in zip(FLOW_FIELDS, values, strict=True) if value is not None}
    return dict(flows)


@cache
def _statement(places: int) -> PreparedStatement:
    return PreparedStatement(_rows, "market", date(1, 1, 1), date(1, 1, 2), *example_codes(places))


def _rows(market: str, first: date, last: date, *codes: str) -> QuerySet[Any, Any]:
    rows = InstitutionalFlow.objects.filter(market=market, stock_code__in=codes)
    return rows.filter(date__range=(first, last)).values_list("source", "stock_code", "date", *FLOW_FIELDS)


def _figures(flows: FlowsByDay, sessions: Days) -> FlowFigures:
    """The figures of the sessions up to the pick's; empty where the last five have no flow."""
    days = sessions.tolist()
    latest = next((n for n in range(len(days))[: -FLOW_SPAN - 1 : -1] if flows.get(days[n])), None)
    if latest is None:
        return {}
    figures: FlowFigures = {"date": days[latest]}
    for figure, (name, span) in FLOW_FIGURES.items():
        values = [flows.get(day, {}).get(name) for day in days[max(latest - span + 1, 0) : latest + 1]]
        recorded = [value for value in values if value is not None]
        figures[figure] = sum(recorded) if len(recorded) == span else None
    return figures
