"""The states of a market above its pages, each with its text in both languages."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from django.db.models.functions import Now
from django.test import Client

from marketdata.models import LeaseRow
from marketdata.operations.lease import Lease
from scans.models import Evening, ScanRequest
from scans.operations.scan.request import RunRequest
from scans.operations.scan.run import run_scan
from tests.people import scan_chief
from tests.scans.conftest import Importer
from tests.scans.index_series import levels, record_index
from tests.scans.probe import Probe
from tests.scans.queries.test_readiness import LAST, at

Clock = Callable[[str], None]
Read = Callable[[str], str]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Sets the time, by the clock in Seoul."""

    def set_time(text: str) -> None:
        moment: datetime = at(text)
        monkeypatch.setattr("django.utils.timezone.now", lambda: moment)

    return set_time


@pytest.fixture
def read(browser: Client) -> Read:
    """The text above the page of the latest evening, in a language."""

    def read(language: str) -> str:
        browser.cookies["django_language"] = language
        html = browser.get("/kr/").content.decode()
        return " ".join(re.sub(r"<[^>]+>", " ", html.split('id="status"')[1].split("</main>")[0]).split())

    return read


def scan(*versions: str, day: date = LAST) -> None:
    run_scan(RunRequest(market="kr", as_of=at("2024-04-30 16:30"), versions=versions, first=day, last=day))


def test_settled(market: pd.DataFrame, probe: Probe, clock: Clock, read: Read) -> None:
    clock("2024-04-30 16:30")
    scan("rises")
    assert "4월 30일 (화) 확정" in read("ko")
    text = read("en")
    assert "Tue 30 Apr 2024 settled" in text
    assert "6/6 bars" in text
    assert re.search(r"rises \d\d:\d\d KST", text)


def test_not_ready_yet(market: pd.DataFrame, probe: Probe, clock: Clock, read: Read) -> None:
    scan("rises")
    clock("2024-05-02 16:00")
    assert "5월 2일 (목) 아직 확정 전" in read("ko")
    text = read("en")
    assert "Thu 2 May 2024 is not ready yet" in text
    assert "0/6 bars" in text
    assert re.search(r"due \d\d:\d\d KST", text)


def test_nothing_is_scanned_yet(market: pd.DataFrame, probe: Probe, clock: Clock, read: Read) -> None:
    clock("2024-04-30 16:30")
    assert "아직 스캔 결과가 없습니다" in read("ko")
    assert "manage.py run_scan --market kr" in read("en")


def test_stale_record_strikes_the_plans(
    market: pd.DataFrame, probe: Probe, clock: Clock, read: Read, browser: Client
) -> None:
    probe.plan = (0.02, -0.02, 6)
    scan("rises")
    clock("2024-05-07 20:00")
    assert "4월 30일 (화) 자료: 3거래일 전" in read("ko")
    assert "The record ends 3 sessions ago, on Tue 30 Apr 2024." in read("en")
    for path in ("/kr/", "/kr/signals", "/kr/s/005930", "/kr/search?q=0"):
        html = browser.get(path).content.decode()
        assert 'class="readiness warn"' in html
        assert '<main id="main" class="stale">' in html


def test_version_that_failed_is_named_and_others_stay(
    market: pd.DataFrame, probe: Probe, clock: Clock, read: Read, browser: Client
) -> None:
    clock("2024-04-30 16:30")
    scan("rises")
    probe.failure = RuntimeError("boom")
    scan("rises-10")
    assert "rises-10 4월 30일 (화) 스캔 실패" in read("ko")
    assert "rises-10 The scan of Tue 30 Apr 2024 failed. Other versions are not affected." in read("en")
    assert "boom" not in browser.get("/kr/").content.decode()  # the staff's
    browser.force_login(scan_chief())
    assert "RuntimeError: boom" in browser.get("/kr/").content.decode()


def test_withheld_session_hides_its_picks(
    market: pd.DataFrame, bring: Importer, probe: Probe, clock: Clock, read: Read, browser: Client
) -> None:
    scan("rises")
    thin = date(2024, 5, 2)
    bring(market[(market["date"] == LAST) & (market["code"] < "035720")].assign(date=thin))
    run_scan(RunRequest(market="kr", as_of=at("2024-05-02 16:30"), versions=["rises"], first=thin, last=thin))
    clock("2024-05-02 16:30")
    assert "5월 2일 (목) 결과 보류: 시세가 불완전해 보입니다." in read("ko")
    text = read("en")
    assert "The result of Thu 2 May 2024 is withheld: the session looks incomplete. 3/6 bars" in text
    assert "publish or discard" not in text
    assert 'datetime="2024-04-30"' in browser.get("/kr/").content.decode()  # the evening before is shown
    assert browser.get("/kr/2024-05-02/").status_code == 404
    browser.force_login(scan_chief())
    assert "publish or discard" in browser.get("/kr/").content.decode()


