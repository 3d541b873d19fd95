"""Scans before the close: picked from quotes of a session that still trades, kept apart, and compared afterwards with
the lists at the close."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core import mail
from django.core.mail import EmailMessage
from django.utils import timezone
from django_q.models import Schedule

from marketdata.errors import DataProblem
from marketdata.models import CalendarOverride, StockPrice
from marketdata.operations.forming import QuotesUnavailable
from marketdata.operations.projection.dirty_months import mark
from scans import tasks
from scans.management.evenings import schedules_text
from scans.models import Notification, PrecloseAnswer, PrecloseScan, ScanRank, ScanSession
from scans.operations.evening import evening, schedule
from scans.operations.evening.evening import EveningRequest
from scans.operations.preclose import message as preclose_message
from scans.operations.preclose.message import send_message
from scans.operations.preclose.scan import PrecloseReport, PrecloseRequest, repeat_preclose, run_preclose
from scans.queries.preclose import HitShare, answers_at_close, get_preclose_scan, hit_shares
from scans.queries.schedules import PRECLOSE_TASK
from tests.exchanges.kis import KST
from tests.exchanges.kis_market import Bar
from tests.marketdata.operations.kis_setup import KisSetup, generated_instruments
from tests.marketdata.operations.kis_setup import evening as at_six
from tests.prepared import Prepared
from tests.scans.probe import Probe

SIZE = 12
LAST = date(2026, 8, 21)
BEFORE = date(2026, 8, 20)


@pytest.fixture
def desk(db: None, data_dir: Path, settings: Any, probe: Probe, prepared: Prepared) -> Iterator[KisSetup]:
    """A market recorded up to the session before the last, which trades now."""
    with KisSetup(generated_instruments(SIZE)) as desk:
        options = {"app_key": "PSimitationkey", "app_secret": "imitation-secret", "base_url": desk.exchange.url}
        options |= {"master_url": f"{desk.exchange.url}/common/master"}
        kis = settings.SOURCES["kis"] | options | {"per_second": 1_000.0, "token_every": 0.001}
        settings.SOURCES = settings.SOURCES | {"kis": kis}
        settings.TOKEN_DIR, settings.COLLECT_HISTORY = data_dir / "tokens", 30
        settings.SOURCE_ATTEMPTS, settings.SOURCE_TIMEOUT, settings.SOURCE_PATIENCE = 1, 5.0, 1.0
        prepared.state("evening before", data_dir, lambda: run_evening(desk, BEFORE))
        yield desk


def run_evening(desk: KisSetup, session: date) -> None:
    desk.exchange.today = session
    request = EveningRequest("kr", versions=["rises"])
    report = evening.run_evening(request, clock=partial(at_six, session), warm_up=lambda *_: None)
    assert report.failures() == []


def at(hour: int, minute: int, second: int = 0, *, session: date | None = None) -> datetime:
    day = session or LAST
    return datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=KST)


def scan(desk: KisSetup, moment: datetime, **options: Any) -> PrecloseReport:
    """A scan at `moment` by our clock and that of the exchange."""
    desk.exchange.today = moment.astimezone(KST).date()
    desk.exchange.clock = moment.timestamp
    request = PrecloseRequest("kr", versions=["rises"], executor="inline", **options)
    return run_preclose(request, clock=lambda: moment)


def trade_so_far(desk: KisSetup, prices: dict[str, int]) -> dict[str, Bar]:
    """Cut the last bar of every instrument to a last price (its base but for `prices`); returns the whole bars."""
    whole = {}
    for code, instrument in desk.market.items():
        bar = instrument.bars[-1]
        whole[code] = bar
        price = prices.get(code, bar.base)
        high, low = max(bar.open, price), min(bar.open, price)
        instrument.bars[-1] = bar._replace(high=high, low=low, close=price, volume=bar.volume // 2)
    return whole


def close_market(desk: KisSetup, whole: dict[str, Bar]) -> None:
    for code, bar in whole.items():
        desk.market[code].bars[-1] = bar


def test_the_picks_are_those_that_rose_so_far_and_nothing_of_them_is_recorded(desk: KisSetup) -> None:
    base = {code: instrument.bars[-1].base for code, instrument in desk.market.items()}
    trade_so_far(desk, {"000010": base["000010"] + 100, "000030": base["000030"] + 300, "000050": base["000050"] - 50})
    report = scan(desk, at(15, 18))
    (answer,) = report.scans[0].answers
    rises = {"000010": 100 / base["000010"], "000030": 300 / base["000030"]}
    assert {row["code"]: row["score"] for row in answer.ranks} == {
        code: float(f"{rise:.10g}") for code, rise in rises.items()
    }
    assert [row["code"] for row in answer.ranks] == sorted(rises, key=lambda code: -rises[code])
    assert not StockPrice.objects.filter(date=LAST).exists()
    assert not ScanSession.objects.filter(date=LAST).exists()
    assert not ScanRank.objects.filter(date=LAST).exists()
    assert report.row is not None
    assert (report.row.session, report.row.quoted, report.row.expected, report.row.calls) == (LAST, SIZE, SIZE, 1)
    assert (report.row.read_at, report.row.volume_share, report.row.notes) == (at(15, 18), None, "")


def test_the_record_afterwards_says_how_many_were_in_the_list_at_the_close(desk: KisSetup) -> None:
    base = {code: instrument.bars[-1].base for code, instrument in desk.market.items()}
    whole = trade_so_far(desk, {code: price + 10 for code, price in base.items()})
    scan(desk, at(15, 10), save=True)
    scan(desk, at(15, 18), save=True)
    early = get_preclose_scan("kr")
    assert early is not None
    assert early.read_at == at(15, 18)
    (before_close,) = answers_at_close(early)
    assert (before_close.at_close, before_close.hits, hit_shares("kr")) == (None, None, [])
    close_market(desk, whole)
    desk.exchange.clock = at(15, 43).timestamp
    run_evening(desk, LAST)
    at_close = {code for code, bar in whole.items() if bar.close > bar.base and bar.volume}
    picked = {code for code, bar in whole.items() if bar.volume}
    assert 0 < len(at_close) < len(picked)
    (answer,) = answers_at_close(early)
    assert (set(answer.answer.codes), set(answer.at_close or ())) == (picked, at_close)
    (share,) = hit_shares("kr")
    assert share == HitShare("rises", 1, len(picked), len(at_close), len(at_close))
    assert (share.share, share.coverage) == (len(at_close) / len(picked), 1.0)
    assert repeat_preclose(early) == {"rises": True}


def test_a_correction_of_the_record_shows_when_the_quotes_are_scanned_again(desk: KisSetup) -> None:
    scan(desk, at(14, 0))
    StockPrice.objects.filter(date=BEFORE, stock_code="000010").update(volume=1)
    mark("kr", [BEFORE.replace(day=1)])
    row = get_preclose_scan("kr")
    assert row is not None
    assert repeat_preclose(row) == {"rises": False}


@pytest.mark.parametrize(
    ("moment", "sentence"),
    [
        (at(9, 0, 30), "It is 2026-08-21 09:00:30: session 2026-08-21 of market kr can be scanned before its close "
         "from 09:01 to 15:20."),
        (at(15, 20), "from 09:01 to 15:20, since in the closing auction the last price may be an expected one, and "
         "afterwards it is the close's."),
        (at(15, 19, 56), "since in the closing auction"),  # within the margin of two clocks
        (at(18, 10), "since in the closing auction"),
        (at(11, 0, session=date(2026, 8, 22)), "Market kr is closed on 2026-08-22"),
        (at(11, 0, session=date(2026, 8, 17)), "Market kr is closed on 2026-08-17"),
    ],
)  # fmt: skip
def test_it_refuses_hours_without_trades(desk: KisSetup, moment: datetime, sentence: str) -> None:
    trade_so_far(desk, {})
    with pytest.raises(DataProblem) as refusal:
        scan(desk, moment)
    assert sentence in str(refusal.value)
    assert not PrecloseScan.objects.exists()


def test_the_hours_of_a_day_that_begins_and_ends_later_are_its_own(desk: KisSetup) -> None:
    CalendarOverride.objects.create(market="kr", date=LAST, is_open=True, opens_at=time(10), closes_at=time(16))
    trade_so_far(desk, {})
    with pytest.raises(DataProblem, match="from 10:01 to 15:50"):
        scan(desk, at(9, 30))
    assert scan(desk, at(15, 45)).row is not None


def test_old_answers_are_refused(desk: KisSetup) -> None:
    trade_so_far(desk, {})
    desk.exchange.today = LAST
    desk.exchange.clock = at(15, 10).timestamp
    with pytest.raises(QuotesUnavailable, match="quotes of 2026-08-21 15:10:00, more than 60 s old"):
        run_preclose(PrecloseRequest("kr", versions=["rises"]), clock=lambda: at(15, 18))


def test_too_few_quotes_are_refused(desk: KisSetup) -> None:
    trade_so_far(desk, {})
    for code in ("000010", "000020"):
        del desk.exchange.market[code]
    with pytest.raises(DataProblem, match="quotes of 10 of 12 instruments of market kr, fewer than 95%"):
        scan(desk, at(15, 18))


def test_quotes_that_repeat_the_session_before_are_refused(desk: KisSetup) -> None:
    for instrument in desk.market.values():
        instrument.bars[-1] = instrument.bars[-2]._replace(session=LAST)
    with pytest.raises(DataProblem, match="not those of a session, 12 of 12 bars repeat the session before"):
        scan(desk, at(15, 18))


def test_a_record_without_the_session_before_is_refused(desk: KisSetup) -> None:
    trade_so_far(desk, {})
    following = date(2026, 8, 24)
    for instrument in desk.market.values():
        instrument.bars.append(instrument.bars[-1]._replace(session=following))
    with pytest.raises(DataProblem, match="no bars on 2026-08-21, the session before 2026-08-24"):
        scan(desk, at(15, 18, session=following))


def test_a_market_without_quotes_is_refused(desk: KisSetup, settings: Any) -> None:
    trade_so_far(desk, {})
    kis = settings.SOURCES["kis"] | {"environment": "paper"}
    settings.SOURCES = settings.SOURCES | {"kis": kis}
    with pytest.raises(QuotesUnavailable, match="has no quotes of many instruments a call in this environment"):
        scan(desk, at(15, 18))


def test_scans_that_are_too_old_are_deleted_with_their_answers(desk: KisSetup, settings: Any) -> None:
    settings.PRECLOSE_DAYS = 30
    trade_so_far(desk, {})
    scan(desk, at(14, 0))
    PrecloseScan.objects.update(session=LAST - timedelta(days=31))
    scan(desk, at(15, 18))
    assert [row.read_at for row in PrecloseScan.objects.all()] == [at(15, 18)]
    assert PrecloseAnswer.objects.count() == 1


def test_volumes_are_divided_by_the_usual_share_by_then(desk: KisSetup) -> None:
    """12 minutes before the close 12/30 of the last half hour's 12.1 % are still to come."""
    base = {code: instrument.bars[-1].base for code, instrument in desk.market.items()}
    trade_so_far(desk, {"000010": base["000010"] + 100})
    report = scan(desk, at(15, 18), scales_volume=True)
    assert report.volume_share == pytest.approx(1 - 0.121 * 12 / 30)
    (row,) = report.scans[0].answers[0].ranks
    bar = desk.market["000010"].bars[-1]
    assert row["amount"] == pytest.approx(bar.close * bar.volume / (1 - 0.121 * 12 / 30))
    assert report.row is not None
    assert repeat_preclose(report.row) == {"rises": True}


