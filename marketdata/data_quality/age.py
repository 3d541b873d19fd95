"""The age of a market's record."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from marketdata.data_quality.finding import Finding
from marketdata.queries.readiness import ReadinessState, get_freshness


def check_age(market: str, as_of: datetime) -> Iterator[Finding]:
    """What `check_data` says of the age of a market's record: nothing unless it is overdue."""
    (found,) = get_freshness([market], as_of)
    if found.state is ReadinessState.OVERDUE:
        yield Finding(
            "old_record",
            market,
            found.behind,
            f"{found.sentence[:-1]} (import or collect what is missing); sessions behind",
            ({"latest session": str(found.latest), "last closed session": str(found.last_closed)},),
        )
