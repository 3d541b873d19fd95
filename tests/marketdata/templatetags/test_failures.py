"""Recorded failures in Korean: every sentence of the evening and the record, and what has no Korean form."""

# ruff: noqa: E501 - one sentence a line

from __future__ import annotations

import re
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.utils import translation
from django.utils.module_loading import import_string
from django.utils.translation import gettext

from marketdata.errors import DataProblem
from marketdata.templatetags.failures import failure_reason


@pytest.mark.parametrize(
    ("english", "korean"),
    [
        (
            "Session 2026-08-21 of market kr is not complete, only 1,902 instruments have a bar, 2,770 had one the "
            "session before: nothing was scanned. Once its bars are there, `manage.py run_evening` does the rest.",
            "kr 시장의 2026-08-21 거래일 시세가 불완전하여 스캔하지 않았습니다 "
            "(1,902종목만 시세 있음, 전 거래일 2,770종목). "
            "시세가 들어온 뒤 `manage.py run_evening` 명령이 나머지를 처리합니다.",
        ),
        (
            "Given up after 5 attempts: its worker was lost",
            "5번 시도한 뒤 그만두었습니다: 작업자 프로세스가 사라졌습니다",
        ),
        (
            "v2 was ended by MemoryError: the log has more.",
            "MemoryError 오류로 중단되었습니다. 자세한 내용은 로그에 있습니다.",
        ),
        ("v2 was ended: its worker was lost", "중단되었습니다: 작업자 프로세스가 사라졌습니다"),
        (
            "The record of market kr ends 66 sessions ago, on 2026-08-21: the last closed session is 2026-11-27.",
            "kr 시장의 시세가 66거래일 전인 2026-08-21에서 끝납니다. 마지막으로 마감한 거래일은 2026-11-27입니다.",
        ),
        (
            "Session 2026-08-21 is recorded on market kr; v2 failed, v3 not scanned, vcp quarantined.",
            "kr 시장에 2026-08-21 시세가 있지만 끝나지 않은 버전이 있습니다: v2 실패, v3 스캔 전, vcp 보류.",
        ),
        (
            "The record of market kr has changed since v2, v3 published 2026-08-21: scan it again.",
            "v2, v3 버전이 2026-08-21 결과를 발행한 뒤 kr 시장의 시세가 바뀌었습니다. 다시 스캔하십시오.",
        ),
        ("published up to 2026-08-21, 67 sessions ago", "2026-08-21까지 발행, 67거래일 전"),
        (
            "5000 -> 1000 without a base price or an event, beyond the daily limit, near 5:1",
            "5000 -> 1000: 기준가나 권리락·분할 기록 없이 가격제한폭을 벗어남 (5:1에 가까움)",
        ),
        (
            "1,015,000 is 99.51 times its base price 10,200, beyond the daily limit",
            "종가 1,015,000: 기준가 10,200의 99.51배로 가격제한폭 밖",
        ),
        (
            "Version v2 is active on kr, us: make another one active there before it is disabled.",
            "v2: kr, us 시장의 기본 버전입니다. 사용을 중지하기 전에 다른 버전을 기본으로 지정하십시오.",
        ),
        (
            "An event of 005930 on 2024-04-12 cannot be recorded: the event's ratio 5 leaves a move of "
            "0.04 times, 0.2 times without it (5000 -> 1000): is it inverted (0.2)? A ratio of 1 says that the move was "
            "a real one.",
            "005930 2024-04-12: 권리락·분할을 기록할 수 없습니다. 기록된 비율 5 적용 시 0.04배, 미적용 시 0.2배 변동 "
            "(5000 -> 1000): 비율이 뒤집힌 듯함 (0.2). 실제 변동이면 비율 1을 쓰십시오.",
        ),
        (
            "Unknown market 'xx': choose one of kr, us, upbit, bithumb, or a name such as kr-adj for a second market with the "
            "rules of kr.",
            "xx: 없는 시장입니다. kr, us, upbit, bithumb 중에서 고르거나, kr 규칙을 따르는 둘째 시장이면 kr-adj 같은 이름을 "
            "쓰십시오.",
        ),
        (
            "No task worker is running, so it waits: start one with `manage.py qcluster`.",
            "실행 중인 작업 프로세스가 없어 기다립니다. `manage.py qcluster` 명령으로 시작하십시오.",
        ),
        (
            "kis calls 2026-08-25 closed on market kr, against the calendar: it counts as a session still, since bars of "
            "it are recorded; confirm or correct it in the admin's calendar overrides.",
            "kr 시장 2026-08-25: kis의 응답으로는 휴장이지만 달력과 다릅니다. 기록된 시세가 있어 계속 거래일로 처리합니다. "
            "관리 화면의 거래일 예외에서 확인하거나 고치세요.",
        ),
        (
            "kis calls 2026-08-24 a session again, as the calendar of market kr has it.",
            "kr 시장 2026-08-24: kis의 응답이 달력대로 다시 거래일입니다.",
        ),
        ("The disk of the host is full.", "영문 기록: The disk of the host is full."),
        ("", ""),
    ],
)
def test_a_reason_in_korean(english: str, korean: str) -> None:
    with translation.override("ko"):
        assert failure_reason(english) == korean
    with translation.override("en"):
        assert failure_reason(english) == english


