"""Why an instrument was picked, or not, and how such picks fared: parts of the stock page, and pages of their own."""

from __future__ import annotations

import re
from datetime import date

import pandas as pd
import pytest
from django.test import Client
from django.utils import translation

from marketdata.operations import generations
from scans.engines.base import Check
from scans.models import ActiveVersion, ScanRank
from scans.operations.analysis import analyse
from scans.pages.check_rows import check_parts
from scans.queries.versions import GENERATION
from scans.templatetags.figures import check_value, lang
from scans.wording.rules import check_name, rule_text
from tests.api.conftest import risers


def test_reasons_are_in_three_parts(scanned: pd.DataFrame, sessions: list[date], browser: Client) -> None:
    day = sessions[30]
    code = risers(scanned, day)[0]
    stock = browser.get(f"/kr/s/{code}?scanner_version=rises&date={day}").content.decode()
    address = re.findall(r'data-load="([^"]+reasons[^"]+)"', stock)[0].replace("&amp;", "&")
    whole, part = browser.get(address).content.decode(), browser.get(f"{address}&part=1").content.decode()
    assert part in whole
    assert "<html" not in part
    assert "Why it was picked" in part
    assert part.count("<li ") == part.count('class="rule-text"') > 0


def test_reasons_of_an_instrument_that_was_not_picked(
    scanned: pd.DataFrame, sessions: list[date], browser: Client
) -> None:
    day = next(day for day in sessions[10:31] if "005930" not in risers(scanned, day))
    html = browser.get(f"/kr/reasons/005930?scanner_version=rises&date={day}").content.decode()
    assert "Why it was not picked" in html
    assert browser.get("/kr/reasons/005930?scanner_version=nothing").status_code == 404
    assert browser.get("/kr/reasons/999999?scanner_version=rises").status_code == 404


def test_rates_of_few_picks_say_so(scanned: pd.DataFrame, sessions: list[date], browser: Client) -> None:
    day = sessions[12]
    code = risers(scanned, day)[0]
    html = browser.get(f"/kr/rates/{code}?scanner_version=rises&date={day}").content.decode()
    assert re.search(r"Too few to judge: \d+ of the 30 judged picks that a rate needs\.", html)
    assert "<table" not in html


def test_rates_have_those_of_the_universe_and_how_many_picks_were_computed_afterwards(
    scanned: pd.DataFrame, sessions: list[date], browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every pick of the fixture was made by one run after all sessions."""
    monkeypatch.setattr(analyse, "MIN_JUDGED", 1)
    day = sessions[30]
    code = risers(scanned, day)[0]
    html = browser.get(f"/kr/rates/{code}?scanner_version=rises&date={day}").content.decode()
    picks = ScanRank.objects.filter(scanner_version__slug="rises", published=True, date__lte=day).count()
    assert f"{picks} of {picks} picks were computed afterwards." in html
    assert re.search(r'data-label="Hits">\d+ % <small>of all \d+ %</small>', html)
    assert re.search(r"[+−][\d.]+ % <small>its like [+−][\d.]+ %</small>", html)
    assert "The record holds survivors only: returns are too good." in html


CHECKS = [
    Check("filter", "turnover", 3_000.0, "mean turnover of 20 sessions >= 1,000", True, 0.0, (1_000.0,)),
    Check("filter", "gap", 0.02, "0.002 <= (tema20 - dema10) / close <= 0.015", False, 0.0, (0.002, 0.015)),
    Check("signal", "obv", 0.1, "slope of obv over 20 sessions > 0", True, 2.0),
    Check("risk", "rsi", 50.0, "rsi_tema > 80", False, 2.0, (80.0,)),
    Check("risk", "macd", 1.0, "the macd oscillator rose on fewer than 3 of the last 3 sessions", True, 1.0),
]


def test_checks_are_points_failed_and_passed_with_their_distances() -> None:
    parts = check_parts(CHECKS)
    assert [(row.check.name, row.points) for row in parts.points] == [("obv", 2.0), ("macd", -1.0)]
    assert [row.check.name for row in parts.failed] == ["gap"]
    assert [row.check.name for row in parts.passed] == ["turnover", "rsi"]
    turnover = parts.passed[0].gauge
    assert turnover is not None
    assert turnover.width == pytest.approx(3 * turnover.limits[0], abs=0.2)  # three times the threshold
    assert parts.points[0].gauge is None


def test_rules_of_engines_in_korean() -> None:
    rules = {
        "mean turnover of 20 sessions >= 1,000": "20일 평균 거래대금 ≥ 1,000",
        "0.002 <= (tema20 - dema10) / close <= 0.015": "0.002 ≤ (TEMA20 - DEMA10) / 종가 ≤ 0.015",
        "volume > 3 times its 5-session mean": "거래량 > 5일 평균의 3배",
        "at least 4 of the last 5 closes above the close before": "최근 5일 중 4일 이상 상승 마감",
    }
    with translation.override("ko"):
        assert {rule: rule_text(rule) for rule in rules} == rules
        assert check_name("turnover") == "거래대금"
    with translation.override("en"):  # a page in Korean before leaves its language in this thread
        assert rule_text("close / ema20 > 1") == "close / EMA20 > 1"
        assert check_name("turnover") == "turnover"


VALUES = (
    ("the regime (0 neutral, 1 bull, 2 bear, 3 crash) is not bear nor crash", 3, "급락", "crash"),
    ("the regime (0 neutral, 1 bull, 2 bear, 3 crash) is not crash", 0, "중립", "neutral"),
    ("a strategy (0 watch, 1 longterm, 2 position, 3 swing) other than watch", 1, "장기", "long term"),
    ('regime() != "crash" [bull]', 1, "상승", "bull"),
    ("in the version's universe", 1, "예", "yes"),
    ("tema20 crosses above dema10", 0, "아니요", "no"),
    ("ema60 does not fall over 20 sessions", 1, "예", "yes"),
    ("the macd oscillator rose on fewer than 3 of the last 3 sessions", 1, "1", "1"),
    ("mean turnover of 20 sessions >= 1,000", 3, "3", "3"),
    ("risk < 4", 1, "1", "1"),
)


@pytest.mark.parametrize(("rule", "value", "korean", "english"), VALUES)
def test_codes_and_verdicts_are_shown_as_words(rule: str, value: float, korean: str, english: str) -> None:
    check = Check("gate", "name", value, rule, holds=True)
    for language, expected in (("ko", korean), ("en", english)):
        with translation.override(language):
            assert check_value(check) == expected
            assert "neutral, 1" not in rule_text(rule)


def test_a_market_without_an_active_version_is_one_sentence(scanned: pd.DataFrame, browser: Client) -> None:
    ActiveVersion.objects.all().delete()
    generations.advance(GENERATION)
    answer = browser.get("/kr/reasons/005930")
    assert answer.status_code == 200
    assert "This market has no active version yet" in answer.content.decode()


@pytest.mark.parametrize(
    ("language", "name", "attribute"),
    [
        ("en", "\uc0bc\uc131\uc804\uc790", ' lang="ko"'),
        ("en", "Apple Inc.", ""),
        ("ko", "NAVER", ' lang="en"'),
        ("ko", "LG\ud654\ud559", ' lang="ko"'),
        ("ko", "", ""),
    ],
)
def test_a_name_has_the_language_of_its_letters(language: str, name: str, attribute: str) -> None:
    with translation.override(language):
        assert lang(name) == attribute
