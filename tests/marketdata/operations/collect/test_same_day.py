"""Bars of the day itself since KRX trades after hours: read shortly after the close, and settled the next day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest
from django.conf import settings

from marketdata.markets import get_market
from marketdata.models import BarCorrection, StockPrice
from marketdata.operations import collect
from marketdata.operations.collect import CollectionOptions, CollectionReport
from marketdata.operations.collect.same_day import ReadingHours
from marketdata.queries.market_calendar import get_sessions
from marketdata.session_hours import SessionHours
from marketdata.sources.kis.client import SAME_DAY
from tests.exchanges.kis_market import Instrument as Listed
from tests.exchanges.kis_market import generated_bars
from tests.marketdata.operations.kis_setup import NEVER, KisSetup, create_instruments, recorded_rows, served_rows

KST = timezone(timedelta(hours=9))


def seoul(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=KST)


@pytest.mark.parametrize(
    ("session", "moment", "allowed"),
    [
        ("2026-10-06", "2026-10-06T15:29:59", False),
        ("2026-10-06", "2026-10-06T15:30:59", False),
        ("2026-10-06", "2026-10-06T15:31:00", True),
        ("2026-10-06", "2026-10-06T15:59:00", True),
        ("2026-10-06", "2026-10-06T15:59:58", False),  # clocks of one exchange differ by seconds
        ("2026-10-06", "2026-10-06T16:00:00", False),
        ("2026-10-06", "2026-10-06T20:10:00", False),
        ("2026-10-06", "2026-10-07T00:30:00", False),
        ("2026-10-06", "2026-10-07T08:00:00", True),
        ("2026-10-02", "2026-10-03T09:00:00", True),  # the Saturday after
        ("2026-11-19", "2026-11-19T15:43:00", False),  # the day of the entrance exam
        ("2026-11-19", "2026-11-19T16:31:00", True),
        ("2026-11-19", "2026-11-19T16:59:00", True),
        ("2026-11-19", "2026-11-19T17:00:00", False),
        ("2026-09-11", "2026-09-11T15:29:59", False),  # the rule of old
        ("2026-09-11", "2026-09-11T15:30:00", True),
        ("2026-09-11", "2026-09-11T20:00:00", True),
        ("2026-09-14", "2026-09-14T20:00:00", False),
    ],
)
def test_when_the_bar_of_a_session_is_its_own(session: str, moment: str, allowed: bool) -> None:
    hours = SessionHours(get_market("kr"), Path(settings.CALENDAR_DIR))
    reading = ReadingHours(hours, SAME_DAY)
    assert reading.allows(date.fromisoformat(session), seoul(moment)) is allowed


def autumn() -> list[date]:
    """Sessions up to 2026-10-06, a Tuesday; Monday the 5th is a holiday."""
    days = get_sessions("kr")
    result: list[date] = days[days <= np.datetime64("2026-10-06")][-40:].tolist()
    return result


class AutumnKis(KisSetup):
    """Instruments with bars up to 2026-10-07, and a clock of their exchange that tests set."""

    def __init__(self, size: int) -> None:
        self.now = seoul("2026-10-06T15:43:00")
        days = [*autumn(), date(2026, 10, 7), date(2026, 10, 8)]
        bars = {
            f"{number:05d}0": Listed(f"종목{number}", generated_bars(days, number)) for number in range(1, size + 1)
        }
        super().__init__(bars, drift=True, clock=lambda: self.now.timestamp())

    def at(self, moment: str, *, local: str = "", options: CollectionOptions = NEVER) -> CollectionReport:
        """A collection at a moment of the exchange's clock, while the local one shows `local`."""
        self.now = seoul(moment)
        ours = seoul(local or moment)
        self.exchange.today = self.now.date()
        self.exchange.calls.clear()
        made = collect.make_plan(self.source, market="kr", options=options, as_of=ours)
        self.note = made.note
        return collect.execute_plan(self.source, made, clock=lambda: ours)


@pytest.fixture
def kis(db: None, data_dir: Path) -> Iterator[AutumnKis]:
    with AutumnKis(5) as made:
        create_instruments(*made.market)
        made.at("2026-10-02T15:43:00", options=CollectionOptions(since=autumn()[-10], check_every=0))
        yield made


def expected(kis: AutumnKis, until: str) -> list[tuple[object, ...]]:
    return sorted(
        row
        for code, one in kis.market.items()
        for row in served_rows(code, one.bars, date.fromisoformat(until))
        if row[1] >= autumn()[-10]
    )


@pytest.mark.slow
def test_in_time_the_day_is_recorded_by_quotes_and_older_sessions_are_read_again(
    kis: AutumnKis,
) -> None:
    assert recorded_rows() == expected(kis, "2026-10-02")
    report = kis.at("2026-10-06T15:43:00")
    assert (report.counts.new, report.failures, report.refused, kis.note) == (5, {}, "", "")
    assert kis.calls() == {"intstock-multprice": 1, "inquire-daily-itemchartprice": 5}
    assert recorded_rows() == expected(kis, "2026-10-06")
    again = kis.at("2026-10-06T15:50:00")
    assert (again.calls, kis.calls()) == (0, {})


