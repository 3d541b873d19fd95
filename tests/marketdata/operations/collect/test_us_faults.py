"""Collections of US shares from an exchange that answers wrongly: nothing wrong is recorded, and the next run has the
rest."""

from __future__ import annotations

import pytest
from django.db.models import Q

from marketdata.models import StockPrice
from tests.exchanges.row_faults import ROW_FAULTS
from tests.exchanges.server import TRANSPORT_FAULTS, Faults
from tests.exchanges.us_market import split
from tests.marketdata.operations.us_setup import (
    DAILY_PRICES,
    collect_all,
    generated_market,
    kis_us,
    recorded_bars,
    served_bars,
    trading_days,
)

pytestmark = [pytest.mark.slow, pytest.mark.django_db, pytest.mark.usefixtures("data_dir")]
FAULTS = (*ROW_FAULTS, "short", "other", "transient", *(kind for kind in TRANSPORT_FAULTS if kind != "skew"))


@pytest.mark.parametrize("fault", FAULTS)
def test_nothing_wrong_is_recorded_and_a_clean_run_completes(fault: str) -> None:
    days = trading_days(230)
    market = generated_market(days, 12)
    split(market["TAB"], days[150], 0.25)
    faults = Faults({fault: 0.3}, seed=5)
    faults.only = "dailyprice"
    with kis_us(market, faults=faults, hang=0.01) as (exchange, source):
        collect_all(source, days[0], days[-1])
        assert faults.hit[fault] > 5
        assert recorded_bars() <= served_bars(market)
        faults.rates.clear()
        before = exchange.calls[DAILY_PRICES]
        report = collect_all(source, days[0], days[-1])
        assert report.calls == exchange.calls[DAILY_PRICES] - before
    assert report.failures == {}
    assert recorded_bars() == served_bars(market)
    assert not StockPrice.objects.filter(Q(base_price=None) | Q(amount=None)).exists()
    closes = dict(StockPrice.objects.filter(stock_code="TAB").values_list("date", "close"))
    for bar in StockPrice.objects.filter(stock_code="TAB", date__gt=days[0]):
        place = days.index(bar.date)
        assert bar.base_price == pytest.approx(closes[days[place - 1]] * (0.25 if place == 150 else 1.0))
