"""The message of an evening in both languages, word for word, and what it says of failures and older contents."""

from __future__ import annotations

from typing import Any

import pytest

from scans.notices.message import render
from scans.wording.evening_message import evening_message, evening_subject
from tests.scans.wording.evening_content import ENGLISH, KOREAN, LINK, content, version


def text(body: dict[str, Any], language: str = "en", link: str = "") -> str:
    return render(evening_message(body, language, link=link), with_subject=True)


@pytest.mark.parametrize(("language", "expected"), [("en", ENGLISH), ("ko", KOREAN)])
def test_the_message_word_for_word(language: str, expected: str) -> None:
    assert text(content(), language, LINK) == expected


def test_the_larger_of_v2_and_v3_comes_first() -> None:
    body = content(versions=[version("a", ranked=90), version("v2", ranked=3), version("v3", ranked=9)], outcome="done")
    assert evening_subject(body, "en") == "Seismo KRX 2026-08-21 (Fri): v3 9 picks, v2 3 picks, a 90 picks"


def test_what_is_not_named_is_counted() -> None:
    one = version("v2", ranked=60, matched=60, counts={"new": 60, "stayed": 0, "dropped": 53})
    body = content(versions=[one], signals={"moves": [], "moves_left_out": 4, "opened": 0, "moved": 0})
    lines = text(body).splitlines()
    assert {"- More new ones: 60", "- More dropped ones: 53", "- More signals: 4"} <= set(lines)


@pytest.mark.parametrize(
    ("changes", "english", "korean"),
    [
        ({"outcome": "failed"}, "nothing was published", "공개한 결과가 없습니다"),
        ({"outcome": "incomplete"}, "the session is not complete", "거래일 자료가 아직 모자랍니다"),
        ({"collection": {"error": "3 failed"}}, "Collection: 3 failed", "수집: 3 failed"),
        (
            {"collection": {"note": "No source."}},
            "Nothing was collected. No source.",
            "수집한 자료가 없습니다. No source.",
        ),
        ({"signals": {"error": "Not updated."}}, "\nNot updated.\n", "\nNot updated.\n"),
        (
            {"readiness": {**content()["readiness"], "state": "overdue", "sessions_behind": 66}},
            "\nThe record is 66 sessions behind: the last closed one is 2026-08-21.\n",
            "\n기록이 66거래일 뒤처져 있습니다. 마지막 마감 거래일은 2026-08-21입니다.\n",
        ),
        (
            {"readiness": {**content()["readiness"], "state": "stale", "reason": "v2 is older."}},
            "State of the market: v2 is older.",
            "시장 상태: v2 is older.",
        ),
    ],
)
def test_what_went_wrong_is_said(changes: dict[str, Any], english: str, korean: str) -> None:
    assert english in text(content(**changes))
    assert korean in text(content(**changes), "ko")


def test_a_record_that_is_behind_says_of_which_session_its_orders_are() -> None:
    body = content(readiness={**content()["readiness"], "state": "overdue", "sessions_behind": 3})
    assert text(body).startswith("Seismo KRX 2026-08-21 (Fri), 3 sessions behind: v2 13 picks")
    assert "\nThe lists and their order prices are of 2026-08-21 (Fri).\n" in text(body)
    assert text(body, "ko").startswith("Seismo KRX 2026-08-21 (금), 3거래일 지연: v2 13종목")
    assert "\n아래 목록과 주문 가격은 2026-08-21 (금) 기준입니다.\n" in text(body, "ko")


@pytest.mark.parametrize(
    ("language", "lines"),
    [
        (
            "en",
            [
                "Seismo KRX 2026-08-21 (Fri): v2 3 picks",
                "v2 · 3 picks",
                "Its first list: there is none before to compare it with.",
                "- 1. 더블유게임즈 192080: 59,400 (+5.69 %); target 65,300, stop 55,300",
                "- More picks: 2",
            ],
        ),
        (
            "ko",
            [
                "Seismo KRX 2026-08-21 (금): v2 3종목",
                "v2 · 3종목",
                "첫 목록이라 비교할 이전 목록이 없습니다.",
                "- 1. 더블유게임즈 192080: 59,400 (+5.69 %); 목표 65,300, 손절 55,300",
                "- 그 밖의 종목: 2",
            ],
        ),
    ],
)
def test_nothing_is_new_in_a_first_list(language: str, lines: list[str]) -> None:
    one = version("v2", ranked=3, matched=3, counts={"new": 3}, new=content()["versions"][1]["new"][:1])
    assert text(content(versions=[one], outcome="done"), language).splitlines()[:5] == lines


def test_something_else_that_went_wrong_is_in_the_subject() -> None:
    body = content(versions=[version("v2", ranked=3)])
    assert evening_subject(body, "en") == "Seismo KRX 2026-08-21 (Fri): v2 3 picks, not everything went well"


def test_a_backlog_is_said() -> None:
    days = ["2026-08-19", "2026-08-20", "2026-08-21"]
    lines = text(content(versions=[version("v2", sessions=days, left_out=2, quarantined=days[:1])])).splitlines()
    assert lines[3:6] == [
        "Sessions 2026-08-19 to 2026-08-21 were scanned.",
        "Earlier sessions left out: 2; `manage.py backfill --resume` scans them.",
        "Quarantined, to be published or discarded in the admin: 2026-08-19.",
    ]


def test_a_content_of_before_changes_were_recorded() -> None:
    old = version(
        "v2", ranked=1, matched=1, regime="bull", regime_rule="trend: bull", picks=content()["versions"][1]["new"][:1]
    )
    for name in ("counts", "new", "dropped", "regime_parts"):
        del old[name]
    body = content(versions=[old], signals={"opened": 1, "moved": 2}, readiness={})
    assert text(body).splitlines()[1:4] == [
        "v2 · bull · 1 pick",
        "trend: bull",
        "- 1. 더블유게임즈 192080: 59,400 (+5.69 %); target 65,300, stop 55,300",
    ]


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        ({"entry": 160_333_000.0, "order": None}, "; entry 160,333,000"),
        ({"entry": 0.0000123456, "target": 0.0000137, "order": None}, "; entry 0.0000123456, target 0.0000137"),
        ({"target": 8_137.5, "order": {"target": 8_130.0}}, "; target 8,130"),
        ({}, ""),
    ],
)
def test_prices_have_all_their_digits_and_the_tick_grid_where_there_is_one(plan: dict[str, Any], words: str) -> None:
    one = {**content()["versions"][1]["new"][0], "plan": plan}
    counts = {"new": 1, "stayed": 0, "dropped": 0}
    body = content(versions=[version("v2", counts=counts, new=[one])])
    assert f"- New 1. 더블유게임즈 192080: 59,400 (+5.69 %){words}" in text(body).splitlines()


def test_a_shortened_message_keeps_the_heading_of_its_signals() -> None:
    lines = render(evening_message(content(), "ko"), limit=560, with_subject=True).splitlines()
    ended = next(n for n, line in enumerate(lines) if line.startswith("- 목표 도달 NAVER"))
    assert lines[ended - 1] == "오늘 움직인 신호"
    assert any(line.startswith("생략한 줄") for line in lines)