@pytest.mark.parametrize("moment", ["15:30:30", "16:00:00", "18:10:00", "22:25:00"])
@pytest.mark.slow
def test_at_other_hours_the_day_is_left_out_with_a_sentence(kis: AutumnKis, moment: str) -> None:
    kis.at(f"2026-10-06T{moment}")
    assert recorded_rows() == expected(kis, "2026-10-02")
    assert "run this from 15:31 to 15:59, or from 08:00 of the next day on" in kis.note
    assert "intstock-multprice" not in kis.calls()
    kis.at("2026-10-07T08:15:00")
    assert recorded_rows() == expected(kis, "2026-10-06")


@pytest.mark.slow
def test_the_clock_of_the_exchange_decides_not_ours(kis: AutumnKis) -> None:
    """Ours shows 15:43 while it is 16:10 there; and 15:31 while the session still trades."""
    for theirs, ours in (("16:10:00", "15:43:00"), ("15:29:50", "15:31:30")):
        report = kis.at(f"2026-10-06T{theirs}", local=f"2026-10-06T{ours}")
        assert recorded_rows() == expected(kis, "2026-10-02")
        assert f"2026-10-06 {theirs}" in report.refused
        assert "from 15:31 to 15:59" in report.refused
    report = kis.at("2026-10-06T15:43:00")
    assert (report.refused, report.counts.new) == ("", 5)


def test_daily_bars_of_the_day_are_refused_like_quotes(kis: AutumnKis) -> None:
    options = CollectionOptions(codes=("000010",), since=autumn()[-10], refetch=True)
    report = kis.at("2026-10-06T16:10:00", local="2026-10-06T15:43:00", options=options)
    assert "2026-10-06 16:10:00" in report.refused
    assert not StockPrice.objects.filter(date=date(2026, 10, 6)).exists()
    assert kis.at("2026-10-06T15:43:00", options=options).counts.new == 1


@pytest.mark.slow
def test_what_differs_once_it_is_settled_is_corrected_with_a_reason(kis: AutumnKis) -> None:
    """A bar of Tuesday evening, as it was recorded before this rule."""
    kis.at("2026-10-06T15:43:00")
    StockPrice.objects.filter(stock_code="000030", date=date(2026, 10, 6)).update(close=1.0)
    report = kis.at("2026-10-07T15:43:00")
    assert (report.counts.corrected, report.failures) == (1, {})
    assert recorded_rows() == expected(kis, "2026-10-07")
    correction = BarCorrection.objects.get()
    assert (correction.stock_code, correction.date, correction.old) == (
        "000030",
        date(2026, 10, 6),
        {"close": 1.0},
    )
    assert correction.reason == "changed at the source"  # its quote had given it away


@pytest.mark.slow
def test_a_second_reading_corrects_what_quotes_missed(kis: AutumnKis) -> None:
    kis.at("2026-10-06T15:43:00")
    StockPrice.objects.filter(stock_code="000030", date=date(2026, 10, 6)).update(volume=1.0)
    report = kis.at("2026-10-07T15:43:00")
    assert (report.settled, report.failures) == (1, {})
    assert recorded_rows() == expected(kis, "2026-10-07")
    assert BarCorrection.objects.get().reason == "read again once settled"


@pytest.mark.slow
def test_a_session_is_read_again_once_though_nothing_new_is_missing(kis: AutumnKis) -> None:
    kis.at("2026-10-06T15:43:00")
    report = kis.at("2026-10-07T09:00:00")
    assert (report.counts.new, report.counts.corrected) == (0, 0)
    assert kis.calls() == {"inquire-daily-itemchartprice": 5}
    kis.at("2026-10-07T09:30:00")
    assert kis.calls() == {}


@pytest.mark.slow
def test_sessions_before_the_rule_are_not_read_again(kis: AutumnKis) -> None:
    StockPrice.objects.all().delete()
    from marketdata.models import BarCoverage

    BarCoverage.objects.all().delete()
    kis.at("2026-09-10T18:10:00", options=CollectionOptions(since=autumn()[-30], check_every=0))
    assert max(row[1] for row in recorded_rows()) == date(2026, 9, 10)
    kis.at("2026-09-11T18:10:00")
    assert kis.calls() == {"intstock-multprice": 1}
    assert max(row[1] for row in recorded_rows()) == date(2026, 9, 11)


@pytest.mark.parametrize(
    ("minutes", "allowed", "sentence"),
    [
        (10, "2026-11-19T16:39:00", "run this from 16:31 to 16:39, or from 08:00 of the next day on."),
        (0, "2026-11-20T08:00:00", "since bars of the day follow trades after hours: run this from 08:00 of the next"),
    ],
)
def test_a_setting_ends_the_reading_of_the_day_earlier(minutes: int, allowed: str, sentence: str) -> None:
    """For the day of the entrance exam, whose after-market the exchange may begin at another hour."""
    session, hours = date(2026, 11, 19), SessionHours(get_market("kr"), Path(settings.CALENDAR_DIR))
    with KisSetup({}) as desk:
        source = desk.make(same_day_minutes=minutes)
        reading = ReadingHours(hours, source.same_day)
        source.close()
    assert reading.allows(session, seoul(allowed))
    assert not reading.allows(session, seoul("2026-11-19T16:41:00"))
    assert sentence in reading.refusal(session, seoul("2026-11-19T16:41:00"), "KIS")
