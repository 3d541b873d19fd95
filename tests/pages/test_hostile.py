"""Hostile input at every address and form of the pages: a clean refusal, nothing of it in the page as markup, and the
same content security policy on every answer."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from urllib.parse import quote

import pandas as pd
import pytest
from django.test import Client
from django.urls import URLPattern, reverse

from marketdata.candles.pages.urls import urlpatterns as candle_patterns
from scans.models import Mark, MessageChannel, ScanRequest
from scans.pages.urls import urlpatterns

MARKUP = "\"'><script>alert(1)</script>{{ 7 }}{% x %}"
VALUES = (
    MARKUP,
    "\x00",
    "%00",
    "' OR 1=1 --",
    "9" * 400,
    "-1",
    "NaN",
    "0000-00-00",
    "9999-12-31",
    "../../etc/passwd",
    "\u202ekr",
    "\ud55c" * 300,
    "[]",
    "2024-04-30T00:00",
)
READ = ("scanner_version", "date", "versions", "status", "q", "part", "code", "slots", "timeframe", "to", "reading")
PARAMETERS = (*READ, "tag", "next", "saved")
WHERE = {"slug": "volume", "market": "kr", "day": date(2024, 4, 30), "code": "005930", "pk": 1}
LEAVES = {"pages:login", "pages:logout"}
"""Forms that change who reads."""


def addresses() -> dict[str, str]:
    """Name -> address of every page."""
    paths = {"set_language": "/language", "first_user": "/first-user/secret"}
    for room, patterns in (("pages", urlpatterns), ("candles", candle_patterns)):
        for pattern in patterns:
            assert isinstance(pattern, URLPattern)
            named = {name: WHERE[name] for name in pattern.pattern.converters}
            paths[f"{room}:{pattern.name}"] = reverse(f"{room}:{pattern.name}", kwargs=named)
    return paths


ADDRESSES = addresses()
ROOT = Path(__file__).parents[2]
ROOMS = ("scans/pages", "marketdata/pages", "marketdata/candles/pages")


@pytest.fixture(scope="module")
def policies() -> set[str]:
    """The content security policies of every answer of this file."""
    return set()


@pytest.mark.slow
def test_every_parameter_is_attacked() -> None:
    files = [file for room in ROOMS for file in (ROOT / room).rglob("*.py")]
    read = {name for file in files for name in re.findall(r"""GET(?:\.get\(|\[)"(\w+)\"""", file.read_text())}
    assert read | {"part"} == set(READ)


@pytest.mark.slow
@pytest.mark.parametrize("name", ADDRESSES)
def test_hostile_parameters(scanned: pd.DataFrame, browser: Client, policies: set[str], name: str) -> None:
    for value in VALUES:
        response = browser.get(ADDRESSES[name], dict.fromkeys(PARAMETERS, value))
        assert response.status_code in {200, 302, 403, 404, 405}, (name, value)
        assert MARKUP not in response.content.decode()
        policies.add(response.headers["Content-Security-Policy"])
    assert len(policies) == 1


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in ADDRESSES if name not in LEAVES])
def test_hostile_forms(scanned: pd.DataFrame, browser: Client, name: str) -> None:
    fields = (*PARAMETERS, "note", "onward", "language", "theme", "density", "market", "markets", "kind", "address")
    for value in VALUES:
        response = browser.post(ADDRESSES[name], dict.fromkeys((*fields, "name", "enabled"), value))
        assert response.status_code in {200, 302, 400, 403, 404, 405}, (name, value)
        assert MARKUP not in response.content.decode()
        assert not response.headers.get("Location", "/").startswith(("http", "//"))
    assert not Mark.objects.exclude(tag="").exists()
    assert not MessageChannel.objects.exists()
    assert not ScanRequest.objects.exists()


@pytest.mark.slow
@pytest.mark.parametrize("value", [value for value in VALUES if "/" not in value and value != "%00"])
def test_hostile_parts_of_an_address(scanned: pd.DataFrame, browser: Client, value: str) -> None:
    part = quote(value)
    for path in (
        f"/{part}/",
        f"/kr/{part}/",
        f"/kr/s/{part}",
        f"/kr/reasons/{part}",
        f"/kr/{part}/review",
        f"/{part}/signals",
        f"/kr/rates/{part}",
        f"/kr/research/{part}",
        f"/{part}/portfolio",
        f"/{part}/candles",
        f"/settings/messages/{part}",
        f"/first-user/{part}",
    ):
        assert browser.get(path).status_code == 404, path
    for path in (f"/upbit/candles/{part}", f"/upbit/candles/{part}/collections"):  # of a coin without candles
        assert browser.get(path).status_code in {200, 404}, path
        assert MARKUP not in browser.get(path).content.decode()
    assert browser.post(f"/kr/marks/{part}", {"tag": "buy"}).status_code == 404


@pytest.mark.slow
def test_pages_load_nothing_from_elsewhere(scanned: pd.DataFrame, browser: Client) -> None:
    policy = browser.get("/kr/").headers["Content-Security-Policy"]
    assert "unsafe" not in policy.replace("style-src 'self' 'unsafe-inline'", "")
    assert "http" not in policy
