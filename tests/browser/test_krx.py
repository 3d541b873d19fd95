"""The acceptance of the pages on the recorded KRX market; it skips where the data is not there (see tests/realdata.py).

Real bars are never kept: the screenshots of this file stay in test-artifacts/.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from seismo_site import assets
from tests import realdata
from tests.browser.visits import (
    DESK,
    EVERYTHING,
    STAFF_PAGES,
    TRADER,
    Look,
    every_look,
    log_in,
    page_addresses,
    trader,
    visit_pages,
)
from tests.exchanges.krx import BARS, EVENTS, FLOWS
from tests.seismo_site.running import environment, installed, managed_in_turn
from tests.serving import serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow

VERSIONS = ("v1", "v2", "v3", "vcp", "seismograph")
FIRST, LAST = "2026-07-22", "2026-08-21"
"""21 sessions and the one before them."""
SPLIT, SPLIT_DAY, FACTOR = "192080", "2024-01-17", 0.846838
PAGES = page_addresses(day=LAST, code=SPLIT, version="v2", text="삼성")
TICKS = ((2_000, 1), (5_000, 5), (20_000, 10), (50_000, 50), (200_000, 100), (500_000, 500))
"""KRX since 2023-01-25: below each price its tick; 1,000 above."""


@pytest.fixture(scope="module")
def krx(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The recorded market with its flow, scanned by four versions, and a trader."""
    files = [str(realdata.path(name)) for name in (BARS, EVENTS, FLOWS)]
    assets.main([])
    data = installed(tmp_path_factory.mktemp("krx"))
    versions = [word for version in VERSIONS for word in ("--version", version)]
    managed_in_turn(
        data,
        ("import_prices", *files[:2]),
        ("import_flows", files[2]),
        ("run_scan", *versions, "--from", FIRST, "--to", LAST, "--format", "csv", "--output", os.devnull),
        ("update_signals", "--market", "kr"),
        ("shell", "--no-imports", "-c", TRADER),
        ("shell", "--no-imports", "-c", EVERYTHING.format(day=LAST, version="v2")),
        ("collectstatic", "--no-input", "--verbosity", "0"),
    )
    return data


@pytest.fixture(scope="module")
def krx_server(krx: Path) -> Iterator[str]:
    with serving(environment(krx), krx / "server.log") as running:
        yield running.address


@pytest.fixture
def page(chromium: Browser, krx_server: str) -> Iterator[Page]:
    context = trader(chromium, krx_server, **Look("ko-KR", DESK, "light").options)
    yield context.new_page()
    context.close()


def fetch(page: Page, path: str) -> Any:
    answer = page.request.get(path)
    assert answer.ok, path
    return answer.json()


@every_look
def test_pages_of_the_real_market(chromium: Browser, krx_server: str, look: Look) -> None:
    """A1, A2, A10: long Korean names, prices above a million, dozens of picks."""
    visit_pages(chromium, krx_server, look, PAGES, "krx")


def test_login_and_the_first_order_target_take_two_clicks(chromium: Browser, krx_server: str) -> None:
    """A2: the login is one; the target stands in the first row."""
    context = chromium.new_context(base_url=krx_server, locale="ko-KR")
    page = context.new_page()
    page.goto("/")
    log_in(page)
    first = page.locator(".picks tbody tr[data-row]").first.locator(".target")
    assert first.is_visible()
    price = first.get_attribute("data-order") or ""
    assert first.inner_text() == f"{int(price):,}"
    assert page.evaluate("document.querySelector('.picks .target').getBoundingClientRect().bottom") > 0
    context.close()


