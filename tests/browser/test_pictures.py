"""The pictures of README.md and the documentation, of a generated market: on a desk light and dark, on a phone.

They are written to test-artifacts/pictures/; after a change of the pages: `cp test-artifacts/pictures/* docs/images/`.
"""

from __future__ import annotations

import base64
import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from seismo_site import assets
from tests.browser.conftest import ARTIFACTS
from tests.browser.visits import DESK, PHONE, TRADER, Look, trader
from tests.seismo_site.running import environment, installed, managed_in_turn
from tests.serving import serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.slow

PICTURES = ARTIFACTS / "pictures"
LAST = "2026-11-27"
MOST = 150_000
"""Bytes of a picture."""
SHOTS = {
    "tonight": (Look("en-US", DESK, "light"), f"/kr/{LAST}/"),
    "stock-dark": (Look("en-US", DESK, "dark"), "first pick"),
    "tonight-phone": (Look("ko-KR", PHONE, "light"), f"/kr/{LAST}/"),
}


PALETTE = """async screenshot => {
    const image = new Image();
    image.src = `data:image/png;base64,${screenshot}`;
    await image.decode();
    const {width, height} = image;
    const canvas = new OffscreenCanvas(width, height), context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    const pixels = new Uint32Array(context.getImageData(0, 0, width, height).data.buffer);
    const counts = new Map();
    for (const pixel of pixels) counts.set(pixel, (counts.get(pixel) ?? 0) + 1);
    const split = pixel => [pixel & 255, (pixel >> 8) & 255, (pixel >> 16) & 255];
    const colours = [...counts].sort((a, b) => b[1] - a[1]).slice(0, 200).map(([pixel]) => split(pixel));
    const nearest = new Map();
    for (const pixel of counts.keys()) {
        const own = split(pixel);
        const far = colours.map(one => one.reduce((sum, value, n) => sum + (value - own[n]) ** 2, 0));
        nearest.set(pixel, far.indexOf(Math.min(...far)));
    }
    return {width, height, colours, rows: [...pixels].map(one => String.fromCharCode(nearest.get(one))).join("")};
}"""
"""The 200 most frequent colours of a screenshot, and the number of the nearest one for each pixel."""


def write_picture(file: Path, picture: dict[str, Any]) -> None:
    """Write a PNG with a palette (PNG specification, chunks IHDR, PLTE, IDAT, IEND; colour type 3, no filter)."""
    width, height = picture["width"], picture["height"]
    numbers = picture["rows"].encode("latin-1")
    rows = b"".join(b"\0" + numbers[n * width : (n + 1) * width] for n in range(height))
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
        (b"PLTE", bytes(value for colour in picture["colours"] for value in colour)),
        (b"IDAT", zlib.compress(rows, 9)),
        (b"IEND", b""),
    )
    parts = [
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    ]
    file.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))


@pytest.fixture(scope="module")
def generated(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server over a generated market that three versions have scanned."""
    assets.main([])
    data = installed(tmp_path_factory.mktemp("generated"))
    prices = str(data / "prices.parquet")
    versions = ("--version", "v1", "--version", "v2", "--version", "v3")
    managed_in_turn(
        data,
        ("make_demo_prices", "--output", prices, "--end", LAST),
        ("import_prices", prices, "--source", "demo"),
        ("run_scan", *versions, "--from", "2026-11-25", "--to", LAST, "--format", "csv", "--output", os.devnull),
        ("update_signals", "--market", "kr"),
        ("shell", "--no-imports", "-c", TRADER),
        ("collectstatic", "--no-input", "--verbosity", "0"),
    )
    with serving(environment(data), data / "server.log") as running:
        yield running.address


@pytest.mark.parametrize("name", SHOTS)
def test_picture_is_small(chromium: Browser, generated: str, name: str) -> None:
    look, path = SHOTS[name]
    context = trader(chromium, generated, bypass_csp=True, **look.options)
    page = context.new_page()
    page.goto(f"/kr/{LAST}/")
    if path == "first pick":
        page.locator(".picks .name a").first.click()
        page.wait_for_selector("#reasons .reasons")
        if (assets.FOLDER / "lightweight-charts.js").is_file():
            page.wait_for_selector("figure.drawn canvas")
    page.wait_for_load_state("networkidle")
    page.mouse.move(0, 0)
    PICTURES.mkdir(parents=True, exist_ok=True)
    file = PICTURES / f"{name}.png"
    write_picture(file, page.evaluate(PALETTE, base64.b64encode(page.screenshot()).decode()))
    context.close()
    assert file.stat().st_size < MOST
