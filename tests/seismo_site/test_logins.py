"""Logins are locked after failures, for one user at one address; what is refused is counted and soon costs nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client

from seismo_site.models import ApiToken

WORD = "right-Word-1"
LOGIN = "/admin/login/"
LOCKED = "Too many failed logins of this user from this address: try again 15 minutes after the last one."


@pytest.fixture(autouse=True)
def forgotten(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing is counted yet, and the clock of the counters stands still: no minute ends while a test counts."""
    at = time.time()
    monkeypatch.setattr("marketdata.web.api.access.time.time", lambda: at)
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def ann(db: None) -> User:
    return User.objects.create_user("ann", "", WORD, is_staff=True)


def login(password: str, name: str = "ann", at: str = "10.0.0.1", **headers: str) -> Any:
    sent = {"username": name, "password": password, "next": "/admin/"}
    return Client(REMOTE_ADDR=at, headers=headers).post(LOGIN, sent)


def test_user_is_locked_out_after_failures_with_a_sentence(ann: User) -> None:
    for _ in range(4):
        assert login("wrong").status_code == 200
    locked = login("wrong")
    assert locked.status_code == 429
    assert LOCKED in locked.content.decode()
    assert locked.headers["Retry-After"] == "900"
    right = login(WORD)
    assert right.status_code == 429
    assert "sessionid" not in right.cookies


def test_a_lock_is_for_one_address_and_one_user(ann: User) -> None:
    User.objects.create_user("bob", "", WORD, is_staff=True)
    for _ in range(6):
        login("wrong")
    assert login(WORD, at="10.0.0.2").status_code == 302
    assert login(WORD, name="bob").status_code == 302
    assert login(WORD).status_code == 429


def test_a_login_that_succeeds_begins_anew(ann: User) -> None:
    for _ in range(3):
        for _ in range(4):
            assert login("wrong").status_code == 200
        assert login(WORD).status_code == 302


def test_a_lock_ends(ann: User) -> None:
    from datetime import timedelta

    from django.utils import timezone

    for _ in range(6):
        login("wrong")
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=14))
    assert login(WORD).status_code == 429
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=16))
    assert login(WORD).status_code == 302


def test_a_user_who_is_not_there_is_locked_out_likewise(db: None) -> None:
    """Else the lock would say who is there."""
    assert [login("wrong", name="nobody").status_code for _ in range(5)] == [200] * 4 + [429]


def test_whose_address_counts(ann: User, settings: Any) -> None:
    """The proxy's header is anybody's to write where there is no proxy; behind one, its last word counts."""
    rows = [login("wrong", **{"X-Forwarded-For": f"10.9.9.{n}"}).status_code for n in range(5)]
    assert rows == [200] * 4 + [429]
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "NUM_PROXIES": 1}
    proxy = "10.0.0.7"
    for n in range(5):
        login("wrong", at=proxy, **{"X-Forwarded-For": f"1.1.1.{n}, 10.8.8.8"})
    values = {"X-Forwarded-For": "10.8.8.8"}
    assert login(WORD, at=proxy, **values).status_code == 429
    assert login(WORD, at=proxy, **{"X-Forwarded-For": "10.8.8.9"}).status_code == 302


@pytest.mark.parametrize(
    ("written", "counts_as"),
    [
        ("10.8.8.8:5001", "10.8.8.8"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("2001:DB8::1", "2001:db8::1"),
        ("unknown", None),
        ("", None),
    ],
)
def test_whatever_the_proxy_writes_is_an_address_or_none(
    ann: User, settings: Any, written: str, counts_as: str | None
) -> None:
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "NUM_PROXIES": 1}
    values = {"X-Forwarded-For": f"1.1.1.1, {written}"}
    assert login("wrong", at="", **values).status_code == 200
    assert AccessAttempt.objects.get().ip_address == counts_as
    assert login(WORD, at="", **values).status_code == 302


def test_one_address_tries_many_names_only_so_often(db: None, settings: Any) -> None:
    settings.ANONYMOUS_RATE = 3
    rows = [login("wrong", name=f"name-{n}").status_code for n in range(5)]
    assert rows == [200, 200, 200, 429, 429]
    assert login("wrong", at="10.0.0.2").status_code == 200


def test_bad_tokens_are_refused_without_a_database(ann: User, settings: Any, django_assert_num_queries: Any) -> None:
    settings.ANONYMOUS_RATE = 3
    client = Client()

    def get(n: int, path: str = "/api/versions") -> Any:
        return client.get(path, headers={"Authorization": f"Bearer seismo_{n}"})

    assert [get(n).status_code for n in range(4)] == [401, 401, 401, 429]
    with django_assert_num_queries(0):
        for n in range(20):
            refused = get(n)
            assert (refused.status_code, refused.json()["code"]) == (429, "throttled")
            assert int(refused.headers["Retry-After"]) > 0
        posted = client.post("/api/kr/scans", headers={"Authorization": "Bearer seismo_x"})
        assert posted.status_code == 429
        assert get(1, "/metrics").status_code == 429
        assert client.get("/api/versions").status_code == 429
    assert client.get("/api/health/live").status_code == 200
    assert Client(REMOTE_ADDR="10.0.0.2").get("/api/versions").status_code == 401


def test_stranger_at_the_same_address_locks_out_no_user(ann: User, settings: Any) -> None:
    settings.ANONYMOUS_RATE = 3
    token = ApiToken(user=ann, name="cron")
    values = {"Authorization": f"Bearer {token.new_secret()}"}
    token.save()
    browser = Client()
    browser.force_login(ann)
    assert Client().get("/api/versions", headers=values).status_code == 200
    assert browser.get("/api/versions").status_code == 200
    rows = [Client().get("/api/versions", headers={"Authorization": f"Bearer {n}"}).status_code for n in range(5)]
    assert rows == [401, 401, 401, 429, 429]
    assert Client().get("/api/versions", headers=values).status_code == 200
    assert browser.get("/api/versions").status_code == 200
    ApiToken.objects.all().delete()
    assert Client().get("/api/versions", headers=values).status_code == 429


def test_what_a_user_may_not_counts_as_his(ann: User, settings: Any) -> None:
    settings.USER_RATE = 3
    client = Client()
    client.force_login(ann)
    rows = [client.post("/api/versions", {}, content_type="application/json").status_code for _ in range(5)]
    assert rows == [403, 403, 403, 429, 429]
    other = Client()
    other.force_login(User.objects.create_user("bob"))
    assert other.get("/api/versions").status_code == 200
