"""Where pages may show live prices: in a session that trades or will today, with a source that has quotes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import pandas as pd
import pytest
from django.test import Client
from django.utils import timezone

from scans.pages import base
from tests.exchanges.krx_open_api import KST

AtTime = Callable[[str], None]


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> AtTime:
    def set_clock(text: str) -> None:
        moment = datetime.fromisoformat(text).replace(tzinfo=KST)
        monkeypatch.setattr(timezone, "now", lambda: moment)
        base.QUOTED_MARKETS.clear()

    return set_clock


@pytest.fixture
def source(settings: Any) -> None:
    keys = {"app_key": "PSimitationkey", "app_secret": "imitation-secret"}
    settings.SOURCES = settings.SOURCES | {"kis": settings.SOURCES["kis"] | keys}


def hours(html: str) -> str:
    """The hours of live prices as the page has them; "" without."""
    return html.split(' data-quotes-from="')[1].split(' data-zone="')[0] if "data-quotes=" in html else ""


CONTINUOUS = '2024-05-02T09:01:00+09:00" data-quotes-until="2024-05-02T15:20:00+09:00"'
EXAM_DAY = '2026-11-19T10:01:00+09:00" data-quotes-until="2026-11-19T16:20:00+09:00"'


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2024-05-02T08:30", CONTINUOUS),
        ("2024-05-02T15:19", CONTINUOUS),
        ("2024-05-02T15:20", ""),
        ("2024-05-02T18:00", ""),
        ("2024-05-04T10:30", ""),
        ("2026-11-19T09:30", EXAM_DAY),
        ("2026-11-19T15:40", EXAM_DAY),
    ],
)
@pytest.mark.usefixtures("source")
def test_hours_of_live_prices(scanned: pd.DataFrame, browser: Client, at: AtTime, moment: str, expected: str) -> None:
    at(moment)
    html = browser.get("/kr/").content.decode()
    assert hours(html) == expected
    assert ("seismo/live.js" in html) == bool(expected)


def test_without_a_source_there_are_none(scanned: pd.DataFrame, browser: Client, at: AtTime) -> None:
    at("2024-05-02T10:30")
    for path in ("/kr/", "/kr/signals"):
        html = browser.get(path).content.decode()
        assert "data-quotes" not in html
        assert "seismo/live.js" not in html


@pytest.mark.usefixtures("source")
def test_only_the_latest_evening_has_them(
    scanned: pd.DataFrame, sessions: list[date], browser: Client, at: AtTime
) -> None:
    at("2024-05-02T10:30")
    html = browser.get(f"/kr/{sessions[29]}/").content.decode()
    assert (hours(html), html.count("data-now=")) == ("", 0)
