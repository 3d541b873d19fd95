"""The share of a day's volume that is usually traded by a time of the session, as data, and its limits.

KRX: of the turnover of KOSPI and KOSDAQ in 2015, 17.2 % was traded in the first half hour and 12.1 % in the last (the
exchange's own analysis, reported by wowtv.co.kr and etoday.co.kr on 2016-05-27). In between, and within these half
hours, volume is taken to be even. Limits: one year, before sessions were half an hour longer; the turnover of the whole
market, not the shares of one instrument; KOSDAQ trades more at the opening (19.8 %) and less at the close (9.9 %) than
KOSPI (15.4 %, 13.6 %); the closing auction's volume falls on its end, so that less is traded before it than here.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np

from marketdata.errors import DataProblem
from marketdata.markets import get_market
from marketdata.queries.market_calendar import get_hours

HALF_HOUR = timedelta(minutes=30)
FIRST_AND_LAST = {"kr": (0.172, 0.121)}
"""Market -> the shares of its first and its last half hour."""


def get_volume_share(market: str, session: date, at: datetime) -> float:
    """The usual share of the volume of `session` that is traded by `at`, in (0, 1]; DataProblem where nothing is known
    of the market."""
    shares = FIRST_AND_LAST.get(get_market(market).family[0])
    if shares is None:
        raise DataProblem(
            f"Nothing is known of the share of volume by time of day on market {market}: do not scale it."
        )
    hours = get_hours(market)
    opens, closes = hours.opening(session), hours.closing(session)
    times = [(moment - opens).total_seconds() for moment in (opens, opens + HALF_HOUR, closes - HALF_HOUR, closes)]
    share = np.interp((at - opens).total_seconds(), times, [0.0, shares[0], 1.0 - shares[1], 1.0])
    return max(float(share), 0.01)
