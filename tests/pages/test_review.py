"""The review without scripts: the queue, the form, tags on the rows, and what a form refuses."""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from typing import Any

import pandas as pd
import pytest
from django.contrib.auth.models import User
from django.test import Client

from scans.models import Mark
from tests.api.conftest import risers
from tests.scans.conftest import AS_OF


def queue(html: str) -> list[str]:
    return re.findall(r'<a href="\?code=([0-9A-Z]+)"', html)


def busiest(rows: pd.DataFrame, sessions: list[date]) -> date:
    """The scanned session with the most risers."""
    return max(sessions[10:31], key=lambda day: len(risers(rows, day)))


def current(html: str) -> str:
    return str(re.findall(r'<article class="block" data-code="([0-9A-Z]+)"', html)[0])


def test_the_queue_is_the_union_of_the_versions_without_doubles(
    scanned: pd.DataFrame, sessions: list[date], browser: Client
) -> None:
    """`rises` ranks every riser, `rises-10` those of its own list: the union has each once, in the order of ranks."""
    day = busiest(scanned, sessions)
    html = browser.get(f"/kr/{day}/review").content.decode()
    assert queue(html) == risers(scanned, day)
    assert current(html) == risers(scanned, day)[0]
    assert "rises #1 · rises-10 #1" in html
    assert f"0/{len(queue(html))} seen" in html


def test_seen_goes_on_to_the_next_unseen_and_the_seen_one_to_the_end(
    scanned: pd.DataFrame, sessions: list[date], browser: Client
) -> None:
    day = busiest(scanned, sessions)
    first, second, *others = risers(scanned, day)
    html = browser.get(f"/kr/{day}/review").content.decode()
    onward = re.findall(r'name="onward" value="([^"]+)"', html)[0]
    assert onward == f"/kr/{day}/review?code={second}"
    answer = browser.post(f"/kr/marks/{first}", {"date": str(day), "note": "half", "onward": onward})
    assert (answer.status_code, answer["Location"]) == (302, onward)
    html = browser.get(f"/kr/{day}/review").content.decode()
    assert queue(html) == [second, *others, first]
    assert current(html) == second
    assert f"1/{len(others) + 2} seen" in html
    assert f'href="/kr/{day}/review?code={first}" data-key="p"' in html  # back to the one that was seen last
    mark = Mark.objects.get()
    assert (mark.code, mark.date, mark.note) == (first, day, "half")
    assert mark.seen_at is not None


def test_a_tag_is_set_shown_on_the_rows_and_taken_off_by_plain_forms(
    scanned: pd.DataFrame, sessions: list[date], browser: Client
) -> None:
    day = sessions[30]
    code = risers(scanned, day)[0]
    page = f"/kr/{day}/review?code={code}"
    sent = {"date": str(day), "tag": "buy", "note": "", "next": page}
    assert browser.post(f"/kr/marks/{code}", sent)["Location"] == page
    html = browser.get(page).content.decode()
    assert re.search(r'value="" data-tag="buy"[^>]*aria-pressed="true"', html)
    assert html.count(f'<span class="tag buy" data-tag-of="{code}">Buy</span>') == 2  # the title and the row
    assert '<span class="tag buy"' in browser.get(f"/kr/s/{code}").content.decode()
    browser.post(f"/kr/marks/{code}", {**sent, "tag": ""})
    assert Mark.objects.get().tag == ""


def test_the_page_of_a_stock_has_the_form_and_steps_through_the_evening_in_its_order(
    scanned: pd.DataFrame, sessions: list[date], browser: Client
) -> None:
    """New picks first, then those that stayed, as the evening's page lists them."""

    def listed(place: int) -> list[str]:
        codes, before = (risers(scanned, sessions[near]) for near in (place, place - 1))
        return sorted(codes, key=lambda code: code in before)

    place = max(
        (place for place in range(11, 31) if listed(place) != risers(scanned, sessions[place])),
        key=lambda place: len(listed(place)),
    )
    day, codes = sessions[place], listed(place)
    address = "/kr/s/{}?scanner_version=rises&amp;date=" + str(day)
    for at in range(1, len(codes) - 1):
        html = browser.get(address.format(codes[at]).replace("&amp;", "&")).content.decode()
        assert f'href="{address.format(codes[at - 1])}" data-key="p"' in html
        assert f'href="{address.format(codes[at + 1])}" data-key="n"' in html
        assert f'name="onward" value="{address.format(codes[at + 1])}"' in html
        assert f"<b>{at + 1}/{len(codes)}</b>" in html
        assert 'textarea id="note" name="note"' in html


def test_earlier_notes_of_the_stock_are_listed(
    scanned: pd.DataFrame, sessions: list[date], browser: Client, trader: User
) -> None:
    day = sessions[30]
    code = risers(scanned, day)[0]
    for on, note in ((sessions[20], "an <b>earlier</b> note"), (None, "in general")):
        Mark.objects.create(user=trader, market="kr", code=code, date=on, note=note, updated_at=AS_OF)
    html = browser.get(f"/kr/{day}/review?code={code}").content.decode()
    assert "an &lt;b&gt;earlier&lt;/b&gt; note" in html
    assert "in general" in html


