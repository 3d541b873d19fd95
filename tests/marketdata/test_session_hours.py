"""When a session has closed, by the market's clock, whatever the zone of the moment."""

from __future__ import annotations

from datetime import date, datetime

import numpy as np
import pytest

from marketdata.markets import market
from marketdata.session_hours import closing, last_closed

WEEK = np.array(
    ["2026-08-17", "2026-08-18", "2026-08-19", "2026-08-20", "2026-08-21"], dtype="datetime64[D]"
)


@pytest.mark.parametrize(
    ("name", "moment", "session"),
    [
        ("kr", "2026-08-20T15:29:59+09:00", "2026-08-19"),
        ("kr", "2026-08-20T15:30:00+09:00", "2026-08-20"),
        ("kr", "2026-08-20T06:30:00+00:00", "2026-08-20"),  # 15:30 in Seoul
        ("kr", "2026-08-20T20:00:00-04:00", "2026-08-20"),  # 09:00 of the 21st in Seoul
        ("kr", "2026-08-24T09:00:00+09:00", "2026-08-21"),  # the Monday after
        ("us", "2026-08-20T19:59:59+00:00", "2026-08-19"),  # 15:59:59 in New York
        ("us", "2026-08-20T20:00:00+00:00", "2026-08-20"),
        ("us", "2026-08-21T09:00:00+09:00", "2026-08-20"),  # 20:00 of the 20th in New York
        ("upbit", "2026-08-21T00:00:00+00:00", "2026-08-20"),
        ("upbit", "2026-08-20T23:00:00+00:00", "2026-08-19"),
        ("bithumb", "2026-08-20T15:00:00+00:00", "2026-08-20"),  # midnight in Seoul
    ],
)
def test_the_last_closed_session_follows_the_clock_of_the_market(
    name: str, moment: str, session: str
) -> None:
    found = last_closed(market(name), WEEK, datetime.fromisoformat(moment))
    assert str(WEEK[found]) == session


def test_no_session_has_closed_before_the_first() -> None:
    assert last_closed(market("kr"), WEEK, datetime.fromisoformat("2026-08-17T09:00+09:00")) == -1
    assert last_closed(market("kr"), WEEK[:0], datetime.fromisoformat("2026-08-17T09:00Z")) == -1


def test_a_close_has_the_zone_of_its_market() -> None:
    assert closing(market("us"), date(2026, 1, 5)).isoformat() == "2026-01-05T16:00:00-05:00"
    assert closing(market("us"), date(2026, 8, 20)).isoformat() == "2026-08-20T16:00:00-04:00"
