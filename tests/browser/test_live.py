"""Live prices on the pages of picks and signals: a server at 10:30 of a session, an imitation of KIS, a browser whose
clock the test sets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from tests.browser.test_states import Site, scan_command, shell_command
from tests.browser.visits import DESK, PATIENCE, PHONE, TRADER, Look, trader, visiting
from tests.exchanges.kis import KisExchange
from tests.exchanges.kis_market import Bar, Instrument
from tests.exchanges.krx_open_api import KST
from tests.seismo_site.running import environment, installed
from tests.serving import serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow

DAYS = [day.date() for day in pd.bdate_range("2026-07-20", "2026-08-20") if day.date() != date(2026, 8, 17)]
TODAY = date(2026, 8, 21)
OPEN = datetime(2026, 8, 21, 10, 30, tzinfo=KST)
PLAN = """
from datetime import datetime, timezone
from scans.operations import versions

settings = {"match": "volume > 0", "score": "volume / sma(volume, 5)", "min_bars": 2, "target": 0.1, "stop": 0.05}
versions.create_version(
    slug="pages", engine="formula", settings=settings, who="setup", at=datetime.now(timezone.utc), title="All"
)
"""
PRICE = {"000010": 10_400, "000020": 19_700, "000030": 30_000, "000040": 20_000, "000050": 50_100}
"""Last prices today; those before are 10,000 to 50,000. The fourth had a split, the fifth has not traded."""


def share(number: int) -> Instrument:
    code, close = f"{number:05d}0", 10_000 * number
    bars = [Bar(day, close, close + 10, close - 10, close, 1_000, close) for day in DAYS]
    price, base = PRICE[code], close // 2 if number == 4 else close
    bars += [Bar(TODAY, base, max(price, base), min(price, base), price, 500, base)] if number < 5 else []
    return Instrument(f"종목 {number}", bars)


@pytest.fixture(scope="module")
def exchange() -> Iterator[KisExchange]:
    market = {f"{number:05d}0": share(number) for number in range(1, 6)}
    with KisExchange(market, today=TODAY, token_every=0.0, per_second=1_000) as made:
        made.clock = OPEN.timestamp
        yield made


@pytest.fixture(scope="module")
def address(chromium: Browser, exchange: KisExchange, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server at 10:30 whose record ends with the session before."""
    site = Site(installed(tmp_path_factory.mktemp("live")))
    site.set_clock("2026-08-20T16:00")
    rows = [
        (bar.session, code, one.name, *bar[1:6], "KOSPI")
        for code, one in exchange.market.items()
        for bar in one.bars
        if bar.session != TODAY
    ]
    columns = ["date", "code", "name", "open", "high", "low", "close", "volume", "segment"]
    site.manage(
        shell_command(PLAN + TRADER),
        site.import_command(pd.DataFrame(rows, columns=columns)),
        scan_command(DAYS[-2], DAYS[-1], "pages"),
        ("update_signals", "--market", "kr"),
        ("collectstatic", "--no-input", "--verbosity", "0"),
    )
    site.set_clock("2026-08-21T10:30")
    keys = {"KIS_APP_KEY": "PSimitationkey", "KIS_APP_SECRET": "imitation-secret", "KIS_TOKEN_SECONDS": "0.001"}
    env = {**environment(site.data), **site.env, **keys, "KIS_HOST": exchange.url}
    with serving(env, site.data / "server.log") as running:
        yield running.address


@pytest.fixture
def page(chromium: Browser, address: str) -> Iterator[Page]:
    context = trader(chromium, address, locale="ko-KR", viewport={"width": 1366, "height": 768})
    yield context.new_page()
    context.close()


def texts(page: Page, code: str) -> list[str]:
    """The live texts of an instrument's first row that are shown: price, distance to target and to stop."""
    row = page.locator(f"tr:has([data-now='{code}'])").first
    return [one.inner_text() for one in row.locator(".now").all() if one.is_visible()]