def test_another_reader_s_marks_are_not_on_any_page(
    scanned: pd.DataFrame, sessions: list[date], browser: Client
) -> None:
    day = sessions[30]
    code = risers(scanned, day)[0]
    other = User.objects.create_user("another")
    Mark.objects.create(
        user=other, market="kr", code=code, date=day, tag="buy", note="secret", seen_at=AS_OF, updated_at=AS_OF
    )
    for path in (f"/kr/{day}/review", f"/kr/{day}/", f"/kr/s/{code}", "/settings"):
        html = browser.get(path).content.decode()
        assert "secret" not in html
        assert 'class="tag buy"' not in html
    browser.post(f"/kr/marks/{code}", {"date": str(day), "note": "mine", "user": other.pk})
    assert Mark.objects.get(user=other).note == "secret"


def test_a_note_with_letters_of_any_form_is_kept_composed(
    scanned: pd.DataFrame, sessions: list[date], browser: Client
) -> None:
    decomposed = unicodedata.normalize("NFD", "반만 매수")
    browser.post("/kr/marks/005930", {"date": str(sessions[30]), "note": f"{decomposed}\r\n둘째 줄"})
    assert Mark.objects.get().note == "반만 매수\n둘째 줄"


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"note": "x" * 2_001}, "A note has at most 2000 characters."),
        ({"tag": "sell"}, "Select a valid choice. sell is not one of the available choices."),
        ({"date": "yesterday"}, "Enter a valid date."),
        ({"date": "2024-03-09"}, "2024-03-09 is no session of this market."),  # a Saturday
        ({"note": "a\0b"}, "Null characters are not allowed."),
    ],
)
def test_hostile_forms_are_refused(
    scanned: pd.DataFrame, browser: Client, fields: dict[str, Any], sentence: str
) -> None:
    answer = browser.post("/kr/marks/005930", fields)
    assert answer.status_code == 400
    assert sentence in answer.content.decode()
    assert not Mark.objects.exists()


@pytest.mark.parametrize("target", ["https://example.org/", "//example.org", "javascript:alert(1)", ""])
def test_the_form_leads_to_no_other_site(scanned: pd.DataFrame, browser: Client, target: str) -> None:
    for name in ("next", "onward"):
        assert browser.post("/kr/marks/005930", {"tag": "buy", name: target})["Location"] == "/kr/s/005930"


def test_a_form_without_csrf_or_login_saves_nothing(scanned: pd.DataFrame, trader: User, client: Client) -> None:
    assert client.post("/kr/marks/005930", {"tag": "buy"})["Location"].startswith("/login?next=")
    careful = Client(enforce_csrf_checks=True)
    careful.force_login(trader)
    assert careful.post("/kr/marks/005930", {"tag": "buy"}).status_code == 403
    assert not Mark.objects.exists()


def test_what_is_not_there_is_not_found(scanned: pd.DataFrame, sessions: list[date], browser: Client) -> None:
    assert browser.post("/kr/marks/999999", {"tag": "buy"}).status_code == 404
    assert browser.get("/kr/marks/005930").status_code == 405
    assert browser.get("/kr/2020-01-02/review").status_code == 404
    assert browser.get(f"/kr/{sessions[30]}/review?code=999999").status_code == 404
    assert browser.get("/kr/review")["Location"] == f"/kr/{sessions[30]}/review"
    assert browser.get("/upbit/review")["Location"] == "/upbit/"


def test_anonymous_readers_read_and_have_no_form(
    scanned: pd.DataFrame, sessions: list[date], client: Client, settings: Any
) -> None:
    settings.ANONYMOUS_READS = True
    html = client.get(f"/kr/{sessions[30]}/review").content.decode()
    assert "<textarea" not in html
    assert "<textarea" not in client.get("/kr/s/005930").content.decode()
    assert f"/login?next=/kr/{sessions[30]}/review" in html


def test_only_the_chosen_versions_are_reviewed(scanned: pd.DataFrame, sessions: list[date], browser: Client) -> None:
    browser.post("/settings", {"versions": ["rises-10"], "market": "kr"})
    html = browser.get(f"/kr/{sessions[30]}/review").content.decode()
    assert "<dd>rises-10 #1</dd>" in html


@pytest.mark.usefixtures("one_minute")
def test_queries_do_not_grow_with_the_queue(scanned: pd.DataFrame, sessions: list[date], browser: Client) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    numbers = []
    for day in (busiest(scanned, sessions), sessions[30]):
        browser.get(f"/kr/{day}/review")
        with CaptureQueriesContext(connection) as made:
            browser.get(f"/kr/{day}/review")
        numbers.append(len(made))
    assert numbers == [3, 3]
