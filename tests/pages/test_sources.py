"""The page of sources: whose bars count, what can be called for which market, in both languages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from marketdata.models import CalendarChange, CalendarOverride, SourceVisit
from marketdata.queries.source_standings import SourceStanding, source_standings
from tests.marketdata.operations.tidy_files import import_file, write_tidy

pytestmark = pytest.mark.django_db

BAR = "100,110,90,100,1000"
DAYS = [f"2026-08-{day}" for day in (10, 11, 12, 13, 14, 18, 19, 20, 21)]


def text(client: Client, address: str, language: str = "en") -> str:
    answer = client.get(address, headers={"Accept-Language": language})
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


@pytest.fixture
def two_sources(tmp_path: Path, settings: Any) -> None:
    """`krx` with one of two shares on each session but the last two, `kis` with both on all."""
    settings.SOURCE_ORDER = ("krx", "kis")
    import_file(write_tidy(tmp_path / "krx.csv", [f"{day},000010,{BAR}" for day in DAYS[:-2]]), source="krx")
    rows = [f"{day},{code},{BAR}" for day in DAYS for code in ("000010", "000020")]
    import_file(write_tidy(tmp_path / "kis.csv", rows), source="kis")


@pytest.mark.usefixtures("two_sources")
def test_standings_have_the_quality_of_the_last_seven_sessions() -> None:
    first, second = source_standings("kr")
    assert (first.source, first.session_bars, first.window_bars, first.is_ordered, first.is_preferred) == (
        *("kis", 2, 14),
        True,
        True,
    )
    assert first.quality == 1.0
    # 5 of 14 bars; the last one is two of seven sessions old
    assert second == SourceStanding(
        "krx", 0, 5, second.last_session, second.quality, is_ordered=True, is_preferred=False
    )
    assert str(second.last_session) == "2026-08-19"
    assert second.quality == pytest.approx(0.6 * 5 / 14 + 0.4 * 5 / 7)


@pytest.mark.usefixtures("two_sources")
def test_the_page_says_whose_bars_count_and_why(browser: Client) -> None:
    page = text(browser, "/kr/sources")
    assert "<code>SEISMO_SOURCE_ORDER</code> (<code>krx, kis</code>; others after them by name)" in page
    assert "yes: the first of the order that is good enough" in page
    assert "no: its quality is too low" in page
    korean = text(browser, "/kr/sources", "ko")
    assert "사용: 기준에 이른 소스 가운데 순서가 가장 앞" in korean
    assert "쓰지 않음: 품질이 낮음" in korean


def test_a_market_has_the_sources_that_serve_it(browser: Client, settings: Any) -> None:
    settings.SOURCES = {"krx": {"api_key": "the-very-secret"}}
    page = text(browser, "/kr/sources")
    assert "No bars are recorded yet." in page
    assert "2 calls a session of all instruments, 10,000 a day" in page
    assert "no: set <code>KIS_APP_KEY, KIS_APP_SECRET</code>" in page
    assert "the-very-secret" not in page
    assert "kis-us" not in page
    american = text(browser, "/us/sources")
    assert "read twice, raw and adjusted" in american
    assert "<code>yfinance</code> · unofficial" in american
    assert "호출당 한 종목 200거래일" in text(browser, "/upbit/sources", "ko")
    assert browser.get("/nowhere/sources").status_code == 404


def test_a_changed_setting_changes_the_page(browser: Client, settings: Any) -> None:
    assert "no: set <code>KRX_API_KEY</code>" in text(browser, "/kr/sources")
    settings.SOURCES = {**settings.SOURCES, "krx": {"api_key": "the-very-secret"}}
    assert "no: set <code>KRX_API_KEY</code>" not in text(browser, "/kr/sources")


def test_the_page_has_the_last_calls_and_the_settings(browser: Client, settings: Any) -> None:
    settings.SOURCES = {"krx": {"api_key": "the-very-secret", "segments": ("KOSPI", "KOSDAQ")}}
    page = text(browser, "/kr/sources")
    assert "none yet" in page
    assert "<code>KRX_SEGMENTS=KOSPI,KOSDAQ</code>" in page
    at = datetime(2026, 8, 20, 23, 15, tzinfo=UTC)
    SourceVisit.objects.create(
        source="krx", what="calls", at=at, calls=94, answered_at=at, refused_at=at, refusal="Not approved.", refusals=3
    )
    page = text(browser, "/kr/sources")  # the page that was kept is another one
    assert "94 / 10,000" in page
    assert page.count("2026-08-21 08:15 KST") == 3
    assert "Not approved." in page
    assert "마지막 호출" in text(browser, "/kr/sources", "ko")


def test_a_day_that_a_source_calls_otherwise_is_on_its_page_and_in_the_status(browser: Client, caplog: Any) -> None:
    now = timezone.now()
    day = now.date() + timedelta(days=1)
    while day.weekday() > 4:
        day += timedelta(days=1)
    CalendarOverride.objects.create(market="kr", date=day, is_open=False, source="kis")
    CalendarChange.objects.create(market="kr", date=day, source="kis", kind="written", is_open=False, at=now)
    sentence = f"kis calls {day} closed on market kr, against the calendar: it counts as closed since then"
    for _ in range(2):  # computed, and kept
        assert sentence in text(browser, "/kr/sources")
    assert f"kr 시장 {day}: kis의 응답으로는 휴장이지만 달력과 다릅니다." in text(browser, "/kr/sources", "ko")
    assert not [record for record in caplog.records if record.exc_info]


def test_help_and_settings_lead_to_the_sources_of_the_first_market(browser: Client) -> None:
    browser.cookies["seismo_markets"] = "us.kr"
    for address in ("/help", "/settings"):
        assert 'href="/us/sources"' in text(browser, address)
    browser.cookies["seismo_markets"] = "nowhere"
    assert 'href="/kr/sources"' in text(browser, "/help")
