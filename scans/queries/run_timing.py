"""When a pick was made: before its entry, or computed afterwards."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

import numpy as np

from marketdata.queries.market_calendar import MarketCalendar
from scans.models import ScanRank, Signal


def count_computed_afterwards(calendar: MarketCalendar, signals: Iterable[tuple[ScanRank, Signal]]) -> int:
    """How many signals are of picks whose run (read with the pick) began after the open of their entry, or of the
    session after the pick where nothing was bought."""
    openings: dict[date, datetime] = {}
    afterwards = 0
    for pick, signal in signals:
        day = signal.entered_on
        if day is None:
            following = calendar.sessions[np.searchsorted(calendar.sessions, np.datetime64(pick.date), side="right") :]
            if not len(following):
                continue
            day = following[0].item()
        if day not in openings:
            openings[day] = calendar.hours.opening(day)
        afterwards += pick.run.started_at >= openings[day]
    return afterwards
