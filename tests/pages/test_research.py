"""The pages of research: the list of sweeps, one sweep, and the portfolio of a version."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from scans.models import SweepStatus
from tests.sweeps import make_sweep

pytestmark = pytest.mark.django_db


def text(client: Client, address: str, language: str = "en") -> str:
    answer = client.get(address, headers={"Accept-Language": language})
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_market_without_sweeps_names_the_command(browser: Client) -> None:
    assert "manage.py sweep volume --engine v2" in text(browser, "/kr/research")


def test_the_list_has_verdicts_and_looks_in_both_languages(browser: Client) -> None:
    make_sweep()
    make_sweep("half", status=SweepStatus.RUNNING, result={}, size=40)
    page = text(browser, "/kr/research")
    assert "Not distinguishable from luck" in page
    assert "2/40" in page
    assert "운과 구별되지 않음" in text(browser, "/kr/research", "ko")


def test_a_sweep_has_its_periods_variants_verdict_and_looks(browser: Client) -> None:
    make_sweep()
    page = text(browser, "/kr/research/volume")
    for part in (
        "2024-02-01",
        "top_n=4",
        "2 variants tried",
        "no test any more",
        "Reality check",
        "format=parquet",
        "order of 12,000,000 ",
        "12 of 2,537 instruments",
        "1 of 2 variants were judged",
        "took 32.4 s for the variants it judged, 3.8 s for the walk-forward",
    ):
        assert part in page
    korean = text(browser, "/kr/research/volume", "ko")
    assert "더는 시험이 아닙니다" in korean
    assert "변형 평가 32.4초, 전진 분석과 검정 3.8초" in korean
    assert browser.get("/us/research/volume").status_code == 404
    assert browser.get("/kr/research/nothing").status_code == 404


def test_a_change_of_a_sweep_shows_at_once(browser: Client) -> None:
    sweep = make_sweep("half", status=SweepStatus.RUNNING, result={}, size=40)
    assert "running" in text(browser, "/kr/research/half")
    sweep.status = SweepStatus.CANCELLED
    sweep.finished_at = sweep.started_at
    sweep.save()
    assert "cancelled" in text(browser, "/kr/research/half")


def test_strangers_are_sent_to_the_login(client: Client) -> None:
    make_sweep()
    for address in ("/kr/research", "/kr/research/volume", "/kr/portfolio"):
        assert client.get(address).status_code == 302


def test_the_portfolio_is_drawn_with_its_market(scanned: Any, browser: Client) -> None:
    around = text(browser, "/kr/portfolio?scanner_version=rises&slots=3")
    assert 'data-load="/kr/portfolio/report?scanner_version=rises&amp;slots=3"' in around
    page = text(browser, "/kr/portfolio/report?scanner_version=rises&slots=3")
    assert 'class="curve portfolio"' in page
    assert 'class="curve equal"' in page
    assert "survivors only" in page
