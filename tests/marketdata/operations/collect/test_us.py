"""US shares from the imitation of KIS are those that it serves, bar by bar, splits included."""

from __future__ import annotations

import numpy as np
import pytest

from marketdata.models import StockPrice
from marketdata.operations.projection.current_lake import current_record
from marketdata.operations.projection.project import project_bars
from marketdata.queries.window import open_window
from tests import realdata
from tests.exchanges.us_market import FILE, real_market, split
from tests.marketdata.operations.us_setup import (
    DAILY_PRICES,
    code_of,
    collect_all,
    generated_market,
    kis_us,
    recorded_bars,
    served_bars,
    trading_days,
)

pytestmark = [pytest.mark.slow, pytest.mark.django_db, pytest.mark.usefixtures("data_dir")]


def test_generated_shares_equal_the_served_ones() -> None:
    """504 sessions are six pages, raw and adjusted."""
    days = trading_days(504)
    market = generated_market(days, 12)
    splits = {("TAB", 300): 0.25, ("BRK/B", 120): 0.02, ("TAC", 400): 10.0}
    for (symbol, place), factor in splits.items():
        split(market[symbol], days[place], factor)
    with kis_us(market) as (exchange, source):
        report = collect_all(source, days[0], days[-1])
        assert (report.failures, report.rejected) == ({}, {})
        assert recorded_bars() == served_bars(market)
        assert exchange.calls[DAILY_PRICES] == 12 * 2 * 6
        assert report.calls + 3 == sum(exchange.calls.values())  # the lists before
    for symbol in market:
        rows = StockPrice.objects.filter(market="us", stock_code=code_of(symbol)).order_by("date")
        prices = list(rows.values_list("close", "base_price"))
        for place in range(1, len(days)):
            factor = splits.get((symbol, place), 1.0)
            assert prices[place][1] == pytest.approx(prices[place - 1][0] * factor, rel=1e-9)


def test_the_adjusted_series_is_continuous_over_a_split() -> None:
    days = trading_days(200)
    market = generated_market(days, 4)
    expected = [bar.close for bar in market["TAB"].bars]
    split(market["TAB"], days[150], 0.1)
    with kis_us(market) as (_, source):
        collect_all(source, days[0], days[-1])
    project_bars("us")
    record = current_record("us")
    sessions = record.sessions[(record.sessions >= np.datetime64(days[0])) & (record.bars > 0)]
    window = open_window(record, sessions, 0)
    panel = window.read({"close": 0})
    closes = panel["close"][:, panel.codes.tolist().index("TAB")]
    assert closes == pytest.approx(expected, rel=1e-4)


def test_recorded_shares_equal_the_file() -> None:
    """Twenty shares of the recorded file over its two years; one of them with a split undone."""
    realdata.path(FILE)
    market = real_market(20)
    days = [bar.session for bar in next(iter(market.values())).bars]
    split(market[sorted(market)[3]], days[250], 0.2)
    with kis_us(market) as (_, source):
        assert collect_all(source, days[0], days[-1]).failures == {}
    assert recorded_bars() == served_bars(market)
