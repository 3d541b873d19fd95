"""Collecting daily bars from the imitation of KIS: requests, recorded bars and reruns."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from marketdata.errors import DataProblem
from marketdata.models import BarCorrection, BarCoverage, InstrumentValuation, LakePartition, StockPrice
from marketdata.operations import collect
from marketdata.operations.collect import CollectionOptions
from tests.exchanges.kis_market import Bar, generated_bars
from tests.exchanges.kis_market import Instrument as Listed
from tests.exchanges.server import Faults
from tests.marketdata.operations.kis_setup import (
    NEVER,
    KisSetup,
    create_instruments,
    evening,
    generated_instruments,
    recorded_rows,
    served_rows,
    sessions,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir")]


@pytest.fixture
def kis() -> Iterator[KisSetup]:
    with KisSetup(generated_instruments(7)) as made:
        yield made


# --- plans --------------------------------------------------------------------------------------------


def test_a_record_without_instruments_is_one_sentence(kis: KisSetup) -> None:
    with pytest.raises(DataProblem, match=r"run `manage.py sync_instruments` first"):
        kis.plan(sessions()[-1])
    with pytest.raises(DataProblem, match="has daily bars of market kr, not of us"):
        collect.make_plan(kis.source, market="us", options=NEVER, as_of=evening(sessions()[-1]))


def test_a_plan_counts_calls_by_the_hundred_and_makes_none(kis: KisSetup) -> None:
    create_instruments(*kis.market)
    since = sessions()[-250]
    plan = kis.plan(sessions()[-1], CollectionOptions(since=since))
    assert (plan.instruments, plan.missing, plan.complete) == (7, 7 * 250, 0)
    assert plan.calls == 7 * 3
    assert plan.seconds == pytest.approx(21 / 1_000)
    assert not kis.exchange.calls


def test_the_session_of_today_counts_from_its_close_on(kis: KisSetup) -> None:
    create_instruments(*kis.market)
    before, today = sessions()[-2:]
    opens = datetime(today.year, today.month, today.day, 0, 0, tzinfo=UTC)
    for passed, last in ((timedelta(hours=6, minutes=29), before), (timedelta(hours=6.6), today)):
        plan = collect.make_plan(kis.source, market="kr", options=NEVER, as_of=opens + passed)
        assert plan.last == last
    assert (
        collect.make_plan(kis.source, market="kr", options=NEVER, as_of=opens + timedelta(days=1)).last == today
    )  # a Saturday


def test_requests_cover_the_days_on_which_an_instrument_was_listed(kis: KisSetup) -> None:
    days = sessions()
    create_instruments("000010", listed_on=days[-30])
    create_instruments("000020", gone_on=days[-10])
    plan = kis.plan(days[-1], CollectionOptions(since=days[-50]))
    spans = {one.code: (one.start, one.end) for one in plan.requests}
    assert spans == {"000010": (days[-30], days[-1]), "000020": (days[-50], days[-11])}


def test_missing_sessions_that_fit_into_one_answer_share_a_call(kis: KisSetup) -> None:
    days = sessions()
    create_instruments("000010")
    kis.collect(days[-1], CollectionOptions(codes=("000010",), since=days[-250]))
    holes = [days[-3], days[-60], days[-180]]
    StockPrice.objects.filter(date__in=holes).delete()
    BarCoverage.objects.all().delete()
    plan = kis.plan(days[-1], CollectionOptions(since=days[-250], overlap=2))
    assert plan.missing == 3
    assert [(one.start, one.end) for one in plan.requests] == [
        (days[-62], days[-3]),
        (days[-182], days[-180]),
    ]
    assert plan.calls == 2
    kis.collect(days[-1], CollectionOptions(since=days[-250], overlap=2))
    assert kis.calls() == {"inquire-daily-itemchartprice": 2}
    assert recorded_rows() == served_rows("000010", kis.market["000010"].bars[-250:], days[-1])


# --- collecting ---------------------------------------------------------------------------------------


def test_what_is_served_is_recorded_and_a_repeat_asks_for_nothing(kis: KisSetup) -> None:
    create_instruments(*kis.market)
    days = sessions()
    report = kis.collect(days[-2], CollectionOptions(since=days[-250]))
    assert (report.counts.new, report.failures, report.planned) == (7 * 249, {}, 21)
    assert report.calls == sum(kis.exchange.calls.values()) >= 22  # with that for a token
    expected = [row for code, one in kis.market.items() for row in served_rows(code, one.bars[-250:], days[-2])]
    assert recorded_rows() == expected
    assert LakePartition.objects.filter(market="kr").exists()
    valuations = InstrumentValuation.objects.values_list("stock_code", "source", "per", "eps", "pbr")
    assert set(valuations) == {(code, "kis", 12.34, -1234.0, None) for code in kis.market}
    again = kis.collect(days[-2], CollectionOptions(since=days[-250]))
    assert (again.calls, again.counts.new, dict(kis.exchange.calls)) == (0, 0, {})


def test_an_evening_costs_one_call_for_thirty_instruments() -> None:
    with KisSetup(generated_instruments(65)) as kis:
        create_instruments(*kis.market)
        days = sessions()
        kis.collect(days[-2], CollectionOptions(since=days[-3]))
        report = kis.collect(days[-1])
        assert kis.calls() == {"intstock-multprice": 3}
        assert (report.calls, report.counts.new) == (3, 65)
        expected = [row for code, one in kis.market.items() for row in served_rows(code, one.bars[-3:], days[-1])]
        assert recorded_rows() == expected


def test_bars_of_each_instrument_are_requested_once_in_so_many_sessions() -> None:
    with KisSetup(generated_instruments(20)) as kis:
        create_instruments(*kis.market)
        days = sessions()
        kis.collect(days[-8], CollectionOptions(since=days[-9]))
        requested: list[str] = []
        for day in days[-7:-2]:
            plan = kis.plan(day, CollectionOptions(check_every=5))
            requested += [request.code for request in plan.requests]
            assert all(request.start < day for request in plan.requests)
            kis.collect(day, CollectionOptions(check_every=5))
        assert sorted(requested) == sorted(kis.market)


def test_a_forming_day_is_never_quoted(kis: KisSetup) -> None:
    create_instruments(*kis.market)
    days = sessions()
    kis.collect(days[-3], CollectionOptions(since=days[-4]))
    kis.exchange.today = days[-1]
    morning = datetime(days[-1].year, days[-1].month, days[-1].day, 1, 0, tzinfo=UTC)
    plan = collect.make_plan(kis.source, market="kr", options=NEVER, as_of=morning)
    assert plan.quotes == ()
    assert {request.end for request in plan.requests} == {days[-2]}
    collect.execute_plan(kis.source, plan, clock=lambda: morning)
    assert max(row[1] for row in recorded_rows()) == days[-2]


def test_paper_has_no_quotes_and_goes_without(kis: KisSetup) -> None:
    create_instruments(*kis.market)
    days = sessions()
    kis.collect(days[-2], CollectionOptions(since=days[-3]))
    kis.source.close()
    kis.source = kis.make(environment="paper")
    report = kis.collect(days[-1])
    assert kis.calls() == {"inquire-daily-itemchartprice": 7}
    assert (report.counts.new, report.failures) == (7, {})


def test_no_such_instrument_is_not_an_instrument_without_bars(kis: KisSetup) -> None:
    days = sessions()
    kis.market["000990"] = Listed("새 종목", [])
    kis.exchange.market["000990"] = Listed("새 종목", [])
    create_instruments("000010", "000990", "999999")
    report = kis.collect(days[-1], CollectionOptions(since=days[-5]))
    assert (report.unknown, report.failures) == (("999999",), {})
    plan = kis.plan(days[-1] + timedelta(days=3), CollectionOptions(since=days[-5]))
    assert plan.unknown == ("999999",)
    assert {one.code for one in plan.requests}.isdisjoint({"999999"})
    assert kis.plan(days[-1], CollectionOptions(codes=("999999",))).calls > 0


def test_todays_bar_may_come_later(kis: KisSetup) -> None:
    """An answer without today's bar, on the day itself, does not count as an answer for today."""
    create_instruments("000010")
    days = sessions()
    plan = kis.plan(days[-1], CollectionOptions(since=days[-5], codes=("000010",)))
    kis.exchange.today = days[-2]
    report = collect.execute_plan(kis.source, plan, clock=lambda: evening(days[-1]))
    assert report.counts.new == 4
    assert kis.plan(days[-1]).missing == 1
    assert kis.collect(days[-1]).counts.new == 1


