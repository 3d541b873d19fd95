"""Every page that a reader can open is among those that the browser visits."""

from __future__ import annotations

from django.urls import URLPattern, resolve

from marketdata.candles.pages.urls import urlpatterns as candle_patterns
from scans.pages.urls import urlpatterns
from tests.browser.visits import page_addresses

FORMS = {"logout", "mark", "rescan", "message_test", "message_delete", "test_notification"}
OF_OTHER_ADDRESSES = {"home", "latest_review", "login"}
"""Addresses that show one of the other pages, and the login, which each visit opens first."""


def test_every_page_is_visited() -> None:
    visited = {
        resolve(path.split("?")[0]).url_name
        for path in page_addresses(day="2024-04-30", code="005930", version="v2", text="").values()
    }
    pages = {one.name for one in (*urlpatterns, *candle_patterns) if isinstance(one, URLPattern)}
    assert pages - FORMS - OF_OTHER_ADDRESSES == visited