def test_order_prices_lie_on_ticks_and_equal_those_of_the_api(page: Page) -> None:
    """A3."""
    evening = fetch(page, f"/api/kr/evening/{LAST}")
    wanted = {
        (version["scanner_version"], pick["code"]): [pick["plan"]["order"]["target"], pick["plan"]["order"]["stop"]]
        for version in evening["versions"]
        if version["scanner_version"] in VERSIONS
        for group in ("new", "stayed")
        for pick in version[group]
    }
    page.goto(PAGES["tonight"])
    shown = page.locator("section.block[id] tbody:not(.dropped) tr[data-row]").evaluate_all(
        """rows => rows.map(row => [row.closest("section").id, row.querySelector("a").pathname.split("/s/")[1],
            row.querySelector(".target")?.dataset.order, row.querySelector(".stop")?.dataset.order])"""
    )
    shown = [row for row in shown if row[0] in VERSIONS]
    assert len(shown) == len(wanted) > 20
    for version, code, *prices in shown:
        # A pick without a plan has no prices, in neither place.
        assert [None if price is None else float(price) for price in prices] == wanted[version, code]
        for price in map(Decimal, filter(None, prices)):
            assert price % next((tick for below, tick in TICKS if price < below), 1_000) == 0


def test_new_stayed_and_dropped_are_set_arithmetic_on_the_api(page: Page) -> None:
    """A5: 20 sessions by 4 versions; the counts are those of the rows."""
    dates = fetch(page, "/api/kr/scans/dates?scanner_version=v2")["results"]
    days = sorted(answer["date"] for answer in dates)[-21:]
    assert len(days) == 21
    picked = {
        (version, day): {
            row["code"] for row in fetch(page, f"/api/kr/scans/{day}?scanner_version={version}&limit=500")["results"]
        }
        for version in VERSIONS
        for day in days
    }
    groups = """sections => Object.fromEntries(sections.map(section => [section.id, ["new", "stayed", "dropped"].map(
        name => [...section.querySelectorAll(`tbody.${name} tr[data-row] a`)].map(
            link => link.href.split("/s/")[1].split("?")[0]))]))"""
    for before, day in pairwise(days):
        page.goto(f"/kr/{day}/")
        blocks = page.locator("section.block[id]").evaluate_all(groups)
        deltas = dict(
            page.locator("section.block[id]").evaluate_all(
                "sections => sections.map(section => [section.id, section.querySelector('.delta')?.textContent])"
            )
        )
        for version in VERSIONS:
            now, earlier = picked[version, day], picked[version, before]
            new, stayed, dropped = blocks[version]
            assert set(new) == now - earlier
            assert set(stayed) == now & earlier
            assert set(dropped) == earlier - now
            counts = [len(now - earlier), len(now & earlier), len(earlier - now)]
            assert [len(new), len(stayed), len(dropped)] == counts
            assert [int(number) for number in re.findall(r"\d+", deltas[version])] == counts


REGIMES = {
    "ko-KR": {
        "v1": ("급락", r"당일 국면: 당일 지수 −2\.\d % \(급락 기준 −2\.5 % 미만\)"),
        "": ("상승", r"추세 국면: 20일 \+2\.1 % .*10일 평균 \+0\.02 % .*"),
    },
    "en-US": {
        "v1": ("crash", r"Daily regime: the index −2\.\d % on the day \(crash below −2\.5 %\)"),
        "": ("bull", r"Trend regime: \+2\.1 % over 20 sessions .*mean of 10 sessions \+0\.02 % .*"),
    },
}
"""The regime of v1, and that of all other versions, with its rule."""


@pytest.mark.parametrize("language", REGIMES)
def test_regimes_of_all_versions_are_side_by_side(chromium: Browser, krx_server: str, language: str) -> None:
    """A6: on this day v1 rested after a fall of one day, the others had a rising trend."""
    context = trader(chromium, krx_server, **Look(language, DESK, "light").options)
    page = context.new_page()
    page.goto(PAGES["tonight"])
    for version in VERSIONS:
        regime, rule = REGIMES[language].get(version, REGIMES[language][""])
        assert page.locator(f"#{version} .regime").inner_text() == regime
        assert re.fullmatch(rule, page.inner_text(f"#{version} .rule").replace("\u00a0", " "))
    page.wait_for_selector("#v1 .misses li")
    page.click(".chip:has-text('v3')")
    assert page.locator("#v3").count() == 0
    assert page.locator("#v1, #v2").count() == 2
    context.close()