@pytest.mark.parametrize("path", ["/kr/", "/kr/signals"])
def test_prices_and_distances(page: Page, path: str) -> None:
    """Target +10 % and stop -5 % of the close, on the tick grid."""
    page.clock.install(time=OPEN)
    page.goto(path)
    page.locator("#quotes").wait_for(state="visible")
    assert page.locator("#quotes").inner_text() == "현재가 기준 시각 10:30:00 KST"
    assert texts(page, "000010") == ["10,400 +4.00 %", "+5.8 %", "\u22128.7 %"]  # 11,000 and 9,500
    assert texts(page, "000020") == ["19,700 \u22121.50 %", "+11.7 %", "\u22123.6 %"]  # 22,000 and 19,000
    assert texts(page, "000030") == ["30,000 0.00 %", "+10.0 %", "\u22125.0 %"]
    assert texts(page, "000040") == ["20,000 0.00 %"]  # plan and price are on two sides of the split
    assert texts(page, "000050") == []


def test_prices_are_read_again_in_the_session_alone(page: Page) -> None:
    requests = counted(page)
    page.clock.install(time=OPEN)
    page.goto("/kr/signals")
    page.locator("#quotes").wait_for(state="visible")
    assert requests() == 1
    with page.expect_response("**/api/kr/quotes*"):
        page.clock.run_for(30_000)
    hide(page, hidden=True)
    page.clock.run_for(120_000)
    assert requests() == 2
    with page.expect_response("**/api/kr/quotes*"):
        hide(page, hidden=False)
        page.clock.run_for(1_000)
    page.clock.fast_forward(
        datetime(2026, 8, 21, 15, 20, 1, tzinfo=KST).timestamp() * 1000 - page.evaluate("Date.now()")
    )
    page.clock.run_for(1_000)
    page.locator("#quotes").wait_for(state="hidden")
    assert page.locator(".now:visible").count() == 0
    before = requests()
    page.clock.run_for(600_000)
    assert requests() == before


def test_prices_begin_with_the_session(page: Page) -> None:
    requests = counted(page)
    page.clock.install(time=datetime(2026, 8, 21, 8, 50, tzinfo=KST))
    page.goto("/kr/signals")
    page.clock.run_for(600_000)
    assert requests() == 0
    with page.expect_response("**/api/kr/quotes*"):
        page.clock.run_for(61_000)


def test_a_failure_leaves_no_old_price(page: Page) -> None:
    page.clock.install(time=OPEN)
    page.goto("/kr/")
    page.locator("#quotes").wait_for(state="visible")
    page.route("**/api/kr/quotes*", lambda route: route.fulfill(status=503, body="{}"))
    with page.expect_response("**/api/kr/quotes*"):
        page.clock.run_for(30_000)
    page.locator("#quotes").wait_for(state="hidden")
    assert page.locator(".now:visible").count() == 0
    page.unroute("**/api/kr/quotes*")
    with page.expect_response("**/api/kr/quotes*"):
        page.clock.run_for(60_000)
    page.locator("#quotes").wait_for(state="visible")


def test_an_older_evening_has_no_live_prices(page: Page) -> None:
    page.goto(f"/kr/{DAYS[-2]}/")
    assert page.locator("[data-now]").count() == 0
    assert page.locator("main[data-quotes]").count() == 0


def test_without_scripts_there_is_no_live_price(chromium: Browser, address: str) -> None:
    context = trader(chromium, address, locale="ko-KR", java_script_enabled=False)
    page = context.new_page()
    for path in ("/kr/", "/kr/signals"):
        page.goto(path)
        assert page.locator("[data-now]").count() > 0
        assert page.locator(".now:visible").count() == 0
    context.close()


@pytest.mark.parametrize("look", [Look("ko-KR", PHONE, "dark"), Look("en-US", DESK, "light")], ids=str)
def test_live_prices_fit_every_look(chromium: Browser, address: str, look: Look) -> None:
    context = trader(chromium, address, bypass_csp=True, **look.options)
    context.clock.install(time=OPEN)
    with visiting(context, look, "live") as visit:
        for name, path in (("tonight", "/kr/"), ("signals", "/kr/signals")):
            visit.open(name, path, themes=[look.theme])
        assert visit.page.locator("#quotes").is_visible()
    context.close()


def counted(page: Page) -> Callable[[], int]:
    """The number of requests for quotes so far."""
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url) if "/quotes?" in request.url else None)
    page.set_default_timeout(PATIENCE)
    return lambda: len(requests)


def hide(page: Page, *, hidden: Any) -> None:
    """As a browser does whose tab is left or come back to."""
    page.evaluate(
        "hidden => { Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });"
        " document.dispatchEvent(new Event('visibilitychange')); }",
        hidden,
    )
