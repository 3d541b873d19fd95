"""A trader's evening by keys alone and without scripts: tags and notes, and the settings, on every size and theme."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.conftest import ARTIFACTS
from tests.browser.market import DAYS
from tests.browser.test_console import contrast
from tests.seismo_site.running import managed_in_turn

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

pytestmark = pytest.mark.slow

PATIENCE = 60_000
DAY = DAYS[16]
PASSWORD = "a trader's password"  # noqa: S105 - of a server that lives for one test
TRADERS = """
from django.contrib.auth.models import User
for name in {names}:
    User.objects.create_user(name, password="a trader's password")
"""
NAMES = ["keys", "plain", "ko", "en"]
Visit = Callable[..., "Page"]


@pytest.fixture(scope="module")
def scanned(data: Path) -> Path:
    """The market of the browser with picks of three sessions, and traders without staff rights."""
    managed_in_turn(
        data,
        ("run_scan", "--version", "busiest", "--from", DAYS[14], "--to", DAY),
        ("shell", "--no-imports", "-c", TRADERS.format(names=NAMES)),
    )
    return data


@pytest.fixture
def visit(chromium: Browser, server: str, scanned: Path) -> Iterator[Visit]:
    """Opens a browser of its own, logged in by keys; what it complains of fails the test."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def visit(name: str, **options: object) -> Page:
        size = {"width": 1366, "height": 768}
        context = chromium.new_context(**{"viewport": size, "base_url": server, "locale": "en-US", **options})  # type: ignore[arg-type]
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto("/login")
        page.focus("#id_username")  # without scripts there is no autofocus
        page.keyboard.type(name)
        page.keyboard.press("Tab")
        page.keyboard.type(PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url("**/kr/")
        return page

    yield visit
    assert complaints == []
    for context in contexts:
        context.close()


def test_the_evening_by_keys_alone_is_there_in_another_browser(visit: Visit) -> None:
    """A4: j j Enter n n space 2 t "note" Esc; the list has the focus on the stock that one comes back from."""
    from playwright.sync_api import expect

    page = visit("keys")
    page.goto(f"/kr/{DAY}/")  # other tests may have published later sessions
    codes = [str(row).split("/s/")[1].split("?")[0] for row in page.locator(".picks .name a").evaluate_all(HREFS)]
    for key in ("j", "j"):
        page.keyboard.press(key)
    expect(page.locator("#live")).to_contain_text("2/")
    page.wait_for_function(FOCUSED, arg=f"/s/{codes[1]}?")
    assert page.locator("tr[data-row] a[tabindex='0']").count() == 1  # the focus roves
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/s/{codes[1]}?**")
    for code in codes[2:4]:
        page.keyboard.press("n")
        page.wait_for_url(f"**/s/{code}?**")
    page.keyboard.press(" ")
    page.wait_for_url(f"**/s/{codes[4]}?**")
    page.keyboard.press("2")
    expect(page.locator("[data-tag=buy]")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("t")
    page.keyboard.type("note")
    with page.expect_response("**/api/kr/marks/**") as answer:
        page.keyboard.press("Escape")
    assert answer.value.status == 200
    expect(page.locator(".state")).to_have_text("Saved")
    page.keyboard.press("Escape")
    page.wait_for_url(f"**/kr/{DAY}/")
    page.wait_for_function(FOCUSED, arg=f"/s/{codes[4]}?")

    other = visit("keys")
    other.goto(f"/kr/{DAY}/review?code={codes[4]}")
    expect(other.locator("[data-tag=buy]")).to_have_attribute("aria-pressed", "true")
    expect(other.locator("#note")).to_have_value("note")
    expect(other.locator(f".queue tr:has([data-tag-of='{codes[3]}']) .tick")).to_have_count(1)  # seen by space
    stranger = visit("plain")
    stranger.goto(f"/kr/{DAY}/review?code={codes[4]}")
    expect(stranger.locator("#note")).to_have_value("")


FOCUSED = "address => (document.activeElement.getAttribute('href') ?? '').includes(address)"
HREFS = "links => links.map(link => link.getAttribute('href'))"


def test_the_review_by_keys(visit: Visit) -> None:
    from playwright.sync_api import expect

    page = visit("en")
    page.goto(f"/kr/{DAY}/review")
    codes = page.locator(".queue .name a").evaluate_all(HREFS)
    expect(page.locator("#live")).to_contain_text(f"1/{len(codes)}")
    page.keyboard.press("n")
    page.wait_for_url(f"**{codes[1]}")
    page.keyboard.press("p")
    page.wait_for_url(f"**{codes[0]}")
    page.keyboard.press(" ")
    page.wait_for_url(f"**{codes[1]}")
    expect(page.locator("progress")).to_have_attribute("value", "1")
    page.keyboard.press("1")
    expect(page.locator("article .tag")).to_have_text("Watch")
    page.keyboard.press("1")
    expect(page.locator("[data-tag=watch]")).to_have_attribute("aria-pressed", "false")
    page.keyboard.press("?")
    expect(page.locator("dialog.keys")).to_contain_text("seen, then the next pick")
    page.keyboard.press("Escape")
    expect(page.locator("dialog.keys")).to_be_hidden()


def test_a_failed_save_is_said_and_what_was_written_stays(visit: Visit) -> None:
    from playwright.sync_api import expect

    page = visit("en")
    page.goto(f"/kr/{DAY}/review")
    page.route("**/api/**", lambda route: route.abort())
    page.evaluate("window.onerror = null")
    page.keyboard.press("t")
    page.keyboard.type("kept")
    page.unroute("**/api/**")
    page.route("**/api/**", lambda route: route.fulfill(status=200, body="no JSON"))
    page.keyboard.press("Escape")
    expect(page.locator(".state")).to_contain_text("Not saved; try again.")
    expect(page.locator("#note")).to_have_value("kept")
    page.unroute("**/api/**")
    page.click("[data-save]")
    expect(page.locator(".state")).to_have_text("Saved")


def test_notes_are_saved_without_scripts(visit: Visit) -> None:
    """A13."""
    page = visit("plain", java_script_enabled=False)
    page.goto(f"/kr/{DAY}/review")
    address = page.locator(".queue .name a").first.get_attribute("href")
    page.fill("#note", "첫 줄\n둘째 줄")
    page.click("[data-tag=exclude]")
    page.goto(f"/kr/{DAY}/review{address}")
    assert page.input_value("#note") == "첫 줄\n둘째 줄"
    assert page.get_attribute("[data-tag=exclude]", "aria-pressed") == "true"
    page.goto(f"/kr/{DAY}/review")
    page.click("[name=onward]")
    assert page.inner_text(".next .count").startswith("2/")


SIZES = ((1366, 768), (390, 844))
THEMES = ("light", "dark")


@pytest.mark.parametrize("language", ["ko", "en"])
def test_review_and_settings_on_every_size_and_theme(visit: Visit, language: str) -> None:
    """A1 and A10: no complaint, nothing wider than the window, text that stands out."""
    ARTIFACTS.mkdir(exist_ok=True)
    locale = {"ko": "ko-KR", "en": "en-US"}[language]
    for (width, height), theme in itertools.product(SIZES, THEMES):
        options = {"viewport": {"width": width, "height": height}, "color_scheme": theme, "locale": locale}
        page = visit(language, **options)
        for path, texts in (
            (f"/kr/{DAY}/review", ("h1", ".count", ".tag-button", ".primary", ".queue .name a", ".steps a")),
            ("/settings", ("h1", ".fields label", ".primary", ".links a")),
            ("/settings/delete", ("h1", ".danger")),
        ):
            answer = page.goto(path)
            assert answer is not None
            assert answer.status == 200
            assert page.evaluate("document.documentElement.lang") == language
            assert page.evaluate("document.documentElement.scrollWidth - innerWidth") == 0, (path, width)
            assert page.evaluate("document.querySelector('main').clientWidth") >= 340
            for selector in texts:
                assert contrast(page, selector) >= 4.5, (path, theme, selector)
            name = path.strip("/").replace("/", "-").replace(DAY, "day")
            page.screenshot(path=ARTIFACTS / f"{name}-{language}-{width}-{theme}.png", full_page=True)
        small = page.evaluate(SMALL)
        assert width > 640 or small == []
    page.context.close()


SMALL = """() => [...document.querySelectorAll("main button, main select, main .links a, main .choice")]
    .filter(one => one.offsetParent && one.getBoundingClientRect().height < 40)
    .map(one => one.outerHTML.slice(0, 80))"""
"""Controls that are lower than 40 pixels."""


def test_settings_apply_in_another_browser(visit: Visit) -> None:
    page = visit("en")
    page.goto("/settings")
    page.select_option("[name=theme]", "dark")
    page.select_option("[name=density]", "compact")
    page.click(".primary")
    page.wait_for_url("**/settings?saved")
    other = visit("en", color_scheme="light")
    assert other.evaluate("document.documentElement.dataset.theme") == "dark"
    assert other.evaluate("document.documentElement.dataset.density") == "compact"
    assert other.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(16, 20, 23)"
    with other.expect_download() as download:
        other.goto("/settings")
        other.click("a[download]")
    assert download.value.suggested_filename == "seismo-export.json"