@pytest.fixture
def inbox(settings: Any) -> list[EmailMessage]:
    settings.NOTIFY_EMAIL = ["desk@example.com"]
    settings.NOTIFY_URL, settings.NOTIFY_APPRISE = "", []
    mail.outbox = []
    return mail.outbox


def test_the_message_names_the_time_and_a_second_scan_is_sent_where_its_picks_differ(
    desk: KisSetup, inbox: list[EmailMessage], settings: Any
) -> None:
    base = {code: instrument.bars[-1].base for code, instrument in desk.market.items()}
    trade_so_far(desk, {"000010": base["000010"] + 100})
    for moment in (at(15, 10), at(15, 14)):
        send_message(scan(desk, moment), clock=partial(datetime.fromisoformat, moment.isoformat()))
    (first,) = inbox
    assert first.subject == "Seismo KRX 2026-08-21 (Fri) before the close, 15:10 KST: rises 1 pick"
    assert "Picked from quotes while the session still trades: the lists at the close may differ." in first.body
    assert f"1. 종목1 000010: {base['000010'] + 100:,}" in first.body
    bar = desk.market["000030"].bars[-1]
    desk.market["000030"].bars[-1] = bar._replace(close=bar.base + 200, high=max(bar.high, bar.base + 200))
    settings.NOTIFY_LANGUAGE = "ko"
    send_message(scan(desk, at(15, 18)), clock=lambda: at(15, 18))
    assert inbox[1].subject == "Seismo KRX 2026-08-21 (금) 장 마감 전 15:18 KST: rises 2종목"
    kinds = Notification.objects.order_by("pk").values_list("kind", flat=True)
    assert list(kinds) == ["evening", "preclose"]


