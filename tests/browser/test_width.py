"""Every list and page of the admin fits a phone and a laptop: what is wider scrolls in a box of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.contrib import admin

from tests.browser.conftest import ARTIFACTS
from tests.browser.market import DAYS, PASSWORD, WIDE_ROWS
from tests.seismo_site.running import managed_in_turn

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow

PATIENCE = 60_000
PHONE, LAPTOP = (390, 844), (1366, 768)
OWN = (
    "/admin/",
    "/admin/marketdata/lakepartition/coverage/",
    "/admin/marketdata/lakepartition/coverage/kr/",
    "/admin/marketdata/factorevent/suspected/",
    "/admin/scans/scannerversion/add/?engine=v2",
)
WIDE = """() => {
    const beyond = one => one.getBoundingClientRect().right > innerWidth + 1;
    const boxed = one => { for (let box = one.parentElement; box; box = box.parentElement)
        if (["auto", "scroll"].includes(getComputedStyle(box).overflowX) && !beyond(box)) return true;
        return false; };
    const wide = [...document.querySelectorAll("#container *")]
        .filter(one => one.getClientRects().length && beyond(one) && !boxed(one));
    return [document.documentElement.scrollWidth - innerWidth, wide.map(one => one.outerHTML.slice(0, 80))];
}"""
"""Pixels by which the page is wider than the window, and what reaches beyond it outside of a box that scrolls."""


@pytest.fixture(scope="module")
def scanned(data: Path) -> Path:
    """The market of the browser with a run, its sessions and ranks, investor flow and a collection of candles."""
    managed_in_turn(
        data,
        ("run_scan", "--version", "busiest", "--from", DAYS[14], "--to", DAYS[16]),
        ("shell", "--no-imports", "-c", WIDE_ROWS),
    )
    return data


@pytest.fixture(params=[PHONE, LAPTOP], ids=["phone", "laptop"])
def page(chromium: Browser, server: str, scanned: Path, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A browser of that size that has logged in."""
    width, height = request.param
    context = chromium.new_context(viewport={"width": width, "height": height}, base_url=server, has_touch=width < 768)
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.goto("/admin/")
    page.fill("#id_username", "operator")
    page.fill("#id_password", PASSWORD)
    page.click("input[type=submit]")
    page.wait_for_selector("text=Last run of each version")
    yield page
    context.close()


def lists() -> list[str]:
    admin.autodiscover()  # done by the URLs, which only the server of this file has loaded
    return [f"/admin/{model._meta.app_label}/{model._meta.model_name}/" for model in admin.site._registry]


def test_no_page_is_wider_than_its_window(page: Page) -> None:
    overflow, rows = {}, []
    for path in (*OWN, *lists()):
        page.goto(path)
        overflow[path] = page.evaluate(WIDE)
        row = page.locator("#result_list tbody tr a[href*='/change/']").first
        if row.count():
            rows.append(str(row.get_attribute("href")))
    for path in rows:
        page.goto(path)
        overflow[path] = page.evaluate(WIDE)
    assert len(rows) >= 5
    assert {path: what for path, what in overflow.items() if what != [0, []]} == {}


def test_every_list_fits_a_laptop(page: Page) -> None:
    """On a laptop no last column is cut off; on a phone the content has the whole width."""
    ARTIFACTS.mkdir(exist_ok=True)
    size = page.viewport_size
    assert size is not None
    cut = {}
    for path in ("/admin/", OWN[1], *lists()):
        page.goto(path)
        name = path.strip("/").replace("/", "-")
        page.screenshot(path=ARTIFACTS / f"{name}-{size['width']}.png", full_page=True)
        hidden = page.evaluate(
            "[...document.querySelectorAll('.results')].map(one => one.scrollWidth - one.clientWidth)"
        )
        if size == {"width": LAPTOP[0], "height": LAPTOP[1]}:
            cut[path] = max(hidden, default=0)
        else:
            wide = page.evaluate("document.querySelector('#content').clientWidth")
            assert wide == size["width"], path
    assert {path: pixels for path, pixels in cut.items() if pixels > 0} == {}