def test_corrected_prices_ask_the_staff_for_another_scan(
    market: pd.DataFrame, bring: Importer, probe: Probe, clock: Clock, read: Read, browser: Client
) -> None:
    clock("2024-04-30 16:30")
    scan("rises")
    bring(market[market["date"] == date(2024, 4, 26)].assign(volume=market["volume"] + 1))
    assert "계산 이후 시세가 정정되었습니다." in read("ko")
    text = read("en")
    assert "rises Prices have changed since Tue 30 Apr 2024 was computed." in text
    assert "Compute again" not in text
    assert browser.post("/kr/rescan", {"scanner_version": "rises"}).status_code == 403
    browser.force_login(scan_chief())
    assert "Compute again" in browser.get("/kr/").content.decode()
    assert browser.post("/kr/rescan", {"scanner_version": "rises"})["Location"] == "/kr/"
    request = ScanRequest.objects.get()
    assert (request.versions, request.first, request.last) == (["rises"], LAST, LAST)
    assert browser.post("/kr/rescan", {"scanner_version": "nothing"})["Location"] == "/kr/"
    assert "Unknown scanner version" in browser.get("/kr/").content.decode()


def test_running_and_waiting_work(
    market: pd.DataFrame, probe: Probe, clock: Clock, read: Read, browser: Client
) -> None:
    clock("2024-04-30 16:30")
    scan("rises")
    moment = at("2024-04-30 16:29")
    row = {"market": "kr", "versions": ["rises"], "first": LAST, "last": LAST, "sessions": 5, "request_hash": "x"}
    running = ScanRequest.objects.create(
        **row, status="running", sessions_done=2, created_at=moment, queued_at=moment, started_at=moment
    )
    Evening.objects.create(market="kr", session=LAST, started_at=moment)
    text = read("en")
    assert f"Scan request {running.pk} is running 2 of 5 sessions since 16:29 KST (60 s)" in text
    assert "The evening is running versions: 1 of" in text
    assert "No task worker" not in text
    html = browser.get("/kr/").content.decode()
    assert "data-work" in html
    assert 'http-equiv="refresh"' in html
    waiting = ScanRequest.objects.create(**row, created_at=moment, queued_at=moment)
    assert f"스캔 요청 {waiting.pk}번 대기 중" in read("ko")
    assert "No task worker is running, so requests wait until the operator starts one." in read("en")
    browser.force_login(scan_chief())
    assert "No task worker is running, so requests wait. Start one: manage.py qcluster" in read("en")


@pytest.mark.parametrize(("silence", "is_reported"), [(30, False), (60, True)])
def test_silent_worker_is_reported_within_a_minute(
    market: pd.DataFrame, probe: Probe, clock: Clock, read: Read, silence: int, is_reported: bool
) -> None:
    """A8: on this machine at once, since its process has ended; of another machine after 60 seconds of silence."""
    clock("2024-04-30 16:30")
    moment = at("2024-04-30 16:29")
    row = {"market": "kr", "versions": ["rises"], "first": LAST, "last": LAST, "sessions": 1, "request_hash": "x"}
    ScanRequest.objects.create(**row, created_at=moment, queued_at=moment)
    with Lease("task worker high 4 of another"), Lease("task worker low 5 of another"):
        LeaseRow.objects.update(host="another", beat_at=Now() - timedelta(seconds=silence))
        assert ("No task worker is running" in read("en")) is is_reported


def test_version_without_picks_says_why(
    market: pd.DataFrame, probe: Probe, sessions: list[date], tmp_path: Path, clock: Clock, browser: Client
) -> None:
    record_index(levels(sessions), tmp_path)
    clock("2024-04-30 16:30")
    scan("v1")
    for language, sentence in (("ko", "국면 급락: 선정하지 않습니다."), ("en", "Regime crash: nothing is picked.")):
        browser.cookies["django_language"] = language
        html = browser.get("/kr/").content.decode()
        assert f'<p class="note">{sentence}' in html
        block = html.split('id="v1"')[1].split("</section>")[0]
        assert "<tr" not in block
        assert 'data-load="/kr/funnel?scanner_version=v1&amp;date=2024-04-30"' in block
    part = browser.get("/kr/funnel?scanner_version=v1&date=2024-04-30&part=1").content.decode()
    assert re.findall(r"</small></span><b>([\d,]+)</b>", part) == ["0"]  # too short a history for v1
    assert browser.get("/kr/funnel?scanner_version=rises").status_code == 404


def test_a_correction_that_has_not_reached_the_breaks_yet(
    market: pd.DataFrame, probe: Probe, clock: Clock, read: Read, browser: Client, data_dir: Path
) -> None:
    """Between a month of the lake and the breaks computed from it: the page answered 500."""
    clock("2024-04-30 16:30")
    scan("rises")
    (file,) = data_dir.rglob("breaks.json")
    written = file.read_bytes()
    file.write_bytes(b"of other months")
    code = str(market.code.iloc[0])
    assert browser.get(f"/kr/s/{code}").status_code == 200
    assert "prices have changed since" in read("en")
    file.write_bytes(written)
    assert browser.get(f"/kr/s/{code}").status_code == 200
    assert "prices have changed since" not in read("en")  # what was said meanwhile was not kept
