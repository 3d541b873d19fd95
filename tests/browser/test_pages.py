"""The trader's pages in a browser: in both languages, sizes and themes, the chart, the bytes, without scripts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from seismo_site import assets
from tests.browser.market import CODES, DAYS
from tests.browser.visits import EVERYTHING, TRADER, Look, every_look, page_addresses, trader, visit_pages
from tests.seismo_site.running import managed_in_turn

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow

DAY, CODE = DAYS[18], CODES[0]
PAGES = page_addresses(day=DAY, code=CODE, version="pages", text="No")
SETTING_UP = """
from datetime import datetime, timezone
from scans.operations import versions

settings = {"match": "volume > 0", "score": "volume / sma(volume, 5)", "min_bars": 2, "target": 0.1, "stop": 0.05}
versions.create_version(
    slug="pages", engine="formula", settings=settings, who="setup", at=datetime.now(timezone.utc), title="All"
)
"""
FIRST_VIEW, WITH_CHART = 60_000, 140_000
"""Bytes of a page with its styles and scripts, compressed."""


@pytest.fixture(scope="module")
def evening(data: Path) -> Path:
    """The market of the browser with a version that has plans, its signals and a trader without staff rights."""
    managed_in_turn(
        data,
        ("shell", "--no-imports", "-c", SETTING_UP + TRADER),
        ("run_scan", "--version", "pages", "--from", DAYS[12], "--to", DAY),
        ("update_signals", "--market", "kr"),
        ("shell", "--no-imports", "-c", EVERYTHING.format(day=DAY, version="pages")),
    )
    return data


@every_look
def test_every_page_fits_is_accessible_and_makes_no_complaint(
    chromium: Browser, server: str, evening: Path, look: Look
) -> None:
    """A1, A2, A10."""
    visit_pages(chromium, server, look, PAGES, "page")


@pytest.fixture
def page(chromium: Browser, server: str, evening: Path) -> Iterator[Page]:
    context = trader(chromium, server, locale="ko-KR", viewport={"width": 1366, "height": 768})
    yield context.new_page()
    context.close()


def test_chart_draws_bars_marks_and_the_plan(page: Page) -> None:
    if not (assets.FOLDER / "lightweight-charts.js").is_file():
        pytest.skip("the charts' script cannot be fetched here")
    page.goto(PAGES["stock"])
    page.wait_for_selector("figure.drawn canvas")
    page.wait_for_load_state("networkidle")
    page.wait_for_function(
        """() => { const canvas = [...document.querySelectorAll("figure canvas")].sort((a, b) => b.width - a.width)[0];
        const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
        return new Set(new Uint32Array(pixels.buffer)).size > 10; }"""
    )
    lines = page.evaluate(
        """() => { const figure = document.querySelector("figure.drawn");
        return figure.lines().map(line => line.options().price)
            .map(price => [price, figure.candles.priceToCoordinate(price)]); }"""
    )
    orders = [float(one.get_attribute("data-order") or 0) for one in page.locator(".plan [data-order]").all()]
    assert sorted(price for price, _ in lines) == sorted(orders)
    assert all(0 <= place <= 440 for _, place in lines)
    marks = page.request.get(f"/api/kr/stocks/{CODE}/chart?period=max").json()["marks"]
    assert page.locator("table tr[data-row]").count() == len(marks)
    page.click("label:has(input[name=adjusted][value=false])")
    page.click("label:has(input[value=week])")
    page.wait_for_load_state("networkidle")
    assert page.locator("figure.drawn [data-failed] .notice").count() == 0


def test_parts_that_cannot_be_fetched_keep_the_page_and_offer_a_second_try(page: Page) -> None:
    page.route("**/kr/reasons/**", lambda route: route.abort())
    page.goto(PAGES["stock"])
    notice = page.locator("#reasons .notice")
    notice.wait_for()
    assert "서버에 연결되지 않습니다." in notice.inner_text()
    page.unroute("**/kr/reasons/**")
    page.route("**/kr/rates/**", lambda route: route.fulfill(status=429, body=""))
    notice.locator("button").click()
    page.wait_for_selector("#reasons .reasons")
    page.reload()
    page.wait_for_selector("#rates .notice")
    assert "요청이 너무 많습니다." in page.locator("#rates .notice").inner_text()
    assert page.locator("h1").first.is_visible()


def test_first_view_stays_within_its_bytes(page: Page) -> None:
    sizes = """() => [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
        .filter(one => !one.name.includes("/api/")).reduce((sum, one) => sum + one.encodedBodySize, 0)"""
    for path, most in ((PAGES["tonight"], FIRST_VIEW), (PAGES["signals"], FIRST_VIEW), (PAGES["stock"], WITH_CHART)):
        page.goto(path)
        page.wait_for_load_state("networkidle")
        assert 0 < page.evaluate(sizes) <= most, path


def test_stale_record_is_said_and_its_plans_are_not_copied(page: Page) -> None:
    page.goto(PAGES["tonight"])
    assert "거래일 전" in page.locator(".readiness.warn").inner_text()
    row = page.locator("tr[data-row] [data-order]").first
    assert "line-through" in row.evaluate("one => getComputedStyle(one).textDecorationLine")


def test_pages_are_readable_without_scripts(chromium: Browser, server: str, evening: Path) -> None:
    context = trader(chromium, server, locale="ko-KR", java_script_enabled=False)
    page = context.new_page()
    page.goto(PAGES["tonight"])
    assert page.locator("tr[data-row]").count() > 5
    page.locator("tr[data-row] a").first.click()
    assert page.locator("figure svg").is_visible()
    page.locator("#reasons a").click()
    assert page.locator(".reasons li").count() > 1
    page.goto(PAGES["signals"])
    assert page.locator("h1").inner_text() == "신호"
    context.close()
