"""A trader's browser on the pages, and what is true of each of them: nothing failed, nothing wider than the window, no
serious finding of axe, no English word on a Korean page."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from seismo_site import assets
from tests.browser.conftest import ARTIFACTS

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page, Request

PATIENCE = 60_000
"""Milliseconds: a busy machine is no failure."""
PASSWORD = "a trader's password"  # noqa: S105 - of servers that live for one test
TRADER = """
from django.contrib.auth.models import User
User.objects.create_user("trader", password="a trader's password")
User.objects.create_user("chief", password="a trader's password", is_staff=True)
"""
DESK, PHONE = (1366, 768), (390, 844)
PAGES = {
    "tonight": "/kr/{day}/",
    "filters": "/kr/funnel?scanner_version={version}&date={day}",
    "signals": "/kr/signals",
    "closed": "/kr/signals?status=closed",
    "stock": "/kr/s/{code}?scanner_version={version}&date={day}",
    "reasons": "/kr/reasons/{code}?scanner_version={version}&date={day}",
    "rates": "/kr/rates/{code}?scanner_version={version}&date={day}",
    "review": "/kr/{day}/review",
    "search": "/kr/search?q={text}",
    "portfolio": "/kr/portfolio?scanner_version={version}",
    "portfolio report": "/kr/portfolio/report?scanner_version={version}",
    "research": "/kr/research",
    "sweep": "/kr/research/volume",
    "candles": "/upbit/candles",
    "candle-market": "/upbit/candles/KRW-BTC?timeframe=1m",
    "collections": "/upbit/candles/KRW-BTC/collections?timeframe=1m",
    "sources": "/kr/sources",
    "empty": "/bithumb/",
    "settings": "/settings",
    "messages": "/settings/messages",
    "channel": "/settings/messages/1",
    "delete-own-data": "/settings/delete",
    "operations": "/ops",
    "help": "/help",
}
"""Each page by the name of its screenshot; the login is opened before them."""
STAFF_PAGES = {"operations"}
"""Those for staff alone."""
EVERYTHING = """
from datetime import date, timedelta
import pandas as pd
from django.contrib.auth.models import User
from marketdata.candles.collector.planner import CandleRequest
from marketdata.candles.collector.timeframes import as_datetime
from marketdata.candles.operations.collect import collect
from marketdata.models import StockPrice
from scans.models import MessageChannel
from tests.marketdata.candles.collector.minute_market import END, NOW, minutes
from tests.marketdata.candles.collector.stores import ListSource
from tests.scans.preclose_quotes import scan_before_close
from tests.sweeps import make_sweep