def test_a_row_that_cannot_be_right_is_kept_out_and_counted(kis: KisSetup) -> None:
    days = sessions()
    bars = kis.market["000010"].bars
    bars[-2] = bars[-2]._replace(high=1, low=2)
    create_instruments("000010", "000020")
    report = kis.collect(days[-1], CollectionOptions(since=days[-3]))
    assert report.rejected == {"high below low": 1}
    assert report.reject_file is not None
    assert "high below low" in report.reject_file.read_text()
    assert report.counts.new == 5


# --- changed history ----------------------------------------------------------------------------------


def test_a_corrected_bar_is_replaced_and_its_old_values_are_kept(kis: KisSetup) -> None:
    create_instruments("000010", "000020")
    days = sessions()
    kis.collect(days[-3], CollectionOptions(since=days[-20]))
    bars = kis.market["000010"].bars
    marks = dict(LakePartition.objects.values_list("month", "wanted"))
    old = bars[-4]
    bars[-4] = old._replace(volume=old.volume + 5)
    report = kis.collect(days[-1])
    assert (report.counts.corrected, report.refetched) == (1, ())
    correction = BarCorrection.objects.get()
    assert (correction.stock_code, correction.date) == ("000010", old.session)
    assert correction.old == {"volume": old.volume, "amount": old.volume * old.close}
    month = old.session.replace(day=1)
    assert dict(LakePartition.objects.values_list("month", "wanted"))[month] > marks[month]
    assert recorded_rows(stock_code="000010") == served_rows("000010", bars[-20:], days[-1])


