"""The age of a market's record."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import numpy as np

from marketdata.data_quality.finding import Finding
from marketdata.queries.market_calendar import get_sessions
from marketdata.queries.readiness import ReadinessState, get_freshness


def check_age(market: str, as_of: datetime, *, limit: int = 20) -> Iterator[Finding]:
    """A finding where the market's record is overdue; its cases are the sessions it lacks, the oldest first."""
    (freshness,) = get_freshness([market], as_of)
    if freshness.state is ReadinessState.OVERDUE:
        calendar = get_sessions(market)
        closed = calendar[calendar <= np.datetime64(freshness.last_closed)]
        lacking = closed[len(closed) - freshness.behind :]
        yield Finding(
            "old_record",
            market,
            freshness.behind,
            f"{freshness.sentence} Sessions that it lacks (import or collect them)",
            tuple({"session": str(day)} for day in lacking[:limit]),
        )