user = User.objects.get(username="trader")
MessageChannel.objects.create(user=user, name="phone", kind="service", language="ko", enabled=False)
make_sweep()
source = ListSource([opened for opened in minutes(700) if opened // 60 % 5], now=NOW)
for before, count in ((END, 200), (END - 400 * 60, 100)):
    request = CandleRequest("KRW-BTC", "1m", count=count, before=as_datetime(before))
    collect(source=source, request=request, as_of=as_datetime(NOW))
day = date.fromisoformat("{day}")
bars = StockPrice.objects.filter(market="kr", date=day).values("stock_code", "date", "close", "volume")
scan_before_close(pd.DataFrame(bars).rename(columns={{"stock_code": "code"}}), day, versions=["{version}"])
"""
"""A sweep, candles with a gap, a message channel and a scan before the close: what fills the pages besides an evening.
Nothing is sent."""
ENGLISH = frozenset(
    re.findall(
        "[a-z]+",
        """tonight review signals research settings help search watch buy exclude close change target stop entry
        pick picks picked dropped stayed new filters stock session sessions version return holding
        waiting open closed score strategy rank regime bull bear neutral crash market record bars day
        week month adjusted raw save note mean hits previous next back messages channel language theme
        delete export candidate swing position collected running""",
    )
)
"""A2: words that the English pages have and no Korean page may have."""
TEXTS = """() => { const texts = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) if (!walker.currentNode.parentElement.closest("script, style, code, pre, kbd, a[lang]"))
        texts.push(walker.currentNode.data);
    return texts; }"""
FEW_ROWS = "document.querySelectorAll('tbody > tr:nth-child(n + 7)').forEach(row => row.remove())"
"""The checker takes 15 s for a list of 200 rows, all made alike."""
SERIOUS = """axe.run(document, {resultTypes: ["violations"]}).then(report => report.violations
    .filter(one => ["serious", "critical"].includes(one.impact)).map(one => [one.id, one.nodes[0].html]))"""
QUIET = 60
"""Milliseconds without a request after which a page is complete."""


@dataclass(frozen=True)
class Look:
    """A language, a size of the window, a theme."""

    language: str
    size: tuple[int, int]
    theme: str

    def __str__(self) -> str:
        return f"{self.language[:2]}-{self.size[0]}-{self.theme}"

    @property
    def audited(self) -> bool:
        """Whether the checker of accessibility runs: what it finds depends on the language or on the size, and each of
        both is in one of these looks."""
        return (self.language == "ko-KR") == (self.size == PHONE)

    @property
    def options(self) -> dict[str, Any]:
        size = {"width": self.size[0], "height": self.size[1]}
        return {"locale": self.language, "viewport": size, "color_scheme": self.theme}


LOOKS = [Look(*one, "light") for one in itertools.product(("ko-KR", "en-US"), (DESK, PHONE))]
every_look = pytest.mark.parametrize("look", LOOKS, ids=str)
"""Languages and sizes; a visit has both themes."""


def page_addresses(**values: str) -> dict[str, str]:
    """`PAGES` of a day, version, code and text."""
    return {name: path.format(**values) for name, path in PAGES.items()}


def log_in(page: Page, name: str = "trader") -> None:
    """By the page of login that is open."""
    page.fill("#id_username", name)
    page.fill("#id_password", PASSWORD)
    page.click("button.primary")
    page.wait_for_url("**/kr/")


def trader(chromium: Browser, server: str, **options: Any) -> BrowserContext:
    """A browser that has logged in as the trader; its window is that of a desk unless another size is an option."""
    context = chromium.new_context(base_url=server, **options)
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.goto("/")
    log_in(page)
    page.close()
    return context


@cache
def axe() -> str:
    """The checker of accessibility, or nothing where it cannot be fetched."""
    assets.main(["--dev"])
    file = assets.NODE_FOLDER / "node_modules" / "axe-core" / "axe.min.js"
    return file.read_text(encoding="utf-8") if file.is_file() else ""


class Visit:
    """A page of a browser that checks each address that it opens, in both themes."""

    def __init__(self, page: Page, look: Look, prefix: str) -> None:
        self.page, self._look, self._prefix = page, look, prefix
        self.complaints: list[str] = []
        self._requests = 0
        page.on("console", lambda line: self.complaints.append(line.text) if line.type == "error" else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda _: self._count(1))
        page.on("requestfinished", lambda _: self._count(-1))
        page.on("requestfailed", self._fail)

    def open(self, name: str, path: str, themes: Iterable[str] = ("light", "dark")) -> None:
        """Open an address and check it; screenshots have the prefix, the name and the look."""
        response = self.page.goto(path)
        self._finish_requests()
        assert response is not None
        assert response.status == 200, path
        if self._look.language == "ko-KR":
            words = {word.lower() for text in self.page.evaluate(TEXTS) for word in re.findall(r"[A-Za-z]+", text)}
            assert words & ENGLISH == set(), path
        for theme in themes:
            self.page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
            if self._look.audited or theme == self._look.theme:
                name_of_look = f"{self._prefix}-{name}-{replace(self._look, theme=theme)}"
                self.page.screenshot(path=ARTIFACTS / f"{name_of_look}.png", full_page=True)
            width = self._look.size[0]
            assert self.page.evaluate("document.documentElement.scrollWidth") == width, path
            assert self.page.evaluate("document.querySelector('main').clientWidth") >= min(width, 340), path
        if self._look.audited and axe():
            self.page.evaluate(FEW_ROWS)
            self.page.evaluate(axe())
            for theme in themes:
                self.page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
                assert self.page.evaluate(SERIOUS) == [], (path, theme)
        # What the look itself made the page fetch would fail if the next address were opened now.
        self._finish_requests()

    def _fail(self, request: Request) -> None:
        """A fetch that ends because the next address is opened is no failure: on a busy machine it begins late."""
        self._count(-1)
        if request.failure != "net::ERR_ABORTED":
            self.complaints.append(request.url)

    def _count(self, requests: int) -> None:
        self._requests += requests

    def _finish_requests(self) -> None:
        """Wait until no request is under way."""
        quiet = False
        while self._requests or not quiet:
            quiet = not self._requests
            self.page.wait_for_timeout(QUIET)


@contextmanager
def visiting(context: BrowserContext, look: Look, prefix: str) -> Iterator[Visit]:
    """A page of the browser; what it complains of fails the test."""
    ARTIFACTS.mkdir(exist_ok=True)
    visit = Visit(context.new_page(), look, prefix)
    yield visit
    assert visit.complaints == [], visit.complaints
    visit.page.close()


def visit_pages(chromium: Browser, server: str, look: Look, pages: Mapping[str, str], prefix: str) -> None:
    """Open the login and, as the trader, each page (addresses by names), with a browser of that look."""
    context = chromium.new_context(base_url=server, bypass_csp=True, **look.options)
    context.set_default_timeout(PATIENCE)
    with visiting(context, look, prefix) as visit:
        visit.open("login", "/login")
        log_in(visit.page)
        for name, path in pages.items():
            if name not in STAFF_PAGES:
                visit.open(name, path)
    context.clear_cookies()
    with visiting(context, look, prefix) as visit:
        visit.page.goto("/login")
        log_in(visit.page, "chief")
        for name in STAFF_PAGES & set(pages):
            visit.open(name, pages[name])
    context.close()
