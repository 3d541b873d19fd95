"""The evening's page before and after the close: what was picked by then, and what of it was in the list."""

from __future__ import annotations

import re
from datetime import date

import pandas as pd
import pytest
from django.test import Client

from scans.models import ScanSession
from scans.operations.scan.request import RunRequest
from scans.operations.scan.run import run_scan
from tests.api.conftest import risers
from tests.scans.conftest import AS_OF
from tests.scans.preclose_quotes import scan_before_close


def section(html: str) -> str:
    return html.split('id="preclose"')[1].split("</section>")[0] if 'id="preclose"' in html else ""


@pytest.fixture
def prices(scanned: pd.DataFrame, sessions: list[date]) -> dict[str, float]:
    """Closes of the session before, with two that rise."""
    closes = scanned[scanned["date"] == sessions[30]]
    prices = dict(zip(closes["code"], closes["close"].astype(float), strict=True))
    for code in sorted(prices)[:2]:
        prices[code] *= 1.02
    return prices


def test_the_page_shows_the_picks_of_the_forming_session_first(
    scanned: pd.DataFrame, sessions: list[date], prices: dict[str, float], browser: Client
) -> None:
    assert not section(browser.get("/kr/").content.decode())
    scan_before_close(scanned, sessions[31], prices, versions=["rises"])
    html = browser.get("/kr/").content.decode()
    assert html.index('id="preclose"') < html.index('id="rises"')
    part = section(html)
    assert "15:18 KST" in part
    assert "6 of 6 instruments quoted" in part
    assert sorted(re.findall(r"/kr/s/([0-9A-Z]+)", part)) == sorted(prices)[:2]
    assert "At the close" not in part
    assert not section(browser.get(f"/kr/{sessions[30]}/").content.decode())


@pytest.mark.parametrize("is_settled", [True, False])
def test_after_the_close_it_says_how_many_were_in_the_list(
    scanned: pd.DataFrame, sessions: list[date], prices: dict[str, float], browser: Client, is_settled: bool
) -> None:
    scan_before_close(scanned, sessions[31], prices, versions=["rises"])
    browser.get("/kr/")
    run_scan(RunRequest(market="kr", as_of=AS_OF, versions=["rises"], first=sessions[31], last=sessions[31]))
    if not is_settled:
        ScanSession.objects.filter(date=sessions[31]).update(read_at=AS_OF)
    html = browser.get("/kr/").content.decode()
    assert html.index('id="rises"') < html.index('id="preclose"')
    hits = len(set(sorted(prices)[:2]) & set(risers(scanned, sessions[31])))
    part = section(html)
    assert f"{hits} of 2 picks in the {'settled list' if is_settled else 'list at the close'}" in part
    assert re.search(rf"1 session: {hits} of 2 \({50 * hits}\s%\)", part)


def test_it_is_korean_for_a_korean_reader(
    scanned: pd.DataFrame, sessions: list[date], prices: dict[str, float], browser: Client
) -> None:
    scan_before_close(scanned, sessions[31], prices, versions=["rises"])
    part = section(browser.get("/kr/", headers={"accept-language": "ko"}).content.decode())
    assert "장 마감 전" in part
    assert "6개 중 6개 종목" in part
