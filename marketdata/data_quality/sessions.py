"""Days on which the market did not trade, and sessions whose bars are in doubt (`session_activity`)."""

from __future__ import annotations

from marketdata.data_quality.finding import Finding
from marketdata.queries.records import get_record


def closed_days(market: str, limit: int) -> Finding:
    """Days with bars on which the market did not trade, so that scans leave them out, until an operator confirms it."""
    record = get_record(market)
    cases = [(day, why) for day, why in sorted(record.closed.items(), reverse=True) if why]
    return Finding(
        "closed_days",
        market,
        len(cases),
        "Days with bars on which the market seems to have been closed; scans leave them out (confirm it, or say that "
        "the market was open, in the calendar overrides; or collect or import their bars again)",
        tuple({"session": day, "reason": f"{why}; closed?"} for day, why in cases[:limit]),
        action="decide: /admin/marketdata/calendaroverride/",
    )


def doubtful_sessions(market: str, limit: int) -> Finding:
    """Sessions with far fewer bars or trades than the one before, or with many bars that repeat it."""
    record = get_record(market)
    cases = [
        (str(record.sessions[n]), why)
        for n in range(len(record.sessions) - 1, 0, -1)
        if record.bars[n] and record.bars[n - 1] and (why := record.doubt(n))
    ]
    return Finding(
        "doubtful_sessions",
        market,
        len(cases),
        "Sessions in doubt; their own scans are quarantined, later ones use their bars (collect or import the bars "
        "again, or record in the calendar overrides that the market was closed)",
        tuple({"session": day, "reason": why} for day, why in cases[:limit]),
        action="decide: /admin/marketdata/calendaroverride/",
    )
