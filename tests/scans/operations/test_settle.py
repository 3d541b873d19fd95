"""The morning after: bars that differ from those of the evening replace the answers that they change, nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django_q.models import Schedule

from marketdata.models import StockPrice
from scans import tasks
from scans.models import Notification, ScannerVersion, ScanRank, ScanSession
from scans.operations.evening import evening, schedule, settle
from scans.operations.evening.evening import EveningRequest
from scans.operations.evening.notification_content import notification_body
from scans.queries import schedules
from scans.wording.evening_message import evening_message
from tests.exchanges.krx_open_api import KEY, KST, KrxOpenApi, daily_row
from tests.marketdata.operations.kis_setup import KisSetup, generated_instruments, sessions
from tests.marketdata.operations.kis_setup import evening as at_six
from tests.scans.probe import Probe

SIZE = 12


@pytest.fixture
def desk(db: None, data_dir: Path, settings: Any, probe: Probe) -> Iterator[KisSetup]:
    """A market whose last session is scanned, on the evening's bars of the imitation of KIS."""
    with KisSetup(generated_instruments(SIZE)) as desk:
        options = {"app_key": "PSimitationkey", "app_secret": "imitation-secret", "base_url": desk.exchange.url}
        options |= {"master_url": f"{desk.exchange.url}/common/master"}
        kis = settings.SOURCES["kis"] | options | {"per_second": 1_000.0, "token_every": 0.001}
        settings.SOURCES = settings.SOURCES | {"kis": kis}
        settings.TOKEN_DIR, settings.COLLECT_HISTORY = data_dir / "tokens", 30
        for session in sessions()[-2:]:
            desk.exchange.today = session
            request = EveningRequest("kr", versions=["rises"])
            report = evening.run_evening(request, clock=partial(at_six, session), warm_up=lambda *_: None)
            assert report.failures() == []
        yield desk


def morning(session: date) -> datetime:
    return datetime(session.year, session.month, session.day + 3, 8, 15, tzinfo=KST)


def run(session: date) -> settle.SettleReport:
    return settle.settle(
        "kr",
        clock=lambda: morning(session),
        executor="inline",
        started_by="test",
        warm_up=lambda *_: None,
    )


def picks(session: date) -> set[str]:
    rows = ScanRank.objects.filter(session__date=session, session__published=True)
    return set(rows.values_list("code", flat=True))


def exchange_rows(session: date, closes: dict[str, int]) -> dict[str, list[Any]]:
    """The exchange's own list of a session: the recorded bars with these closes instead, among many other shares."""
    recorded = StockPrice.objects.filter(market="kr", source="kis", date=session)
    rows = [
        daily_row(
            session,
            bar.stock_code,
            close=closes.get(bar.stock_code, int(bar.close)),
            change=closes.get(bar.stock_code, int(bar.close)) - int(bar.base_price or bar.close),
            prices=(int(bar.open), int(bar.high), min(int(bar.low), closes.get(bar.stock_code, int(bar.low)))),
            volume=int(bar.volume),
            amount=int(bar.amount or 0),
        )
        for bar in recorded
    ]
    others = [daily_row(session, f"9{n:04d}0", close=1_000, volume=0, prices=(0, 0, 0)) for n in range(690)]
    kosdaq = [
        daily_row(
            session, f"8{n:04d}0", close=1_000, volume=0, prices=(0, 0, 0), market="KOSDAQ", department="벤처기업부"
        )
        for n in range(1_200)
    ]
    return {"KOSPI": [*rows, *others], "KOSDAQ": kosdaq}


def test_equal_bars_change_no_answer(desk: KisSetup) -> None:
    last = sessions()[-1]
    before = list(ScanSession.objects.order_by("pk").values_list("pk", "published"))
    report = run(last)
    assert (report.answers, report.failures, report.collected.error) == ([], {}, "")
    assert list(ScanSession.objects.order_by("pk").values_list("pk", "published")) == before
    assert report.lines()[-1] == "No published list changed."


