"""Investor flow and holidays from the imitation of KIS."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from marketdata.models import CalendarChange, CalendarOverride, FlowCorrection, InstitutionalFlow
from marketdata.operations.collect import CollectionOptions, flows, holidays
from marketdata.operations.collect.flows import FlowReport
from marketdata.queries.market_calendar import get_sessions
from marketdata.sources.base import SourceRefused
from tests.exchanges.kis_market import Instrument as Listed
from tests.exchanges.kis_market import generated_bars
from tests.marketdata.operations.kis_setup import KisSetup, create_instruments, evening, sessions

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir")]


def market() -> dict[str, Listed]:
    """Three instruments whose foreigners buy 200 shares a day; institutions say nothing on the last one."""
    instruments_by_code = {}
    for number in (1, 2, 3):
        one = Listed(f"종목{number}", generated_bars(sessions(), number))
        days = sessions()[-40:]
        one.flows = [(day, -150, 200, None if day == days[-1] else -50) for day in days]
        instruments_by_code[f"{number:05d}0"] = one
    return instruments_by_code


def collected(kis: KisSetup, day: date) -> FlowReport:
    plan = flows.make_flow_plan(kis.source, market="kr", as_of=evening(day))
    return flows.collect_flows(kis.source, plan, clock=lambda: evening(day))


def test_flow_is_recorded_in_won_and_a_blank_is_missing() -> None:
    with KisSetup(market()) as kis:
        create_instruments(*kis.market)
        day = sessions()[-1]
        report = collected(kis, day)
        assert (report.counts.new, report.failures) == (90, {})
        assert report.calls == sum(kis.exchange.calls.values()) >= 4  # with that for a token
        rows = InstitutionalFlow.objects.filter(stock_code="000010").order_by("-date")
        last, before = rows[:2]
        assert (last.foreign_net_quantity, last.individual_net_quantity) == (200, -150)
        assert last.institution_net_quantity is None
        assert before.institution_net_quantity == -50
        close = kis.market["000010"].bars[-1].close
        assert last.foreign_net_value == round(200 * close / 1_000_000) * 1_000_000
        assert collected(kis, day).calls == 0


def test_a_later_value_replaces_a_blank_and_is_kept() -> None:
    with KisSetup(market()) as kis:
        create_instruments("000010")
        days = sessions()
        collected(kis, days[-1])
        one = kis.market["000010"]
        one.flows = [*one.flows[:-1], (days[-1], -150, 200, -50)]
        InstitutionalFlow.objects.filter(date=days[-1]).delete()
        report = collected(kis, days[-1])
        assert (report.counts.new, report.counts.corrected) == (1, 0)
        one.flows = [*one.flows[:-1], (days[-1], -150, 300, -50)]
        next_day = days[-1] + timedelta(days=3)
        assert collected(kis, next_day).counts.corrected == 1
        assert FlowCorrection.objects.get().old["foreign_net_quantity"] == 200


def test_more_than_was_traded_is_kept_out() -> None:
    with KisSetup(market()) as kis:
        create_instruments(*kis.market)
        day = sessions()[-1]
        kis.collect(day, CollectionOptions(since=sessions()[-45]))
        one = kis.market["000020"]
        one.flows = [*one.flows[:-1], (day, 0, 10_000_000, 0)]
        report = collected(kis, day)
        halts = sum(bar.volume == 0 for each in kis.market.values() for bar in each.bars[-30:])
        assert report.rejected == {"net buying beyond what was traded": halts + 1}
        assert not InstitutionalFlow.objects.filter(stock_code="000020", date=day).exists()


def test_holidays_become_overrides_where_the_calendar_says_otherwise() -> None:
    """One call a day; what a person wrote stands; a day that opens after all loses its override."""
    monday = date(2026, 8, 24)
    closed = {monday + timedelta(days=n) for n in (1, 2, 3)}
    with KisSetup({}, closed=frozenset(closed)) as kis:
        CalendarOverride.objects.create(market="kr", date=date(2026, 8, 27), is_open=True, note="by hand")
        done = holidays.sync(kis.source, market="kr", as_of=evening(monday))
        assert done.written == (date(2026, 8, 25), date(2026, 8, 26))
        assert done.disputed == (date(2026, 8, 27),)
        assert kis.calls() == {"chk-holiday": 1}
        days = set(get_sessions("kr").tolist())
        assert monday in days
        assert date(2026, 8, 25) not in days
        assert date(2026, 8, 27) in days
        assert not holidays.sync(kis.source, market="kr", as_of=evening(monday)).is_due
        assert kis.calls() == {"chk-holiday": 1}
        kis.exchange.closed = frozenset(closed - {date(2026, 8, 26)})
        done = holidays.sync(kis.source, market="kr", as_of=evening(monday + timedelta(days=1)))
        assert (done.written, done.removed) == ((), (date(2026, 8, 26),))


def test_a_blank_holiday_field_writes_no_closure_and_is_requested_again() -> None:
    monday = date(2026, 8, 24)
    with KisSetup({}, closed=frozenset({date(2026, 8, 26)})) as kis:
        kis.exchange.unsaid = frozenset({monday, date(2026, 8, 25)})
        done = holidays.sync(kis.source, market="kr", as_of=evening(monday))
        assert (done.written, done.complete) == ((date(2026, 8, 26),), False)
        assert holidays.is_due(kis.source, market="kr", as_of=evening(monday))
        kis.exchange.unsaid = frozenset()
        done = holidays.sync(kis.source, market="kr", as_of=evening(monday))
        assert (done.is_due, done.complete, done.written) == (True, True, ())
        assert not holidays.is_due(kis.source, market="kr", as_of=evening(monday))
        assert list(CalendarOverride.objects.filter(source="kis").values_list("date", flat=True)) == [date(2026, 8, 26)]


def test_a_closure_of_the_last_days_is_withdrawn_with_a_record() -> None:
    """The source wrote Tuesday off and says on Thursday that it had opened; what a person wrote stays."""
    monday, tuesday = date(2026, 8, 24), date(2026, 8, 25)
    thursday = monday + timedelta(days=3)
    with KisSetup({}, closed=frozenset({tuesday})) as kis:
        holidays.sync(kis.source, market="kr", as_of=evening(monday))
        assert tuesday not in get_sessions("kr").tolist()
        by_hand = CalendarOverride.objects.create(
            market="kr", date=monday + timedelta(days=4), is_open=False, note="kis, answer of monday"
        )
        kis.exchange.closed = frozenset()
        for day in (thursday, thursday + timedelta(days=1)):
            holidays.sync(kis.source, market="kr", as_of=evening(day))
        assert tuesday in get_sessions("kr").tolist()
        assert CalendarOverride.objects.filter(pk=by_hand.pk, is_open=False).exists()
        changes = CalendarChange.objects.order_by("pk").values_list("date", "kind", "is_open")
        assert list(changes) == [
            (tuesday, "written", False),
            (tuesday, "withdrawn", True),
            (by_hand.date, "disputed", True),
        ]


def test_paper_refuses_holidays_with_a_sentence() -> None:
    with KisSetup({}) as kis:
        kis.source.close()
        kis.source = kis.make(environment="paper")
        with pytest.raises(SourceRefused, match="holidays in the real environment only"):
            holidays.sync(kis.source, market="kr", as_of=evening(date(2026, 8, 24)))
