"""Days that an override closes although the recorded bars say that the market traded (`session_activity`)."""

from __future__ import annotations

from datetime import date

import numpy as np

from marketdata.data_quality.finding import Finding
from marketdata.markets import get_market
from marketdata.models import CalendarOverride, StockPrice
from marketdata.number_format import count_of
from marketdata.queries.market_calendar import get_sessions
from marketdata.session_activity import COMPARED_FIELDS, MIN_INSTRUMENTS, Activity, is_copy

Bars = dict[str, tuple[float, ...]]


def contradicted_closures(market: str, limit: int) -> Finding:
    """Days closed by an override on which `MIN_INSTRUMENTS` or more instruments traded, most of them otherwise than on
    the session before; the newest first. The override is left as it is: a person or a source's later answer decides."""
    family = get_market(market).family
    closed = CalendarOverride.objects.filter(market__in=family, is_open=False).order_by("-date")
    sessions = get_sessions(market)
    cases: list[dict[str, str | float]] = []
    for row in closed:
        if np.datetime64(row.date) in sessions:  # the market's own override opens it
            continue
        activity = _activity(market, row.date)
        if activity.traded >= MIN_INSTRUMENTS and not is_copy(activity.traded, activity.repeated):
            who = f"source {row.source}" if row.source else "an operator"
            cases.append(
                {
                    "session": str(row.date),
                    "evidence": f"{count_of(activity.traded, 'instrument')} traded",
                    "closed by": who,
                }
            )
    return Finding(
        "contradicted_closures",
        market,
        len(cases),
        "Days closed by a calendar override on which instruments traded, by the recorded bars; scans leave these out "
        "(delete the override where the market was open)",
        tuple(cases[:limit]),
        action="decide: /admin/marketdata/calendaroverride/",
    )


def _activity(market: str, day: date) -> Activity:
    """The activity of a day, compared with the last day before it that has bars."""
    bars = StockPrice.objects.filter(market=market)
    now = _bars(market, day)
    if sum(bar[-1] > 0 for bar in now.values()) < MIN_INSTRUMENTS:
        return Activity(len(now), 0, 0, None)
    earlier = bars.filter(date__lt=day).order_by("-date").values_list("date", flat=True).first()
    before = _bars(market, earlier) if earlier else {}
    traded = {code: bar for code, bar in now.items() if bar[-1] > 0}
    repeated = sum(before.get(code) == bar for code, bar in traded.items())
    return Activity(len(now), len(traded), repeated, len(before))


def _bars(market: str, day: date) -> Bars:
    """Code -> the bar of a day, that of any source."""
    rows = StockPrice.objects.filter(market=market, date=day).values_list("stock_code", *COMPARED_FIELDS)
    return {code: tuple(values) for code, *values in rows}
