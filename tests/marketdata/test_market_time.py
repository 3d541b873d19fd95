"""Moments on a market's clock; expected values from the zones' own rules, by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from marketdata.market_time import market_date, market_time, market_zone, utc_time
from marketdata.markets import get_market


@pytest.mark.parametrize(
    ("market", "moment", "shown"),
    [
        # Seoul is nine hours ahead of UTC all year.
        ("kr", datetime(2026, 8, 21, 9, 42, tzinfo=UTC), "2026-08-21 18:42 KST"),
        ("kr-adj", datetime(2026, 8, 21, 15, 0, tzinfo=UTC), "2026-08-22 00:00 KST"),
        ("bithumb", datetime(2026, 1, 1, 0, 0, tzinfo=UTC), "2026-01-01 09:00 KST"),
        # New York: four hours behind in summer, five in winter.
        ("us", datetime(2026, 8, 21, 20, 0, tzinfo=UTC), "2026-08-21 16:00 EDT"),
        ("us", datetime(2026, 1, 2, 3, 0, tzinfo=UTC), "2026-01-01 22:00 EST"),
        ("upbit", datetime(2026, 8, 21, 9, 42, tzinfo=UTC), "2026-08-21 09:42 UTC"),
        # No market's name: a pair of coins, nothing.
        ("KRW-BTC", datetime(2026, 8, 21, 9, 42, tzinfo=UTC), "2026-08-21 09:42 UTC"),
        ("", datetime(2026, 8, 21, 9, 42, tzinfo=UTC), "2026-08-21 09:42 UTC"),
    ],
)
def test_a_time_is_on_the_market_s_clock_with_its_zone(market: str, moment: datetime, shown: str) -> None:
    assert market_time(moment, market) == shown


def test_a_day_begins_at_midnight_of_the_market() -> None:
    moment = datetime(2026, 8, 21, 15, 0, tzinfo=UTC)
    assert [str(market_date(moment, name)) for name in ("kr", "us", "upbit")] == [
        "2026-08-22",
        "2026-08-21",
        "2026-08-21",
    ]


@pytest.mark.parametrize("name", ["kr", "kr-adj", "us", "upbit", "bithumb"])
def test_a_market_has_the_zone_of_its_name(name: str) -> None:
    assert market_zone(get_market(name)) == market_zone(name)


def test_a_time_of_any_zone_is_shown_in_utc() -> None:
    seoul = timezone(timedelta(hours=9))
    assert utc_time(datetime(2026, 8, 21, 8, 42, tzinfo=seoul)) == "2026-08-20 23:42 UTC"
