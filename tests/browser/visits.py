"""A trader's browser on the pages, and what holds on each of them: nothing failed, nothing wider than the window,
no serious finding of axe."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from seismo_site import assets
from tests.browser.conftest import ARTIFACTS

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext

PATIENCE = 60_000
"""Milliseconds: a busy machine is no failure."""
PASSWORD = "a trader's password"  # noqa: S105 - of servers that live for one test
TRADER = """
from django.contrib.auth.models import User
User.objects.create_user("trader", password="a trader's password")
"""
DESK, PHONE = (1366, 768), (390, 844)


@dataclass(frozen=True)
class Look:
    """A language, a size of the window, a theme."""

    language: str
    size: tuple[int, int]
    theme: str

    def __str__(self) -> str:
        return f"{self.language[:2]}-{self.size[0]}-{self.theme}"

    @property
    def options(self) -> dict[str, Any]:
        size = {"width": self.size[0], "height": self.size[1]}
        return {"locale": self.language, "viewport": size, "color_scheme": self.theme}


EVERY_LOOK = [Look(*one) for one in itertools.product(("ko-KR", "en-US"), (DESK, PHONE), ("light", "dark"))]
every_look = pytest.mark.parametrize("look", EVERY_LOOK, ids=str)


def trader(chromium: Browser, server: str, **options: Any) -> BrowserContext:
    """A browser that has logged in as the trader; its window is that of a desk unless said otherwise."""
    context = chromium.new_context(base_url=server, **options)
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.goto("/")
    page.fill("#id_username", "trader")
    page.fill("#id_password", PASSWORD)
    page.click("button.primary")
    page.wait_for_url("**/kr/")
    page.close()
    return context


@cache
def axe() -> str:
    """The checker of accessibility, or nothing where it cannot be fetched."""
    assets.main(["--dev"])
    file = assets.NODE_FOLDER / "node_modules" / "axe-core" / "axe.min.js"
    return file.read_text(encoding="utf-8") if file.is_file() else ""


def visit_pages(context: BrowserContext, pages: dict[str, str], name: str) -> None:
    """Open each page and check it; `pages` are addresses by the names of their screenshots, `name` is their ending."""
    ARTIFACTS.mkdir(exist_ok=True)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("requestfailed", lambda request: complaints.append(request.url))
    width = page.viewport_size["width"] if page.viewport_size else 0
    for which, path in pages.items():
        response = page.goto(path)
        page.wait_for_load_state("networkidle")
        assert response is not None
        assert response.status == 200, path
        page.screenshot(path=ARTIFACTS / f"{which}-{name}.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth") == width, path
        assert page.evaluate("document.querySelector('main').clientWidth") >= min(width, 340), path
        if axe():
            page.evaluate(axe())
            found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
            serious = [
                (one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in ("serious", "critical")
            ]
            assert serious == [], path
    assert complaints == []
