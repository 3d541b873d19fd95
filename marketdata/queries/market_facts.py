"""Facts of markets for a reader: their recorded range, the hours of a session and the grid of order prices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

import numpy as np
from django.db.models import Max, Min

from marketdata import ticks
from marketdata.market_time import market_date
from marketdata.markets import Market
from marketdata.models import Instrument
from marketdata.queries.market_calendar import MarketCalendar, get_calendars
from marketdata.session_phases import SessionPhase
from marketdata.ticks import TickGrid


class TickBand(NamedTuple):
    """The tick of all prices from `price_from` on, up to the next band."""

    price_from: Decimal
    tick: Decimal


@dataclass(frozen=True, slots=True)
class MarketFacts:
    """`first` and `last`: the days of the first and the last recorded bar, None without bars. `session`: the latest
    session of the calendar up to the requested day, with its `opening`, `closing` and `phases` in the market's zone;
    `grid`, that session's order prices, None where no tick table is known, which `missing_grid` then says."""

    market: Market
    first: date | None
    last: date | None
    session: date
    opening: datetime
    closing: datetime
    phases: Sequence[SessionPhase]
    grid: TickGrid | None
    missing_grid: str

    @property
    def bands(self) -> Sequence[TickBand]:
        """The bands of the grid, ascending; empty without one."""
        return tuple(map(TickBand, self.grid.bounds, self.grid.sizes)) if self.grid else ()


def get_market_facts(markets: Sequence[str], as_of: datetime) -> list[MarketFacts]:
    """The facts of each of `markets`, in two queries whatever their number."""
    rows = Instrument.objects.filter(market__in=markets).order_by().values_list("market")
    ranges = {name: (first, last) for name, first, last in rows.annotate(Min("first_bar"), Max("last_bar"))}
    return [
        _facts(calendar, *ranges.get(calendar.market.name, (None, None)), as_of) for calendar in get_calendars(markets)
    ]


def _facts(calendar: MarketCalendar, first: date | None, last: date | None, as_of: datetime) -> MarketFacts:
    market = calendar.market
    today = np.datetime64(market_date(as_of, market))
    session: date = calendar.sessions[max(int(np.searchsorted(calendar.sessions, today, side="right")) - 1, 0)].item()
    hours, segment = calendar.hours, market.segments[0]
    return MarketFacts(
        market=market,
        first=first,
        last=last,
        session=session,
        opening=hours.opening(session),
        closing=hours.closing(session),
        phases=hours.phases(session),
        grid=ticks.get_grid(market.name, session, segment),
        missing_grid=ticks.missing_grid_reason(market.name, session, segment),
    )
