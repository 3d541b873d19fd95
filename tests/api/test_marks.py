"""Marks over the API: a user's own rows, by code and session, unreadable and unwritable for everybody else."""

from __future__ import annotations

import unicodedata
from datetime import date
from typing import Any

import pandas as pd
import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client

from scans.models import Mark
from seismo_site.models import ApiToken
from tests.api.conftest import Get

ADDRESS = "/api/kr/marks/005930"
NFD = unicodedata.normalize("NFD", "반만 매수")


@pytest.fixture
def reader(client: Client, user: User) -> Client:
    client.force_login(user)
    return client


def write(client: Client, method: str, body: Any, address: str = ADDRESS, status: int = 200) -> Any:
    response = client.generic(method, address, body if isinstance(body, str) else _json(body), "application/json")
    assert response.status_code == status, response.content
    return response.json() if response.content else None


def _json(body: Any) -> str:
    import json

    return json.dumps(body)


def test_put_replaces_and_patch_changes(market: pd.DataFrame, reader: Client, sessions: list[date]) -> None:
    day = str(sessions[20])
    first = write(reader, "PUT", {"date": day, "tag": "buy", "note": "half now", "seen": True}, status=201)
    assert (first["code"], first["date"], first["tag"], first["note"]) == ("005930", day, "buy", "half now")
    assert first["seen_at"] == first["updated_at"]
    changed = write(reader, "PATCH", {"tag": "watch"}, f"{ADDRESS}?date={day}")
    assert (changed["tag"], changed["note"], changed["seen_at"]) == ("watch", "half now", first["seen_at"])
    again = write(reader, "PATCH", {"seen": True}, f"{ADDRESS}?date={day}")
    assert again["seen_at"] == first["seen_at"]  # the first review counts
    replaced = write(reader, "PUT", {"date": day, "note": "no"})
    assert (replaced["tag"], replaced["note"], replaced["seen_at"]) == ("", "no", None)
    assert Mark.objects.count() == 1


def test_the_mark_of_a_session_and_of_the_instrument_are_two(
    market: pd.DataFrame, reader: Client, sessions: list[date]
) -> None:
    write(reader, "PUT", {"date": str(sessions[20]), "tag": "buy"}, status=201)
    write(reader, "PUT", {"tag": "watch"}, status=201)
    write(reader, "PUT", {"date": None, "tag": "exclude"})
    assert reader.get(ADDRESS).json()["tag"] == "exclude"
    assert reader.get(f"{ADDRESS}?date={sessions[20]}").json()["tag"] == "buy"
    write(reader, "DELETE", "", f"{ADDRESS}?date={sessions[20]}", status=204)
    assert reader.get(f"{ADDRESS}?date={sessions[20]}").status_code == 404
    assert reader.get(ADDRESS).status_code == 200
    assert write(reader, "DELETE", "", f"{ADDRESS}?date={sessions[20]}", status=404)["code"] == "unknown_mark"


@pytest.mark.parametrize("spelling", ["005930", "A005930", "005930.KS"])
def test_every_spelling_of_a_code_is_one_mark(market: pd.DataFrame, reader: Client, spelling: str) -> None:
    write(reader, "PUT", {"tag": "buy"}, status=201)
    write(reader, "PATCH", {"note": "same"}, f"/api/kr/marks/{spelling}")
    assert [row["note"] for row in reader.get("/api/kr/marks").json()["results"]] == ["same"]


def test_a_note_is_composed_and_its_lines_are_counted_once(market: pd.DataFrame, reader: Client) -> None:
    body = write(reader, "PUT", {"note": f"  {NFD}\r\n둘째 줄 "}, status=201)
    assert body["note"] == "반만 매수\n둘째 줄"
    longest = unicodedata.normalize("NFD", "각") * 2_000  # 6,000 characters, 2,000 composed
    assert write(reader, "PUT", {"note": longest})["note"] == "각" * 2_000
    assert "note" in write(reader, "PUT", {"note": "각" * 2_001}, status=400)["errors"]


def test_the_list_is_filtered_ordered_and_paged(market: pd.DataFrame, get: Get, client: Client, user: User) -> None:
    days = [date(2024, 5, 2), date(2024, 5, 3)]
    for n, code in enumerate(("000660", "005930", "035420")):
        for day in days:
            Mark.objects.create(
                user=user, market="kr", code=code, date=day, tag="buy" if n else "watch", updated_at=f"{day}T09:0{n}Z"
            )
    Mark.objects.create(user=user, market="us", code="005930", updated_at="2024-05-04T00:00Z")
    everything = get("kr/marks")["results"]
    assert [(row["date"], row["code"]) for row in everything] == [
        (str(day), code) for day in reversed(days) for code in ("035420", "005930", "000660")
    ]
    assert {row["code"] for row in get("kr/marks", tag="watch")["results"]} == {"000660"}
    assert len(get("kr/marks", date="2024-05-02")["results"]) == 3
    assert len(get("kr/marks", **{"from": "2024-05-03"}, code="005930")["results"]) == 1
    page = get("kr/marks", limit=4)
    assert (len(page["results"]), page["previous"]) == (4, None)
    assert len(client.get(page["next"]).json()["results"]) == 2
    get("kr/marks", 400, tag="sell")


