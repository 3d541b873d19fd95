"""The frame of a kept page is rendered once, and still shows each reader what is its own."""

from __future__ import annotations

import re
from datetime import date

import pandas as pd
import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from marketdata.pages import kept
from scans.models import ScanRank
from scans.pages import base

TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


def text(client: Client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200
    return response.content.decode()


@pytest.fixture(autouse=True)
def empty_memos() -> None:
    cache.clear()
    kept.FRAMES.clear()
    base.STATUS_LINES.clear()


def test_second_view_is_the_same_page_with_another_token(scanned: pd.DataFrame, browser: Client) -> None:
    pages = [text(browser, "/kr/signals") for _ in range(3)]
    assert len({TOKEN.sub("", page) for page in pages}) == 1
    tokens = [set(TOKEN.findall(page)) for page in pages]
    assert [len(one) for one in tokens] == [1, 1, 1]
    assert len(set.union(*tokens)) == 3
    assert "<!--part" not in pages[0]


def test_token_of_a_kept_frame_is_accepted(scanned: pd.DataFrame, browser: Client) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(User.objects.create_user("strict"))
    for _ in range(2):
        token = TOKEN.findall(text(strict, "/kr/"))[0]
        sent = strict.post("/language", {"language": "ko", "next": "/kr/", "csrfmiddlewaretoken": token})
        assert sent.status_code == 302


def test_frame_is_that_of_its_reader(scanned: pd.DataFrame, browser: Client) -> None:
    text(browser, "/kr/")
    other = Client()
    other.force_login(User.objects.create_user("another", is_staff=True))
    page = text(other, "/kr/")
    assert "<summary>another</summary>" in page
    assert "/admin/" in page
    assert "/admin/" not in text(browser, "/kr/")
    other.cookies["seismo_theme"] = "dark"
    assert 'data-theme="dark"' in text(other, "/kr/")
    assert 'data-theme="dark"' not in text(browser, "/kr/")
    assert '<html lang="ko"' in browser.get("/kr/", headers={"Accept-Language": "ko"}).content.decode()


QUERIES = {
    "/kr/": (6, 3),
    "/kr/{day}/": (6, 3),
    "/kr/{day}/review": (5, 3),
    "/kr/signals": (5, 3),
    "/kr/signals?status=closed": (5, 3),
    "/kr/s/005930": (5, 3),
    "/kr/sources": (6, 4),
    "/kr/search?q=": (5, 3),
    "/kr/search?q=00": (5, 3),
    "/kr/research": (6, 4),
    "/kr/portfolio?scanner_version=rises": (5, 3),
    "/settings": (3, 3),
    "/settings/messages": (6, 6),
    "/help": (2, 2),
}
"""Page -> its queries where nothing is kept, and where its content is: session with generations, user, tags with what
runs."""
MOST = 6


@pytest.mark.usefixtures("one_minute")
@pytest.mark.parametrize("path", QUERIES)
def test_queries_of_a_page(path: str, scanned: pd.DataFrame, sessions: list[date], browser: Client) -> None:
    numbers = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as made:
            text(browser, path.format(day=sessions[30]))
        numbers.append(len(made))
    assert tuple(numbers) == QUERIES[path]
    assert max(numbers) <= MOST


@pytest.mark.usefixtures("one_minute")
def test_queries_are_as_many_for_fifty_picks_as_for_five(
    scanned: pd.DataFrame, sessions: list[date], browser: Client
) -> None:
    paths = [f"/kr/{sessions[30]}/", f"/kr/{sessions[30]}/review", "/kr/s/005930"]
    version = ScanRank.objects.filter(date=sessions[30], published=True).values_list("session", flat=True)[0]
    numbers: list[list[int]] = []
    for size in (5, 50):
        rank = ScanRank.objects.filter(session=version).first()
        assert rank is not None
        ScanRank.objects.filter(session=version).exclude(pk=rank.pk).delete()
        for place in range(1, size):
            values = {field.attname: getattr(rank, field.attname) for field in ScanRank._meta.concrete_fields}
            ScanRank.objects.create(**values | {"id": None, "rank": place + 1, "code": f"9{place:05}"})
        cache.clear()
        text(browser, "/kr/s/000020")  # the table of instruments
        numbers.append([])
        for path in paths:
            with CaptureQueriesContext(connection) as made:
                text(browser, path)
            numbers[-1].append(len(made))
        assert "900004" in text(browser, paths[0])
    assert numbers[0] == numbers[1]
    assert max(numbers[0]) <= MOST