def test_no_korean_particle_depends_on_an_inserted_word() -> None:
    depends = re.compile(r"\\\d(은|는|이|가|을|를|과|와|으로|로)\b|\(가\)|\(를\)|\(는\)")
    sentences = [korean for path in settings.FAILURE_SENTENCES for _, korean in import_string(path)]
    assert len(sentences) > 60
    assert not [korean for korean in sentences if depends.search(korean)]


def test_calendar_overrides_have_the_name_of_their_list_in_the_admin() -> None:
    """They had three names."""
    with translation.override("ko"):
        name = gettext("calendar override")
    sentences = [pair for path in settings.FAILURE_SENTENCES for pair in import_string(path)]
    shown = [korean for pattern, korean in sentences if "override" in pattern]
    assert len(shown) >= 5
    assert all(name in korean for korean in shown)


def test_every_doubt_about_a_session_has_a_korean_form() -> None:
    """The sentences are those of the record, so that a change of one is noticed."""
    from marketdata.session_activity import SessionCounts

    before = SessionCounts(bars=100, good=100, trading=100, traded=100, repeated=0)
    doubts = [
        SessionCounts(bars=100, good=100, trading=0, traded=0, repeated=0).doubt(before),
        SessionCounts(bars=100, good=100, trading=100, traded=100, repeated=100).doubt(before),
        SessionCounts(bars=10, good=10, trading=10, traded=10, repeated=0).doubt(before),
        SessionCounts(bars=100, good=100, trading=5, traded=100, repeated=0).doubt(before),
    ]
    with translation.override("ko"):
        for doubt in doubts:
            assert doubt
            assert not re.search(r"[a-z]{2}", failure_reason(doubt)), doubt


@pytest.mark.django_db
def test_refusals_outside_the_hours_of_a_session_have_a_korean_form() -> None:
    """The sentences are those of the readings and the forming session."""
    from marketdata.operations.collect.same_day import ReadingHours
    from marketdata.operations.forming import forming_session
    from marketdata.queries.market_calendar import get_calendar
    from marketdata.sources.kis.client import SAME_DAY

    calendar, seoul, exam = get_calendar("kr"), ZoneInfo("Asia/Seoul"), date(2026, 11, 19)
    reading = ReadingHours(calendar.hours, SAME_DAY)
    refusals = [
        reading.refusal(exam, datetime(2026, 11, 19, 18, 10, tzinfo=seoul), "KIS"),
        ReadingHours(calendar.hours, None).refusal(exam, datetime(2026, 11, 19, 15, 35, tzinfo=seoul), "KIS"),
    ]
    for at in ("2026-11-19T09:30", "2026-11-19T16:25", "2026-11-19T18:00", "2026-11-21T12:00"):
        with pytest.raises(DataProblem) as refused:
            forming_session(calendar, datetime.fromisoformat(at).replace(tzinfo=seoul))
        refusals.append(str(refused.value))
    with translation.override("ko"):
        korean = [failure_reason(text) for text in refusals]
    assert korean[0] == (
        "당일 시세에 시간외 거래가 섞이므로 2026-11-19 거래일을 2026-11-19 18:10:00에 기록하지 않았습니다. "
        "16:31부터 16:59까지, 또는 다음 날 08:00부터 실행하세요."
    )
    assert not [text for text in korean if text.startswith("영문 기록")]