def test_a_change_of_history_that_reaches_further_back_is_refetched(kis: KisSetup) -> None:
    """The source adjusts all of one instrument's history at a split."""
    create_instruments("000010", "000020")
    days = sessions()
    kis.collect(days[-3], CollectionOptions(since=days[-150]))
    bars = kis.market["000010"].bars
    bars[:] = [
        Bar(b.session, b.open // 2, b.high // 2, b.low // 2, b.close // 2, b.volume * 2, b.base // 2) for b in bars
    ]
    report = kis.collect(days[-1])
    assert report.refetched == ("000010",)
    assert report.counts.corrected >= 147
    assert recorded_rows(stock_code="000010") == served_rows("000010", bars[-150:], days[-1])
    assert BarCorrection.objects.filter(stock_code="000020").count() == 0
    assert kis.collect(days[-1]).calls == 0


def test_a_quote_after_a_split_requests_its_bars(kis: KisSetup) -> None:
    create_instruments(*kis.market)
    days = sessions()
    kis.collect(days[-2], CollectionOptions(since=days[-150]))
    bars = kis.market["000030"].bars
    bars[-1] = bars[-1]._replace(base=bars[-2].close // 5)
    report = kis.collect(days[-1])
    assert report.refetched == ("000030",)
    assert kis.calls() == {"intstock-multprice": 1, "inquire-daily-itemchartprice": 3}
    assert recorded_rows(stock_code="000030") == served_rows("000030", bars[-150:], days[-1])


def test_quotes_of_a_day_without_trading_are_not_taken_for_bars(kis: KisSetup) -> None:
    create_instruments(*kis.market)
    days = sessions()
    for one in kis.market.values():  # unchanged, so that nothing but its repetition gives a quote away
        bar = one.bars[-2]
        one.bars[-2] = bar._replace(close=bar.base, high=max(bar.high, bar.base), low=min(bar.low, bar.base))
    kis.collect(days[-2], CollectionOptions(since=days[-150]))
    before = recorded_rows()
    plan = collect.make_plan(kis.source, market="kr", options=NEVER, as_of=evening(days[-1]))
    assert plan.last == days[-1]  # by the calendar; but the exchange never opened
    assert plan.quotes
    report = collect.execute_plan(kis.source, plan, clock=lambda: evening(days[-1]))
    assert (report.counts.new, report.failures) == (0, {})
    assert recorded_rows() == before
    kis.collect(days[-1])
    assert [row[1] for row in recorded_rows(stock_code="000010")][-1] == days[-1]


def test_a_quote_with_nothing_to_compare_it_with_is_not_believed(kis: KisSetup) -> None:
    create_instruments(*kis.market)
    days = sessions()
    kis.collect(days[-2], CollectionOptions(since=days[-150]))
    StockPrice.objects.filter(stock_code="000030", date=days[-2]).delete()
    kis.collect(days[-1])
    assert kis.calls() == {"intstock-multprice": 1, "inquire-daily-itemchartprice": 1}
    assert recorded_rows(stock_code="000030") == served_rows("000030", kis.market["000030"].bars[-150:], days[-1])


# --- failures -----------------------------------------------------------------------------------------


def test_one_bad_instrument_never_stops_the_batch(kis: KisSetup) -> None:
    create_instruments(*kis.market)
    days = sessions()
    kis.market["000030"].bars[-2] = kis.market["000030"].bars[-2]._replace(open="?")  # type: ignore[arg-type]
    report = kis.collect(days[-1], CollectionOptions(since=days[-5]))
    assert list(report.failures) == ["000030"]
    assert "a number in stck_oprc" in report.failures["000030"]
    assert report.counts.new == 6 * 5
    kis.market["000030"].bars[:] = generated_bars(sessions(), 3)
    again = kis.collect(days[-1], CollectionOptions(since=days[-5]))
    assert (again.counts.new, again.failures, again.calls) == (5, {}, 1)


def test_refused_credentials_stop_at_once(kis: KisSetup) -> None:
    create_instruments(*kis.market)
    kis.source.close()
    kis.source = kis.make(app_secret="another-secret")  # noqa: S106
    report = kis.collect(sessions()[-1], CollectionOptions(since=sessions()[-5]))
    assert "check KIS_APP_SECRET" in report.stopped
    assert "another-secret" not in report.stopped
    assert sum(kis.exchange.calls.values()) <= 12  # no more than were under way together
    assert not recorded_rows()


def test_a_source_that_is_away_stops_after_a_while_and_the_rest_follows_later() -> None:
    with KisSetup(generated_instruments(60), faults=Faults()) as kis:
        create_instruments(*kis.market)
        days = sessions()
        kis.exchange.faults.rates = {"error": 1.0}
        report = kis.collect(days[-1], CollectionOptions(since=days[-2]))
        assert re.match(r"127\.0\.0\.1:\d+ has not answered for 9\d s", report.stopped)
        # The trial that is on its way when the collection gives up is counted, and may be cut off before it arrives.
        assert 0 <= report.calls - sum(kis.exchange.calls.values()) <= 1
        assert report.calls < 60
        kis.exchange.faults.rates = {}
        kis.source.close()
        kis.source = kis.make()
        report = kis.collect(days[-1], CollectionOptions(since=days[-2]))
        assert (report.counts.new, report.failures, report.stopped) == (120, {}, "")


def test_an_interruption_leaves_whole_batches_and_a_rerun_the_rest(
    kis: KisSetup, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The third of seven batches breaks off in the middle of its transaction."""
    create_instruments(*kis.market)
    days = sessions()
    monkeypatch.setattr("marketdata.operations.collect.prices.BATCH_ANSWERS", 1)
    batches = 0

    def clock() -> datetime:
        nonlocal batches
        batches += 1
        if batches == 4:
            raise KeyboardInterrupt
        return evening(days[-1])

    plan = kis.plan(days[-1], CollectionOptions(since=days[-30]))
    with pytest.raises(KeyboardInterrupt):
        collect.execute_plan(kis.source, plan, clock=clock)
    codes = {row[0] for row in recorded_rows()}
    assert 0 < len(codes) < 7
    assert set(BarCoverage.objects.values_list("stock_code", flat=True)) == codes
    report = kis.collect(days[-1], CollectionOptions(since=days[-30]))
    assert report.calls == 7 - len(codes)
    assert len(recorded_rows()) == 7 * 30
