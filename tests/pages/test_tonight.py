"""The evening's page: its lists are set arithmetic over what was published, its prices lie on the tick grid."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from itertools import pairwise

import pandas as pd
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from scans.operations.scan.request import RunRequest
from scans.operations.scan.run import run_scan
from tests.api.conftest import risers
from tests.scans.conftest import AS_OF
from tests.scans.probe import Probe


def picked(rows: pd.DataFrame, day: date) -> set[str]:
    return set(risers(rows, day))


def test_new_stayed_and_dropped_are_set_arithmetic(scanned: pd.DataFrame, sessions: list[date]) -> None:
    from scans.queries.evening_summary import evening_summary

    for before, day in pairwise(sessions[10:31]):
        summary = evening_summary("kr", day)
        assert summary is not None
        block = next(one for one in summary.versions if one.version.slug == "rises")
        now, earlier = picked(scanned, day), picked(scanned, before)
        assert {pick.rank.code for pick in block.new} == now - earlier
        assert {pick.rank.code for pick in block.stayed} == now & earlier
        assert {pick.rank.code for pick in block.dropped} == earlier - now
        assert block.listed == len(now)


def test_page_lists_every_pick_once(scanned: pd.DataFrame, sessions: list[date], browser: Client) -> None:
    day = sessions[30]
    html = browser.get(f"/kr/{day}/").content.decode()
    block = html.split('id="rises"')[1].split("</section>")[0]
    linked = re.findall(r"/kr/s/([0-9A-Z]+)\?scanner_version=rises&amp;date=([\d-]+)", block)
    assert sorted(code for code, on in linked if on == str(day)) == sorted(picked(scanned, day))


def test_nothing_is_new_in_a_first_list(scanned: pd.DataFrame, sessions: list[date], browser: Client) -> None:
    first = min(day for day in sessions if browser.get(f"/kr/{day}/").status_code == 200 and picked(scanned, day))
    html = browser.get(f"/kr/{first}/").content.decode()
    assert f"Picks {len(picked(scanned, first))}</th>" in html
    assert ">New " not in html


def test_order_prices_lie_on_the_grid(scanned: pd.DataFrame, sessions: list[date], browser: Client) -> None:
    """Ticks of KRX since 2023-01-25: 5 won from 2,000, 10 from 5,000, 50 from 20,000."""
    html = browser.get(f"/kr/{sessions[30]}/").content.decode()
    prices = [Decimal(text) for text in re.findall(r'data-order="([^"]+)"', html)]
    assert prices
    for price in prices:
        tick = 1 if price < 2_000 else 5 if price < 5_000 else 10 if price < 20_000 else 50
        assert price % tick == 0


def test_latest_evening_has_no_next_session(scanned: pd.DataFrame, sessions: list[date], browser: Client) -> None:
    html = browser.get("/kr/").content.decode()
    assert f'rel="prev" href="/kr/{sessions[29]}/"' in html
    assert 'rel="next"' not in html


def test_day_without_results_is_not_found(scanned: pd.DataFrame, browser: Client) -> None:
    browser.cookies["django_language"] = "ko"
    assert "공개된 결과가 없습니다." in browser.get("/kr/2020-01-02/").content.decode()
    assert browser.get("/kr/2020-01-02/").status_code == 404
    assert browser.get("/kr/2020-13-45/").status_code == 404
    assert browser.get("/no-market/").status_code == 404


def test_market_without_bars_shows_how_to_get_some(browser: Client) -> None:
    html = browser.get("/upbit/").content.decode()
    assert "manage.py import_prices" in html
    assert "<table" not in html


def test_stale_record_is_reported_first(scanned: pd.DataFrame, sessions: list[date], browser: Client) -> None:
    """The market of the test ended years ago."""
    html = browser.get("/kr/").content.decode()
    assert 'class="readiness warn"' in html
    assert re.search(r"The record ends [\d,]+ sessions ago", html)


PAGES = ["/kr/", "/kr/signals", "/kr/s/005930", "/kr/search?q=0", "/help"]


def queries(browser: Client, path: str) -> int:
    with CaptureQueriesContext(connection) as made:
        assert browser.get(path).status_code == 200
    return len(made)


@pytest.mark.usefixtures("one_minute")
def test_queries_do_not_grow_with_picks(scanned: pd.DataFrame, sessions: list[date], browser: Client) -> None:
    """Two for the evening, the scan before its close and the status of the market, one each for the closes, the session
    with the state of the data, the reader, and its tags with what runs."""
    browser.get("/kr/signals")  # the status of the market is as old as a minute
    by_size = sorted(sessions[11:31], key=lambda day: len(picked(scanned, day)))
    assert queries(browser, f"/kr/{by_size[0]}/") == queries(browser, f"/kr/{by_size[-1]}/") == 6


@pytest.mark.usefixtures("one_minute")
@pytest.mark.parametrize("path", PAGES)
def test_kept_page_takes_six_queries(scanned: pd.DataFrame, browser: Client, path: str) -> None:
    browser.get(path)
    assert queries(browser, path) <= 6


def test_kept_page_is_replaced_by_a_publication(
    scanned: pd.DataFrame, sessions: list[date], browser: Client, probe: Probe
) -> None:
    assert f'datetime="{sessions[30]}"' in browser.get("/kr/").content.decode()
    run_scan(RunRequest(market="kr", as_of=AS_OF, versions=["rises"], first=sessions[31], last=sessions[31]))
    assert f'datetime="{sessions[31]}"' in browser.get("/kr/").content.decode()