@pytest.mark.parametrize(
    ("language", "hits", "scaled"),
    [
        ("en", "1 of 2 earlier picks before the close (50 %) were in the list at the close, over 1 session.",
         "Volumes are divided by 92 %, the usual share of the day by then."),
        ("ko", "지난 1거래일, 장 마감 전 선정 2종목 중 1종목(50 %)이 종가 기준 목록에도 있었습니다.",
         "거래량은 이 시각까지의 평소 하루 비중 92 %로 나눈 값입니다."),
    ],
)  # fmt: skip
def test_the_message_says_how_earlier_picks_did_and_that_volumes_are_scaled(
    desk: KisSetup,
    inbox: list[EmailMessage],
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    language: str,
    hits: str,
    scaled: str,
) -> None:
    """12 minutes before the close 4.84 % of the volume are still to come, at 15:10 8.07 %."""
    settings.NOTIFY_LANGUAGE = language
    base = {code: instrument.bars[-1].base for code, instrument in desk.market.items()}
    trade_so_far(desk, {"000010": base["000010"] + 100, "000030": base["000030"] + 100})
    monkeypatch.setattr(preclose_message, "hit_shares", lambda market: [HitShare("rises", 1, 2, 1, 3)])
    desk.exchange.today, desk.exchange.clock = LAST, at(15, 10).timestamp
    monkeypatch.setattr(timezone, "now", lambda: at(15, 10))
    tasks.preclose("kr", "15:10", ["rises"], scales_volume=True)
    (sent,) = inbox
    assert hits in sent.body
    assert scaled in sent.body


