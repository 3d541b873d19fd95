"""An operator's morning in the browser: change a parameter, run, see the ranks, with nothing but the admin."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.conftest import ARTIFACTS
from tests.browser.market import DAYS, PASSWORD, prices
from tests.seismo_site.running import manage

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow

DAY = DAYS[12]
PATIENCE = 60_000
"""Milliseconds: a busy machine is no failure."""

Shot = Callable[[str], None]


@pytest.fixture
def page(chromium: Browser, server: str) -> Iterator[Page]:
    """A browser that has logged in; what it complains of fails the test."""
    context = chromium.new_context(viewport={"width": 1366, "height": 768}, base_url=server)
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto("/admin/")
    page.fill("#id_username", "operator")
    page.fill("#id_password", PASSWORD)
    page.click("input[type=submit]")
    page.wait_for_selector("text=Last run of each version")
    yield page
    assert complaints == []
    context.close()


@pytest.fixture
def shot(page: Page) -> Shot:
    """Keeps what the page looks like."""
    ARTIFACTS.mkdir(exist_ok=True)

    def shot(name: str) -> None:
        page.screenshot(path=ARTIFACTS / f"{name}.png", full_page=True)

    return shot


def test_change_a_parameter_run_now_and_see_the_ranks(page: Page, shot: Shot, data: Path) -> None:
    from playwright.sync_api import expect

    shot("console")
    page.click("#nav-sidebar >> text=Scanner versions")
    page.click("#result_list >> text=busiest")
    row = page.locator("[data-parameter=top_n]")
    expect(row).not_to_have_class("differs")
    row.locator("input").fill("5")
    expect(row).to_have_class("differs")
    expect(row.locator("text=set back")).to_be_visible()
    shot("version")
    page.check("#only-changed")
    expect(page.locator("[data-parameter=holding]")).to_be_hidden()
    page.click("text=Save and continue editing")
    expect(page.locator(".messagelist")).to_contain_text("was changed successfully")
    expect(page.locator("text=Latest changes")).to_be_visible()

    page.click("text=Run now")
    page.fill("#id_first", DAY)
    shot("run-now")
    page.click("input[value=Run]")
    expect(page.locator(".messagelist")).to_contain_text(f"Queued: busiest on market kr, {DAY}")
    shot("request-queued")
    worked = manage(data, "qcluster", "--run-once")
    assert worked.returncode == 0, worked.stderr
    expect(page.locator(".field-state")).to_contain_text("done", timeout=PATIENCE)  # it looks again by itself
    shot("request-done")

    page.click("text=/^run \\d+$/")
    volume = prices().pivot_table(index="date", columns="code", values="volume")
    surge = (volume / volume.rolling(5).mean()).T[DAY]
    busiest = list(surge.sort_values(ascending=False).index[:5])
    ranks = page.locator("h2:has-text('Ranks of') ~ table tbody tr")
    expect(ranks).to_have_count(5)
    assert [text.split()[1] for text in ranks.all_inner_texts()] == busiest
    shot("run")
    page.click("text=Home")
    expect(page.locator("tr:has-text('busiest') >> text=published")).to_be_visible()
    shot("console-after")


def test_a_wrong_formula_is_shown_where_it_is_wrong(page: Page, shot: Shot) -> None:
    from playwright.sync_api import expect

    page.goto("/admin/scans/scannerversion/add/?engine=formula")
    page.fill("#id_slug", "mine")
    page.fill("#id_param_match", "close > ema(close, 5)\nand rsi(14) << 3")
    page.click("input[name=_save]")
    page.wait_for_selector("text=match, line 2, column")
    expect(page.locator("#id_param_match")).to_be_focused()
    place = page.evaluate("document.activeElement.selectionStart")
    assert place == len("close > ema(close, 5)\nand rsi(14) <")
    shot("formula-error")


def test_it_can_be_read_in_the_dark(page: Page, shot: Shot) -> None:
    """Text stands out from what lies behind it, in the bar, the tables and the states."""
    page.emulate_media(color_scheme="dark")
    for path, name in (
        ("/admin/", "console-dark"),
        ("/admin/marketdata/lakepartition/coverage/kr/", "coverage-dark"),
    ):
        page.goto(path)
        for selector in (
            "#content h1",
            "table.figures td",
            ".pill.good",
            "#nav-sidebar a",
            ".module h2",
        ):
            assert contrast(page, selector) >= 4.5, selector
        shot(name)


def contrast(page: Page, selector: str) -> float:
    """The contrast of a text with its background (WCAG 2.2, relative luminance)."""
    colours = page.eval_on_selector(
        selector,
        """one => {
            let behind = one;
            const of = name => getComputedStyle(behind)[name].match(/[\\d.]+/g).map(Number);
            const text = of("color");
            while (behind.parentElement && of("backgroundColor")[3] === 0) behind = behind.parentElement;
            return [text, of("backgroundColor")];
        }""",
    )
    light, dark = sorted((luminance(colour[:3]) for colour in colours), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: list[float]) -> float:
    """Of an sRGB colour, 0..1."""
    parts = [value / 255 for value in colour]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
