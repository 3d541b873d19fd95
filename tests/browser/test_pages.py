"""The trader's pages in a browser: in both languages, sizes and themes, the chart, the bytes, without scripts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from seismo_site import assets
from tests.browser.conftest import ARTIFACTS
from tests.browser.market import CODES, DAYS
from tests.seismo_site.running import managed

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

pytestmark = pytest.mark.slow

PATIENCE = 60_000
DAY, CODE = DAYS[18], CODES[0]
STOCK = f"/kr/s/{CODE}?scanner_version=pages&date={DAY}"
PAGES = {
    "tonight": f"/kr/{DAY}/",
    "signals": "/kr/signals",
    "stock": STOCK,
    "reasons": f"/kr/reasons/{CODE}?scanner_version=pages&date={DAY}",
    "review": f"/kr/{DAY}/review",
    "settings": "/settings",
    "delete-own-data": "/settings/delete",
    "search": "/kr/search?q=No",
    "help": "/help",
    "empty": "/upbit/",
}
SETTING_UP = """
from datetime import datetime, timezone
from django.contrib.auth.models import User
from scans.operations import versions

settings = {"match": "volume > 0", "score": "volume / sma(volume, 5)", "min_bars": 2, "target": 0.1, "stop": 0.05}
versions.create_version(
    slug="pages", engine="formula", settings=settings, who="setup", at=datetime.now(timezone.utc), title="All"
)
User.objects.create_user("trader", password="a trader's password")
"""
FIRST_VIEW, WITH_CHART = 60_000, 140_000
"""Bytes of a page with its styles and scripts, compressed."""


@pytest.fixture(scope="module")
def evening(data: Path) -> Path:
    """The market of the browser with a version that has plans, its signals and a trader without staff rights."""
    managed(data, "shell", "--no-imports", "-c", SETTING_UP)
    managed(data, "run_scan", "--version", "pages", "--from", DAYS[12], "--to", DAY)
    managed(data, "update_signals", "--market", "kr")
    return data


def context(chromium: Browser, server: str, **options: Any) -> BrowserContext:
    """A browser that has logged in as the trader."""
    made = chromium.new_context(base_url=server, **options)
    made.set_default_timeout(PATIENCE)
    page = made.new_page()
    page.goto("/")
    page.fill("#id_username", "trader")
    page.fill("#id_password", "a trader's password")
    page.click("button.primary")
    page.wait_for_url("**/kr/")
    page.close()
    return made


@pytest.fixture(
    params=[
        (language, size, theme)
        for language in ("ko-KR", "en-US")
        for size in ((1366, 768), (390, 844))
        for theme in ("light", "dark")
    ],
    ids=lambda value: f"{value[0]}-{value[1][0]}-{value[2]}",
)
def look(
    request: pytest.FixtureRequest, chromium: Browser, server: str, evening: Path
) -> Iterator[tuple[BrowserContext, str]]:
    language, (width, height), theme = request.param
    made = context(
        chromium,
        server,
        locale=language,
        viewport={"width": width, "height": height},
        color_scheme=theme,
        bypass_csp=True,
    )
    yield made, f"{language[:2]}-{width}-{theme}"
    made.close()


def axe() -> str:
    """The checker of accessibility, or nothing where it cannot be fetched."""
    assets.main(["--dev"])
    file = assets.NODE_FOLDER / "node_modules" / "axe-core" / "axe.min.js"
    return file.read_text(encoding="utf-8") if file.is_file() else ""


def test_every_page_fits_is_accessible_and_makes_no_complaint(look: tuple[BrowserContext, str]) -> None:
    made, name = look
    ARTIFACTS.mkdir(exist_ok=True)
    page, checker = made.new_page(), axe()
    complaints: list[str] = []
    page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("requestfailed", lambda request: complaints.append(request.url))
    width = page.viewport_size["width"] if page.viewport_size else 0
    for which, path in PAGES.items():
        response = page.goto(path)
        page.wait_for_load_state("networkidle")
        assert response is not None
        assert response.status == 200, path
        page.screenshot(path=ARTIFACTS / f"page-{which}-{name}.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth") == width, path
        assert page.evaluate("document.querySelector('main').clientWidth") >= min(width, 340), path
        if checker:
            page.evaluate(checker)
            found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
            serious = [
                (one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in ("serious", "critical")
            ]
            assert serious == [], path
    assert complaints == []


@pytest.fixture
def page(chromium: Browser, server: str, evening: Path) -> Iterator[Page]:
    made = context(chromium, server, locale="ko-KR", viewport={"width": 1366, "height": 768})
    yield made.new_page()
    made.close()


def test_chart_draws_bars_marks_and_the_plan(page: Page) -> None:
    if not (assets.FOLDER / "lightweight-charts.js").is_file():
        pytest.skip("the charts' script cannot be fetched here")
    page.goto(STOCK)
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
    page.goto(STOCK)
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
    for path, most in ((PAGES["tonight"], FIRST_VIEW), (PAGES["signals"], FIRST_VIEW), (STOCK, WITH_CHART)):
        page.goto(path)
        page.wait_for_load_state("networkidle")
        assert 0 < page.evaluate(sizes) <= most, path


def test_stale_record_is_said_and_its_plans_are_not_copied(page: Page) -> None:
    page.goto(PAGES["tonight"])
    assert "거래일 전" in page.locator(".readiness.warn").inner_text()
    row = page.locator("tr[data-row] [data-order]").first
    assert "line-through" in row.evaluate("one => getComputedStyle(one).textDecorationLine")


def test_pages_are_readable_without_scripts(chromium: Browser, server: str, evening: Path) -> None:
    made = context(chromium, server, locale="ko-KR", java_script_enabled=False)
    page = made.new_page()
    page.goto(PAGES["tonight"])
    assert page.locator("tr[data-row]").count() > 5
    page.locator("tr[data-row] a").first.click()
    assert page.locator("figure svg").is_visible()
    page.locator("#reasons a").click()
    assert page.locator(".reasons li").count() > 1
    page.goto(PAGES["signals"])
    assert page.locator("h1").inner_text() == "신호"
    made.close()
