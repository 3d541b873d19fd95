"""Who may look, logging in without staff rights, and settings that belong to their owner."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.test import Client

if TYPE_CHECKING:
    from django.contrib.auth.models import User

PAGES = [
    "/",
    "/kr/",
    "/kr/2024-05-03/",
    "/kr/signals",
    "/kr/s/005930",
    "/kr/search",
    "/help",
    "/settings",
]


@pytest.mark.parametrize("path", PAGES)
def test_anonymous_visitor_is_sent_to_log_in(client: Client, db: None, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 302
    assert response["Location"].startswith("/login?next=")


def test_trader_without_staff_rights_logs_in_and_reads(client: Client, trader: User) -> None:
    wrong = client.post("/login", {"username": "trader", "password": "another"})
    assert wrong.status_code == 200
    right = client.post(
        "/login?next=/help",
        {"username": "trader", "password": "a trader's password", "next": "/help"},
    )
    assert right["Location"] == "/help"
    assert client.get("/help").status_code == 200
    assert client.get("/admin/").status_code == 302


def test_login_does_not_lead_to_another_site(client: Client, trader: User) -> None:
    response = client.post(
        "/login",
        {"username": "trader", "password": "a trader's password", "next": "https://example.org/"},
    )
    assert response["Location"] == "/"


def test_settings_are_kept_and_apply_at_once(browser: Client, trader: User) -> None:
    from scans.models import ReaderSettings

    response = browser.post("/settings", {"language": "ko", "theme": "dark"})
    assert response.status_code == 302
    row = ReaderSettings.objects.get(user=trader)
    assert (row.language, row.theme) == ("ko", "dark")
    html = browser.get("/settings").content.decode()
    assert '<html lang="ko" data-theme="dark"' in html


def test_settings_refuse_what_is_not_a_choice(browser: Client) -> None:
    assert browser.post("/settings", {"language": "xx", "theme": "pink"}).status_code == 200


def test_korean_browser_reads_korean(browser: Client) -> None:
    html = browser.get("/help", headers={"Accept-Language": "ko-KR,ko;q=0.9"}).content.decode()
    assert "도움말" in html
    assert "Help" not in html


def test_unknown_visitor_writes_no_settings(client: Client, db: None) -> None:
    from scans.models import ReaderSettings

    response = client.post("/settings", {"language": "ko", "theme": "dark"})
    assert response["Location"].startswith("/login?next=")
    assert not ReaderSettings.objects.exists()


def test_settings_of_another_reader_stay(browser: Client, trader: User) -> None:
    from django.contrib.auth.models import User

    from scans.models import ReaderSettings

    other = User.objects.create_user("another")
    ReaderSettings.objects.create(user=other, language="en")
    browser.post("/settings", {"language": "ko", "theme": "", "user": other.pk})
    assert ReaderSettings.objects.get(user=other).language == "en"
    assert ReaderSettings.objects.get(user=trader).language == "ko"