def test_the_schedule_scans_before_the_close_only_where_it_is_asked_to(db: None) -> None:
    monday = at(9, 0, session=date(2026, 8, 24))
    assert schedule.set_schedule("kr", as_of=monday).preclose == ()
    times = [time(15, 10), time(15, 18)]
    assert list(schedule.set_schedule("kr", as_of=monday, preclose=times).preclose) == times
    rows = Schedule.objects.filter(func=PRECLOSE_TASK).order_by("name")
    assert [row.next_run for row in rows] == [at(15, minute, session=date(2026, 8, 24)) for minute in (10, 18)]
    assert list(schedule.set_schedule("kr", as_of=monday, preclose=times[:1]).preclose) == times[:1]
    scaled = schedule.set_schedule("kr", as_of=monday, preclose=times, scales_volume=True)
    assert scaled.scales_volume
    assert "before the close at 15:10 and 15:18, volumes scaled" in schedules_text([scaled])
    assert schedule.set_schedule("kr", as_of=monday).preclose == ()
    for wrong in (time(15, 20), time(9, 0), time(15, 43)):
        with pytest.raises(DataProblem, match="choose a time from 09:01 to before 15:20"):
            schedule.set_schedule("kr", as_of=monday, preclose=[wrong])


def test_on_exam_day_the_scheduled_scan_is_an_hour_later_and_on_a_half_day_earlier(db: None) -> None:
    """2026-11-19 KRX closes at 16:30; 2026-11-27 New York closes at 13:00 instead of 16:00."""
    schedule.set_schedule("kr", as_of=at(20, 0, session=date(2026, 11, 18)), preclose=[time(15, 18)])
    assert Schedule.objects.get(func=PRECLOSE_TASK).next_run == at(16, 18, session=date(2026, 11, 19))
    schedule.remove_schedule("kr")
    new_york = ZoneInfo("America/New_York")
    evening_before = datetime(2026, 11, 26, 20, 0, tzinfo=new_york)
    schedule.set_schedule("us", as_of=evening_before, preclose=[time(15, 50)])
    assert Schedule.objects.get(func=PRECLOSE_TASK).next_run == datetime(2026, 11, 27, 12, 50, tzinfo=new_york)


