"""The calls of an evening and of the morning after, for 2,500 instruments of the recorded exchange lists, and those of
ten years of whole sessions: played against the imitations, which count."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from itertools import count
from typing import Any

import numpy as np
import pytest

from marketdata.models import SessionReading, StockPrice
from marketdata.operations.collect import missing_data, plan_sessions, run_sessions
from marketdata.queries.market_calendar import get_sessions
from tests import realdata
from tests.exchanges.kis_market import Bar
from tests.exchanges.kis_market import Instrument as Listed
from tests.exchanges.krx_open_api import KST, recorded_days
from tests.marketdata.sources.krx.krx_setup import krx_source, whole_session
from tests.scans.operations.settling_setup import SettlingDesk

pytestmark = [pytest.mark.django_db, pytest.mark.slow, pytest.mark.one_backend]

EVENING, MORNING = 90, 3
COUNTS = {"KOSPI": 900, "KOSDAQ": 1_600}
DAYS = [date(2026, 10, day) for day in (6, 7, 8, 12, 13, 14, 15, 16, 19, 20, 21, 22, 23)]
"""The recorded sessions are played on days since KRX trades after hours."""


class RecordedDesk(SettlingDesk):
    """The clock and both exchanges, with the recorded lists of as many sessions."""

    def __init__(self, settings: Any, data_dir: Any) -> None:
        super().__init__(settings, data_dir, list(DAYS), size=0)
        lists = recorded_days()
        recorded = sorted(lists)[-len(DAYS) :]
        codes = {
            name: sorted(set.intersection(*({row["ISU_CD"] for row in lists[day][name]} for day in recorded)))[:size]
            for name, size in COUNTS.items()
        }
        self.lists: dict[date, dict[str, list[dict[str, str]]]] = {
            day: {
                name: [row | {"BAS_DD": f"{day:%Y%m%d}"} for row in lists[source][name] if row["ISU_CD"] in codes[name]]
                for name in COUNTS
            }
            for day, source in zip(DAYS, recorded, strict=True)
        }
        for day, segments in self.lists.items():
            for segment, rows in segments.items():
                for row in rows:
                    o, h, low, close = (int(row[f"TDD_{name}"]) for name in ("OPNPRC", "HGPRC", "LWPRC", "CLSPRC"))
                    change = int(row["CMPPREVDD_PRC"])
                    listed = self.kis.exchange.market.setdefault(
                        row["ISU_CD"], Listed(row["ISU_NM"], [], segment, listed=date(2000, 1, 4))
                    )
                    listed.bars.append(Bar(day, o, h, low, close, int(row["ACC_TRDVOL"]), close - change))

    def rows(self, day: date) -> Any:
        return self.lists[day]


@pytest.fixture
def desk(settings: Any, data_dir: Any) -> Iterator[RecordedDesk]:
    realdata.path("marcap-2026.parquet")
    with RecordedDesk(settings, data_dir) as made:
        assert len(made.kis.exchange.market) == sum(COUNTS.values()) == 2_500
        yield made


def calls(exchange: Any) -> int:
    """Of data. Access tokens are no part of it: played clocks are behind ours, so that each token has expired."""
    return sum(number for path, number in exchange.calls.items() if "oauth2" not in path)


def test_an_evening_and_a_morning_of_2500_instruments(desk: RecordedDesk) -> None:
    """84 calls of quotes, three lists of instruments and the holidays in the evening; two lists in the morning."""
    with krx_source({day: desk.rows(day) for day in DAYS[:-2]}) as (_, source):
        run_sessions(source, "kr", since=DAYS[0], clock=lambda: datetime(2026, 10, 22, 8, 10, tzinfo=KST))
    for day, following in zip(DAYS[-2:], (DAYS[-1], date(2026, 10, 26)), strict=True):
        desk.kis.exchange.calls.clear()
        desk.krx.calls.clear()
        desk.at(f"{day}T15:35:00")
        missing_data.sync_holidays("kr", as_of=desk.now)
        summary = missing_data.collect_missing("kr", flows=False, clock=lambda: desk.now, beat=lambda: None)
        assert summary.error == ""
        assert StockPrice.objects.filter(date=day, source="kis").count() == 2_500
        assert calls(desk.krx) == 0
        assert calls(desk.kis.exchange) <= EVENING
        desk.kis.exchange.calls.clear()
        desk.at(f"{following}T08:15:00")
        settled = missing_data.collect_settled("kr", clock=lambda: desk.now, beat=lambda: None)
        assert settled.error == ""
        assert calls(desk.krx) == 2
        assert calls(desk.krx) + calls(desk.kis.exchange) <= MORNING
        assert SessionReading.objects.get(date=day).settled_at == desk.now
        official = {row["ISU_CD"]: int(row["TDD_CLSPRC"]) for rows in desk.rows(day).values() for row in rows}
        for name in ("krx", "kis"):
            rows = StockPrice.objects.filter(date=day, source=name)
            assert dict(rows.values_list("stock_code", "close")) == official


@pytest.mark.usefixtures("data_dir")
def test_ten_years_of_two_segments() -> None:
    """Two calls a session: at most 5,200 for the sessions of ten years, and as many as planned on a part of them that
    is played in full."""
    now = datetime(2026, 8, 19, 12, 0, tzinfo=KST)
    sessions = get_sessions("kr")
    ten_years = int(((sessions >= np.datetime64("2016-08-19")) & (sessions <= np.datetime64("2026-08-18"))).sum())
    with krx_source({}) as (_, source):
        plan = plan_sessions(source, market="kr", since=date(2016, 8, 19), as_of=now)
    assert len(plan.days) == ten_years == plan.calls / 2
    assert (plan.calls <= 5_200, plan.later) == (True, 0)
    days = plan.days[-5:]
    steps = count(1)
    served = {day: whole_session(day, step=10 * next(steps)) for day in days}
    with krx_source(served) as (exchange, source):
        report = run_sessions(source, "kr", since=days[0], clock=lambda: now)
        assert (report.failures, report.calls) == ({}, 2 * len(days))
        assert sum(exchange.calls.values()) == report.calls
