"""Who may look, logging in without staff rights, and settings that belong to their owner."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Any

import pandas as pd
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
    "/kr/review",
    "/kr/2024-05-03/review",
    "/kr/search",
    "/help",
    "/settings",
    "/settings/delete",
    "/settings/messages",
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


def test_the_page_of_settings_takes_one_statement_beside_session_and_user(
    browser: Client, trader: User, django_assert_num_queries: Any
) -> None:
    browser.post("/settings", {"language": "ko", "theme": "dark"})
    browser.get("/settings")
    with django_assert_num_queries(3):
        assert 'value="dark" selected' in browser.get("/settings").content.decode()


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


def test_settings_apply_at_the_next_login_on_another_browser(browser: Client, trader: User) -> None:
    sent = {"language": "ko", "theme": "dark", "density": "compact", "market": "upbit", "versions": ["v3", "v2"]}
    assert browser.post("/settings", sent)["Location"] == "/settings?saved"
    other = Client()
    other.post("/login", {"username": "trader", "password": "a trader's password"})
    html = other.get("/settings").content.decode()
    assert '<html lang="ko" data-theme="dark" data-density="compact"' in html
    assert re.findall(r'value="([\w-]+)"[^>]* checked', html) == ["v2", "v3"]
    assert other.get("/")["Location"] == "/upbit/"


def test_a_forged_cookie_of_settings_does_no_harm(browser: Client, db: None) -> None:
    for value in ("../../etc", "x" * 5_000, "..", "v2\u00e9", "-"):
        browser.cookies["seismo_markets"] = browser.cookies["seismo_versions"] = value
        assert browser.get("/")["Location"] == "/kr/"


def test_deletion_asks_first_and_takes_marks_and_settings(browser: Client, trader: User) -> None:
    from scans.models import Mark, ReaderSettings
    from tests.scans.conftest import AS_OF

    Mark.objects.create(user=trader, market="kr", code="005930", updated_at=AS_OF)
    browser.post("/settings", {"language": "ko", "market": "kr"})
    assert "1건" in browser.get("/settings/delete").content.decode()
    assert Mark.objects.exists()
    response = browser.post("/settings/delete")
    assert response["Location"] == "/settings"
    assert response.cookies["django_language"].value == ""
    assert not Mark.objects.exists()
    assert not ReaderSettings.objects.exists()
    assert browser.get("/settings").status_code == 200


def test_the_evening_has_the_chosen_versions_of_each_reader(
    scanned: pd.DataFrame, sessions: list[date], browser: Client
) -> None:
    """Also where the page of another reader is kept already."""
    page = f"/kr/{sessions[30]}/"
    blocks = re.compile(r'<section class="block" id="([\w-]+)"')
    assert blocks.findall(browser.get(page).content.decode()) == ["rises", "rises-10"]
    browser.post("/settings", {"versions": ["rises-10"], "market": "kr"})
    html = browser.get(page).content.decode()
    assert blocks.findall(html) == ["rises-10"]
    assert 'href="?versions=rises-10.rises" class="chip off"' in html
    assert blocks.findall(browser.get(page + "?versions=rises").content.decode()) == ["rises"]
    assert blocks.findall(browser.get(page + "?versions=nothing.").content.decode()) == ["rises-10"]
    browser.cookies["seismo_versions"] = "gone"
    assert blocks.findall(browser.get(page).content.decode()) == ["rises", "rises-10"]