@pytest.mark.slow
def test_a_settled_bar_replaces_the_answer_and_names_the_pick_that_left(desk: KisSetup, settings: Any) -> None:
    """The version of the test picks shares that rose: by the exchange's own list, one of them did not."""
    last = sessions()[-1]
    before = picks(last)
    code = min(before)
    base = int(StockPrice.objects.get(stock_code=code, date=last, source="kis").base_price or 0)
    with KrxOpenApi({last: exchange_rows(last, {code: base - 50})}) as exchange:
        krx = {"api_key": KEY, "base_url": exchange.url, "per_second": 1_000}
        settings.SOURCES = settings.SOURCES | {"krx": krx}
        report = run(last)
    assert report.collected.source == "krx and kis"
    assert picks(last) == before - {code}
    (changed,) = (answer for answer in report.answers if answer.session == last)
    assert (changed.scanner_version, changed.before) == ("rises", len(before))
    assert (set(changed.left), changed.new) == ({code}, ())
    assert changed.sentence.startswith(f"rises {last}: 1 of {len(before)} picks dropped ({code}")
    assert ScanSession.objects.filter(date=last, published=False).count() == 1
    assert StockPrice.objects.get(stock_code=code, date=last, source="kis").close > base


def test_a_session_that_stays_provisional_is_one_message(desk: KisSetup) -> None:
    last = sessions()[-1]
    reason = f"Session {last}: KOSPI and KOSDAQ without a row."
    settle.send_unsettled("kr", reason, clock=lambda: morning(last))
    assert not Notification.objects.filter(kind=Notification.SETTLED).exists()  # bars of the evening were settled ones
    ScanSession.objects.filter(date=last).update(read_at=morning(last), settled_at=None)
    for _ in range(2):
        settle.send_unsettled("kr", reason, clock=lambda: morning(last))
    row = Notification.objects.get(kind=Notification.SETTLED)
    assert (row.session, row.outcome, row.reason) == (last, "incomplete", reason)
    content = {"market": "kr", **notification_body(row)}
    message = evening_message(content, "en")
    assert message.subject == f"Seismo KRX {last} (Fri) not settled"
    assert evening_message(content, "ko").subject == f"Seismo KRX {last} (금) 미확정"
    assert reason in message.lines[0].text


@pytest.mark.django_db
def test_a_morning_is_tried_again_every_ten_minutes_and_late_at_ten() -> None:
    schedule.set_schedule("kr", as_of=datetime(2026, 8, 20, 12, 0, tzinfo=KST))
    row = Schedule.objects.filter(func="scans.tasks.settle")

    def retry(hour: int, minute: int) -> tuple[bool, datetime]:
        is_late = schedule.retry_morning("kr", "08:15", as_of=datetime(2026, 8, 21, hour, minute, tzinfo=KST))
        return is_late, row.get().next_run.astimezone(KST)

    assert retry(8, 16) == (False, datetime(2026, 8, 21, 8, 26, tzinfo=KST))
    assert retry(9, 59) == (False, datetime(2026, 8, 21, 10, 9, tzinfo=KST))
    assert retry(10, 0) == (True, datetime(2026, 8, 21, 10, 30, tzinfo=KST))
    assert retry(10, 46) == (True, datetime(2026, 8, 21, 10, 30, tzinfo=KST))  # three hours after it, as of an evening


@pytest.mark.django_db
def test_the_schedule_has_both_steps() -> None:
    moment = datetime(2026, 8, 20, 12, 0, tzinfo=KST)
    plan = schedule.set_schedule("kr", as_of=moment)
    assert plan.next_run == datetime(2026, 8, 20, 15, 35, tzinfo=KST)
    assert plan.settled == datetime(2026, 8, 21, 8, 15, tzinfo=KST)
    us = schedule.set_schedule("us", as_of=moment)
    assert (us.next_run, us.settled) == (
        datetime(2026, 8, 20, 22, 0, tzinfo=UTC),  # 18:00 in New York
        datetime(2026, 8, 20, 14, 15, tzinfo=UTC),
    )
    assert schedule.set_schedule("upbit", as_of=moment).settled is None
    assert schedule.set_schedule("kr", as_of=moment, collects=False).settled is None
    schedule.set_schedule("kr", as_of=moment)
    assert schedule.remove_schedule("kr")
    assert [row.market for row in schedules.evening_schedules()] == ["upbit", "us"]
    assert not Schedule.objects.filter(name__contains="kr").exists()


def test_the_task_sets_its_next_run_first(desk: KisSetup) -> None:
    schedule.set_schedule("kr", as_of=datetime(2026, 8, 20, 12, 0, tzinfo=KST))
    result = tasks.settle("kr", "08:15")
    assert result.startswith("kr: ")
    row = Schedule.objects.get(func="scans.tasks.settle")
    assert row.next_run > datetime(2026, 11, 1, tzinfo=KST)
    assert ScannerVersion.objects.filter(slug="rises").exists()
