"""A page that is put together once shows each reader its own marks alone, and every change at once."""

from __future__ import annotations

import gzip
import re
from datetime import date

import pandas as pd
import pytest
from django.contrib.auth.models import User
from django.test import Client

from marketdata.models import Instrument
from marketdata.operations import generations
from marketdata.pages import kept
from scans.models import Mark, ScannerVersion
from tests.api.conftest import risers
from tests.scans.conftest import AS_OF

TOKEN = re.compile(r'(name="csrfmiddlewaretoken" value=")[^"]+')


@pytest.fixture(autouse=True)
def empty_memos() -> None:
    kept.FRAMES.clear()
    kept.PAGES.clear()


@pytest.fixture
def day(scanned: pd.DataFrame, sessions: list[date]) -> date:
    return sessions[30]


@pytest.fixture
def other() -> Client:
    client = Client()
    client.force_login(User.objects.create_user("other"))
    return client


def text(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def mark(code: str, day: date, note: str, tag: str = "buy") -> None:
    owner = User.objects.get(username="trader")
    values = {"tag": tag, "note": note, "seen_at": AS_OF, "updated_at": AS_OF}
    Mark.objects.update_or_create(user=owner, market="kr", code=code, date=day, defaults=values)


def test_marks_of_one_reader_are_on_no_page_of_another(
    scanned: pd.DataFrame, day: date, browser: Client, other: Client
) -> None:
    code = risers(scanned, day)[0]
    stock, review, list_ = (
        f"/kr/s/{code}?scanner_version=rises&date={day}",
        f"/kr/{day}/review?code={code}",
        f"/kr/{day}/",
    )
    before = {path: TOKEN.sub(r"\1", text(other, path)) for path in (stock, review, list_)}
    mark(code, day, "a secret note")
    for path in (stock, review):
        assert "a secret note" in text(browser, path)
        assert 'aria-pressed="true"' in text(browser, path)
    assert 'class="tag buy"' in text(browser, list_)
    assert {path: TOKEN.sub(r"\1", text(other, path)) for path in before} == before


@pytest.mark.parametrize("page", ["/kr/s/{code}?scanner_version=rises&date={day}", "/kr/{day}/review?code={code}"])
def test_changed_note_is_shown_at_once(scanned: pd.DataFrame, day: date, browser: Client, page: str) -> None:
    code = risers(scanned, day)[0]
    path = page.format(code=code, day=day)
    assert 'aria-pressed="true"' not in text(browser, path)
    for note, tag in (("first", "buy"), ("second", "buy"), ("second", "watch")):
        mark(code, day, note, tag)
        for _ in range(2):
            html = text(browser, path)
            assert re.findall(r"<textarea[^>]*>([^<]*)<", html) == [note]
            assert re.findall(r'data-tag="(\w+)"[^>]*aria-pressed="true"', html) == [tag]


def test_found_instrument_is_listed_after_a_change(scanned: pd.DataFrame, browser: Client) -> None:
    assert "No stock fits" in text(browser, "/kr/search?q=brandnew")
    for code in ("950001", "950002"):
        Instrument.objects.create(market="kr", code=code, name=f"Brandnew {code}")
    generations.advance("kr")
    html = text(browser, "/kr/search?q=brandnew")
    assert "950001" in html
    assert "950002" in html
    Instrument.objects.filter(code="950002").delete()
    generations.advance("kr")
    answer = browser.get("/kr/search?q=brandnew")
    assert (answer.status_code, answer["Location"]) == (302, "/kr/s/950001")


PAGES = ("/kr/", "/kr/signals", "/kr/s/000020", "/kr/search?q=0", "/kr/reasons/000020?part=1", "/help")


@pytest.mark.parametrize("path", PAGES)
def test_compressed_answer_is_the_plain_one(scanned: pd.DataFrame, browser: Client, path: str) -> None:
    plain = [TOKEN.sub(r"\1", text(browser, path)) for _ in range(2)]
    answers = [browser.get(path, headers={"Accept-Encoding": "gzip"}) for _ in range(2)]
    pages = [gzip.decompress(answer.content).decode() for answer in answers]
    assert {*plain} == {TOKEN.sub(r"\1", page) for page in pages}
    assert len(plain[0]) > 200
    assert "<!--part" not in pages[0]
    assert all(int(answer["Content-Length"]) == len(answer.content) for answer in answers)
    tokens = [set(re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)', page)) for page in pages]
    assert tokens[0].isdisjoint(tokens[1])


def test_look_of_a_reader_is_that_of_the_cookie(scanned: pd.DataFrame, browser: Client) -> None:
    assert 'data-theme="auto"' in text(browser, "/help")
    browser.cookies["seismo_theme"] = "dark"
    assert 'data-theme="dark"' in text(browser, "/help")
    assert '<html lang="ko"' in browser.get("/help", headers={"Accept-Language": "ko"}).content.decode()
    assert '<html lang="en"' in text(browser, "/help")


def test_settings_are_those_of_now(scanned: pd.DataFrame, browser: Client, other: Client) -> None:
    def chosen(client: Client) -> list[str]:
        return re.findall(r'<option value="(\w+)" selected', text(client, "/settings"))

    before = chosen(other)
    assert "dark" not in before
    for theme in ("dark", "light"):
        browser.post("/settings", {"theme": theme, "market": "kr"})
        for _ in range(2):
            assert theme in chosen(browser)
        assert chosen(other) == before
    assert 'name="versions" value="rises"' in text(browser, "/settings")
    ScannerVersion.objects.filter(slug="rises").update(enabled=False)
    assert 'name="versions" value="rises"' not in text(browser, "/settings")
