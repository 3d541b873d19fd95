"""Days on which the market did not trade, and sessions whose bars are in doubt (`session_activity`)."""

from __future__ import annotations

from marketdata.data_quality.finding import Finding
from marketdata.queries.records import get_record


def closed_days(market: str, limit: int) -> Finding:
    """Days with bars on which the market did not trade, so that scans leave them out, until an operator confirms it."""
    held = get_record(market)
    found = [(day, why) for day, why in sorted(held.closed.items(), reverse=True) if why]
    return Finding(
        "closed_days",
        market,
        len(found),
        "Days with bars on which the market seems to have been closed; scans leave them out (confirm it, or say that "
        "the market was open, in the calendar overrides; or collect or import their bars again)",
        tuple({"session": day, "reason": f"{why}; closed?"} for day, why in found[:limit]),
        action="decide: /admin/marketdata/calendaroverride/",
    )


def doubtful_sessions(market: str, limit: int) -> Finding:
    """Sessions with far fewer bars or trades than the one before, or with many bars that repeat it."""
    held = get_record(market)
    found = [
        (str(held.sessions[n]), why)
        for n in range(len(held.sessions) - 1, 0, -1)
        if held.bars[n] and held.bars[n - 1] and (why := held.doubt(n))
    ]
    return Finding(
        "doubtful_sessions",
        market,
        len(found),
        "Sessions in doubt; their own scans are quarantined, later ones use their bars (collect or import the bars "
        "again, or record in the calendar overrides that the market was closed)",
        tuple({"session": day, "reason": why} for day, why in found[:limit]),
        action="decide: /admin/marketdata/calendaroverride/",
    )