def test_stale_record_is_on_every_page_and_nothing_is_copied(page: Page) -> None:
    """A7."""
    if datetime.now(UTC).date() <= date(2026, 8, 24):
        pytest.skip("the recorded market is not old yet")
    for path in PAGES.values():
        if not path.startswith("/kr/"):
            continue
        page.goto(path)
        assert page.locator(".readiness.warn").inner_text().startswith("8월 21일 (금) 자료")
        assert page.locator("main.stale").count() == 1
    page.goto(PAGES["stock"])
    page.evaluate("() => { navigator.clipboard.writeText = text => { window.copied = text; }; }")
    page.keyboard.press("c")
    assert page.evaluate("window.copied === undefined")
    assert fetch(page, "/api/health/ready")["state"] == "degraded"


def test_chart_of_a_split_stock(page: Page) -> None:
    """A9: the canvas has bars, the plan's lines are where their prices are, marks are those of the API."""
    if not (assets.FOLDER / "lightweight-charts.js").is_file():
        pytest.skip("the charts' script cannot be fetched here")
    page.goto(PAGES["stock"])
    page.wait_for_selector("figure.drawn canvas")
    page.wait_for_load_state("networkidle")
    answer = fetch(page, f"/api/kr/stocks/{SPLIT}/chart?period=max")
    (event,) = [one for one in answer["factors"] if one["date"] == SPLIT_DAY]
    assert event["factor"] == pytest.approx(FACTOR, abs=1e-6)
    drawn = page.evaluate(
        """() => { const figure = document.querySelector("figure.drawn");
        return {lines: figure.lines().map(line => line.options().price)
            .map(price => [price, figure.candles.priceToCoordinate(price)]),
            marks: figure.markers().filter(one => one.shape === "arrowUp").map(one => one.time),
            bars: figure.candles.data().length}; }"""
    )
    assert drawn["bars"] == len(answer["bars"]) > 700
    assert drawn["marks"] == sorted({one["date"] for one in answer["marks"]})
    orders = [float(one.get_attribute("data-order") or 0) for one in page.locator(".plan [data-order]").all()]
    assert sorted(price for price, _ in drawn["lines"]) == sorted(orders)
    colours = page.evaluate(PIXELS, [place for _, place in drawn["lines"]])
    assert all(colours), "a line of the plan is not within a pixel of its price"
    page.wait_for_selector("figure.with-flow")


PIXELS = """places => { const canvas = document.querySelector("figure.drawn table canvas");
    const scale = canvas.width / canvas.clientWidth, context = canvas.getContext("2d");
    const background = [...context.getImageData(2, 2, 1, 1).data].join();
    return places.map(place => { for (const step of [-1, 0, 1]) {
        const row = context.getImageData(0, Math.round((place + step) * scale), canvas.width, 1).data;
        let inked = 0;
        for (let n = 0; n < row.length; n += 4) if ([...row.slice(n, n + 4)].join() !== background) inked += 1;
        if (inked > canvas.width / 5) return true; }
        return false; }); }"""
"""Whether a line is drawn within one pixel of each place: a fifth of the row has another colour than the background."""


def test_page_at_twice_its_size_is_usable(chromium: Browser, krx_server: str) -> None:
    """A10: 200 % of a desk is half its width; without motion nothing moves."""
    options = {"viewport": {"width": 683, "height": 384}, "device_scale_factor": 2, "reduced_motion": "reduce"}
    context = trader(chromium, krx_server, locale="ko-KR", **options)
    page = context.new_page()
    for path in (path for name, path in PAGES.items() if name not in STAFF_PAGES):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") == 683, path
        covered = page.evaluate("document.querySelector('.top').getBoundingClientRect().height / innerHeight")
        assert covered < 0.4, path
    moving = page.evaluate("document.getAnimations().filter(one => one.playState === 'running').length")
    assert moving == 0
    context.close()