def test_the_task_scans_and_sends_or_says_why_not(
    desk: KisSetup, inbox: list[EmailMessage], monkeypatch: pytest.MonkeyPatch
) -> None:
    trade_so_far(desk, {"000010": 99_999})
    for moment, result in ((at(15, 18), "1 of 1 versions"), (at(15, 21), "in the closing auction")):
        desk.exchange.today, desk.exchange.clock = LAST, moment.timestamp
        monkeypatch.setattr(timezone, "now", lambda moment=moment: moment)
        assert result in tasks.preclose("kr", "15:18", ["rises"])
    assert [mail.subject.split(": ", 1)[1] for mail in inbox] == [
        "rises 1 pick", "rises 1 pick, not everything went well",
    ]  # fmt: skip
    assert "from 09:01 to 15:20, since in the closing auction the last price may be an expected one" in inbox[1].body
    assert "before the close, 15:18 KST" in inbox[1].subject  # of its picks


@pytest.mark.parametrize("language", ["en", "ko"])
def test_a_refused_scan_is_one_message(
    desk: KisSetup, inbox: list[EmailMessage], settings: Any, monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    trade_so_far(desk, {})
    settings.NOTIFY_LANGUAGE = language
    settings.SOURCES = settings.SOURCES | {"kis": settings.SOURCES["kis"] | {"environment": "paper"}}
    for minute in (10, 18, 18):
        monkeypatch.setattr(timezone, "now", lambda minute=minute: at(15, minute))
        tasks.preclose("kr", f"15:{minute}", ["rises"])
        settings.SOURCES = settings.SOURCES | {"kis": settings.SOURCES["kis"] | {"app_key": ""}}  # another reason
    (mail,) = inbox
    sentence = {"en": "nothing was scanned", "ko": "스캔하지 못했습니다"}[language]
    assert mail.subject.endswith(f"15:10 KST: {sentence}")
    assert "has no quotes of many instruments a call in this environment" in mail.body
    assert "Picked from quotes" not in mail.body
    row = Notification.objects.get(kind=Notification.PRECLOSE)
    assert (row.outcome, row.session) == ("failed", LAST)
