"""A server of its own over a small market, and a headless Chromium that looks at it.

Screenshots are kept in test-artifacts/. Where there is no Chromium the tests skip: `apt-get install chromium`.
Everything here ends with the last test of the package: until Playwright ends, an event loop counts as running in the
thread of the tests, and whichever came next in the same process could start none of its own.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from seismo_site import assets
from tests.browser.market import SETTING_UP, prices
from tests.seismo_site.running import ROOT, environment, installed, managed_in_turn
from tests.serving import serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ARTIFACTS = ROOT / "test-artifacts"
SWITCHES = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, or a skip that says what is missing."""
    path = shutil.which("chromium")
    if not path:
        pytest.skip("Chromium is not here (apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(SWITCHES))
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def data(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with the market, an operator and a version; the static files, the charts' too, are collected."""
    assets.main([])
    folder = installed(tmp_path_factory.mktemp("browser"))
    prices().to_csv(folder / "prices.csv", index=False)
    managed_in_turn(
        folder,
        ("collectstatic", "--no-input", "--verbosity", "0"),
        ("shell", "--no-imports", "-c", SETTING_UP.format(folder=folder)),
    )
    return folder


@pytest.fixture(scope="package")
def server(chromium: Browser, data: Path) -> Iterator[str]:
    """The address of a production server over `data`."""
    with serving(environment(data), data / "server.log") as running:
        yield running.address
