"""Provisional answers of the evening, and what the next morning makes of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from marketdata.models import SessionReading, StockPrice
from scans.models import Notification, PrecloseAnswer, PrecloseScan, Reading, ScanRun, ScanSession
from scans.notices.message import render
from scans.operations.evening.notification_content import notification_message, notification_subject
from scans.queries import results
from scans.queries.settling import settling_figures
from scans.queries.versions import get_versions
from tests.people import staff
from tests.scans.operations.settling_setup import SettlingDesk, picks, trading_days
from tests.scans.probe import Probe

pytestmark = pytest.mark.slow

Make = Callable[..., SettlingDesk]
MONDAY, TUESDAY = date(2026, 11, 16), date(2026, 11, 17)
READ_AT = datetime(2026, 11, 16, 6, 35, tzinfo=UTC)
MORNING = datetime(2026, 11, 16, 23, 15, tzinfo=UTC)
"""Tuesday, 08:15 in Seoul."""


@pytest.fixture
def make(db: None, data_dir: Path, settings: Any, probe: Probe) -> Iterator[Make]:
    desks: list[SettlingDesk] = []

    def made(last: str, count: int = 40, **options: Any) -> SettlingDesk:
        desks.append(SettlingDesk(settings, data_dir, trading_days(last, count), **options).__enter__())
        return desks[-1]

    yield made
    for desk in desks:
        desk.__exit__()


def pick_before_close(codes: list[str]) -> None:
    """What a scan of Monday at 15:18 picked."""
    read_at = datetime(2026, 11, 16, 6, 18, tzinfo=UTC)
    times = {"read_from": read_at, "read_at": read_at}
    scan = PrecloseScan.objects.create(
        market="kr", session=MONDAY, source="kis", expected=12, quoted=12, content=b"", **times
    )
    (version,) = get_versions("kr", ["rises"])
    PrecloseAnswer.objects.create(
        scan=scan, scanner_version=version, engine="probe", revision=1, params={}, status="ok", codes=codes
    )


def session(day: date) -> ScanSession:
    return ScanSession.objects.get(date=day, published=True)


@pytest.mark.parametrize("krx", [True, False])
def test_an_answer_is_provisional_in_the_evening_and_settled_in_the_morning(make: Make, krx: bool) -> None:
    desk = make("2026-11-17", krx=krx)
    report = desk.evening("2026-11-16T15:35:00")
    assert report.failures() == []
    assert (session(MONDAY).reading, session(MONDAY).read_at) == (Reading.PROVISIONAL, READ_AT)
    assert ScanRun.objects.get().reading == Reading.PROVISIONAL
    assert report.readiness["read_at"] == READ_AT.isoformat()
    desk.kis.exchange.calls.clear()
    desk.krx.calls.clear()
    morning = desk.morning("2026-11-17T08:15:00")
    assert (morning.failures, morning.collected.error) == ({}, "")
    row = session(MONDAY)
    assert (row.reading, row.settled_at) == (Reading.SETTLED, MORNING)
    bars = sum(number for path, number in desk.kis.exchange.calls.items() if "itemchartprice" in path)
    assert (bars, sum(desk.krx.calls.values()) > 0) == ((0, True) if krx else (12, False))
    assert not SessionReading.objects.filter(settled_at=None).exists()


def test_the_answer_of_the_evening_stays_readable(
    make: Make, client: Client, capsys: Any, settings: Any, mailoutbox: list[Any]
) -> None:
    desk = make("2026-11-17")
    settings.NOTIFY_EMAIL = ["desk@example.org"]
    bars = {code: each.bars[-2] for code, each in desk.kis.market.items()}
    rising = sorted(code for code, bar in bars.items() if bar.close > bar.base and bar.volume)
    falling = [code for code in bars if code not in rising][:1]
    pick_before_close([*rising[:2], *falling])
    desk.evening("2026-11-16T15:35:00")
    before = picks(MONDAY)
    code = min(before)
    assert code == rising[0]
    bar = StockPrice.objects.get(stock_code=code, date=MONDAY)
    desk.closes = {MONDAY: {code: int(bar.base_price or 0) - 50}}
    client.force_login(staff("reader"))
    (body,) = client.get("/api/kr/scans/dates?scanner_version=rises&reading=provisional").json()["results"]
    assert (body["reading"], body["read_at"], body["settled_at"]) == ("provisional", "2026-11-16T06:35:00Z", None)
    page = client.get("/kr/2026-11-16/").content.decode()
    assert re.search(r"provisional, read <time[^>]*>15:35 KST", page)
    desk.morning("2026-11-17T08:15:00")
    assert picks(MONDAY) == before - {code}
    latest = client.get("/api/kr/scans/2026-11-16?scanner_version=rises").json()
    evening = client.get("/api/kr/scans/2026-11-16?scanner_version=rises&reading=evening").json()
    assert (latest["reading"], evening["reading"]) == ("settled", "provisional")
    assert {row["code"] for row in latest["results"]} == before - {code}
    assert {row["code"] for row in evening["results"]} == before
    both = (client.get(f"/api/kr/evening/2026-11-16{query}").json() for query in ("", "?reading=evening"))
    versions = [version for body in both for version in body["versions"]]
    assert [version["listed"] for version in versions] == [len(before) - 1, len(before)]
    hits = {"read_at": "2026-11-16T06:18:00Z", "picks": 3}
    assert [version["preclose_hits"] for version in versions] == [{**hits, "hits": 1}, {**hits, "hits": 2}]
    assert "reading=evening" in client.get("/kr/2026-11-16/").content.decode()
    kept = client.get("/kr/2026-11-16/?reading=evening").content.decode()
    assert code in kept
    assert "The settled lists" in kept
    (version,) = get_versions("kr", ["rises"])
    assert results.evening_session("kr", version, MONDAY).ranked == len(before)
    (notice,) = Notification.objects.filter(kind=Notification.SETTLED)
    noticed = [Notification.objects.get(kind=Notification.EVENING), notice]
    assert [row.versions[0]["preclose_hits"]["hits"] for row in noticed] == [2, 1]
    assert [row.versions[0]["early"] for row in noticed] == [{}, {}], "that is of a scan before the close alone"
    assert notification_subject(notice, "en") == (
        f"Seismo KRX 2026-11-16 (Mon) settled: rises: 1 of {len(before)} picks dropped: rise"
    )
    assert (
        notification_subject(notice, "ko")
        == f"Seismo KRX 2026-11-16 (월) 확정: rises: {len(before)}종목 중 1종목 이탈: rise"
    )
    assert "2 of 3 picks before the close (15:18) are in the list at the close." in mailoutbox[0].body
    assert "장 마감 전(15:18) 선정 3종목 중 1종목이 확정 목록에 있습니다." in render(notification_message(notice, "ko"))
    message = notification_message(notice, "en")
    assert "1 of 3 picks before the close (15:18) are in the settled list." in render(message)
    assert f"Dropped 종목{int(code) // 10} {code}: rise" in render(message)
    assert [mail.subject for mail in mailoutbox][1:] == [notification_subject(notice, "en")]
    assert "Provisional: bars read at 15:35" in mailoutbox[0].body
    desk.morning("2026-11-17T08:20:00")
    assert len(mailoutbox) == 2
    (figures,) = settling_figures("kr", [version])
    assert (figures.sessions, figures.unchanged, figures.left, figures.entered) == (1, 0, 1, 0)
    call_command("run_scan", "--version", "rises", "--date", "2026-11-16")
    assert "eligible; settled" in " ".join(capsys.readouterr().out.split())