def test_another_user_s_marks_are_unreadable_and_unwritable(
    market: pd.DataFrame, reader: Client, sessions: list[date]
) -> None:
    """Also for a superuser: a caller gets its own rows, and the other's stay as they were."""
    write(reader, "PUT", {"tag": "buy", "note": "secret"}, status=201)
    before = list(Mark.objects.values())
    for name in ("another", "chief"):
        other = Client()
        other.force_login(User.objects.create_user(name, is_staff=name == "chief", is_superuser=name == "chief"))
        assert other.get("/api/kr/marks").json()["results"] == []
        assert other.get(f"/api/kr/marks?user={before[0]['user_id']}").status_code == 400
        assert other.get(ADDRESS).status_code == 404
        write(other, "DELETE", "", status=404)
        write(other, "PUT", {"tag": "exclude"}, status=201)
        assert "user" in write(other, "PUT", {"tag": "buy", "user": before[0]["user_id"]}, status=400)["errors"]
        assert "secret" not in other.get("/api/me/export").content.decode()
        assert write(other, "DELETE", "", "/api/me/data") == {"marks": 1, "settings": 0, "message_channels": 0}
    assert list(Mark.objects.values()) == before


def test_no_admin_page_shows_a_mark(market: pd.DataFrame, reader: Client, user: User, admin_client: Client) -> None:
    """Not even the list of what goes with a user who is deleted."""
    write(reader, "PUT", {"note": "my secret"}, status=201)
    page = admin_client.get(f"/admin/auth/user/{user.pk}/delete/").content.decode()
    assert "my secret" not in page
    assert "005930" not in page
    assert admin_client.get("/admin/scans/mark/").status_code == 404


@pytest.mark.parametrize("anonymous_reads", [False, True])
def test_anonymous_callers_have_no_marks(
    market: pd.DataFrame, client: Client, settings: Any, anonymous_reads: bool
) -> None:
    settings.ANONYMOUS_READS = anonymous_reads
    for method, address in (
        ("GET", "/api/kr/marks"), ("GET", ADDRESS), ("PUT", ADDRESS), ("PATCH", ADDRESS), ("DELETE", ADDRESS),
        ("GET", "/api/me"), ("PATCH", "/api/me"), ("GET", "/api/me/export"), ("DELETE", "/api/me/data"),
    ):  # fmt: skip
        write(client, method, {}, address, status=401)
    assert not Mark.objects.exists()


def test_a_session_needs_csrf_and_a_token_does_not(market: pd.DataFrame, user: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(user)
    assert "CSRF" in write(browser, "PUT", {"tag": "buy"}, status=403)["detail"]
    assert not Mark.objects.exists()
    token = ApiToken(user=user, name="test")
    secret = token.new_secret()
    token.save()
    program = Client(enforce_csrf_checks=True, headers={"Authorization": f"Bearer {secret}"})
    write(program, "PUT", {"tag": "buy"}, status=201)


def test_writes_are_throttled(market: pd.DataFrame, reader: Client, settings: Any) -> None:
    settings.USER_RATE = 2
    cache.clear()
    statuses = [reader.put(ADDRESS, {"tag": "buy"}, content_type="application/json").status_code for _ in range(4)]
    assert statuses == [201, 200, 429, 429]


HOSTILE: tuple[tuple[Any, str, str], ...] = (
    ({"tag": "sell"}, ADDRESS, "invalid"),
    ({"tag": ["buy"]}, ADDRESS, "invalid"),
    ({"tag": None}, ADDRESS, "invalid"),
    ({"note": None}, ADDRESS, "invalid"),
    ({"note": {"$gt": ""}}, ADDRESS, "invalid"),
    ({"seen": "perhaps"}, ADDRESS, "invalid"),
    ({"seen_at": "2024-05-31T00:00:00Z"}, ADDRESS, "invalid"),
    ({"id": 1}, ADDRESS, "invalid"),
    ({"date": "2024-13-45"}, ADDRESS, "invalid"),
    ({"date": "9999-12-31"}, ADDRESS, "not_a_session"),
    ({"date": "2024-05-05"}, ADDRESS, "not_a_session"),  # a Sunday
    ({"date": "2024-05-03"}, f"{ADDRESS}?date=2024-05-02", "date_conflict"),
    ({"date": None}, f"{ADDRESS}?date=2024-05-02", "date_conflict"),
    ({}, f"{ADDRESS}?date=yesterday", "invalid"),
    ({}, f"{ADDRESS}?day=2024-05-02", "unknown_parameter"),
    ([], ADDRESS, "invalid"),
    ("[1", ADDRESS, "malformed"),
    ('{"note": "\\u0000"}', ADDRESS, "malformed"),
    ('{"note": "\\ud800"}', ADDRESS, "malformed"),
    ({}, "/api/kr/marks/999999", "unknown_stock"),
    ({}, "/api/kr/marks/%00", "not_found"),
    ({}, "/api/xx/marks/005930", "unknown_market"),
)


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
@pytest.mark.parametrize(("body", "address", "code"), HOSTILE)
def test_hostile_marks_are_refused(
    market: pd.DataFrame, reader: Client, method: str, body: Any, address: str, code: str
) -> None:
    text = body if isinstance(body, str) else _json(body)
    response = reader.generic(method, address, text, "application/json")
    assert 400 <= response.status_code < 500
    assert response.json()["code"] == code
    assert response.json()["detail"]
    assert not Mark.objects.exists()


def test_a_body_that_is_too_large_is_refused(market: pd.DataFrame, reader: Client) -> None:
    write(reader, "PUT", {"note": "x" * 70_000}, status=413)


def test_there_is_a_most_of_marks(market: pd.DataFrame, reader: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    from scans.operations import marks

    monkeypatch.setattr(marks, "MOST_MARKS", 1)
    write(reader, "PUT", {"tag": "buy"}, status=201)
    assert write(reader, "PUT", {}, "/api/kr/marks/000020", status=409)["code"] == "too_many_marks"
    write(reader, "PUT", {"tag": "watch"})
    assert Mark.objects.count() == 1
