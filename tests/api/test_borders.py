"""Who may ask, how often, what is refused, and that an error is a problem with a code."""

from __future__ import annotations

from base64 import b64encode
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client, RequestFactory
from django.utils import timezone
from rest_framework.request import Request

from caching.store import STORE
from marketdata.web.api.access import MinuteThrottle
from seismo_site.models import ApiToken
from seismo_site.tokens import TokenAuthentication
from tests.api.conftest import Get
from tests.people import scan_chief

MEMBERS = {"type", "title", "status", "code", "detail", "request_id"}


def test_an_error_is_a_problem(client: Client, get: Get) -> None:
    response = client.get("/api/xx/scans/latest", headers={"X-Request-ID": "id-of-a-test"})
    assert response.headers["Content-Type"] == "application/problem+json"
    body = response.json()
    assert body.keys() >= MEMBERS
    assert body["type"] == "urn:seismo:problem:unknown_market"
    assert (body["status"], body["title"]) == (404, "Not Found")
    assert body["request_id"] == "id-of-a-test"


@pytest.mark.parametrize("path", ["", "/", "/kr", "/kr/nothing", "/kr/scans/latest/"])
def test_an_address_that_is_not_there(client: Client, path: str) -> None:
    response = client.get(f"/api{path}")
    assert (response.status_code, response.json()["code"]) == (404, "no_such_endpoint")


def test_defect_is_answered_without_its_details(client: Client, user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    from marketdata.api import views

    def fail(name: str) -> None:
        raise RuntimeError("the password is swordfish")

    monkeypatch.setattr(views, "market_or_404", fail)
    client.raise_request_exception = False
    client.force_login(user)
    response = client.get("/api/kr/stocks")
    assert (response.status_code, response.json()["code"]) == (500, "internal")
    assert b"swordfish" not in response.content


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("kr/stocks?limit=0", "invalid_limit"),
        ("kr/stocks?limit=-1", "invalid_limit"),
        ("kr/stocks?limit=501", "invalid_limit"),
        ("kr/stocks?limit=٣", "invalid_limit"),
        ("kr/stocks?colour=red", "unknown_parameter"),
        ("kr/stocks/005930?colour=red", "unknown_parameter"),
        ("versions?colour=red", "unknown_parameter"),
        ("kr/stocks?search=%00", "invalid"),
        ("kr/scans?date=2024-02-31", "invalid"),
        ("kr/scans/latest?scanner_version=%00", "invalid"),
        ("kr/scans/latest?min_score=many", "invalid"),
    ],
)
def test_what_does_not_fit_is_refused(get: Get, path: str, code: str) -> None:
    assert get(path, 400)["code"] == code


@pytest.mark.parametrize("path", ["kr/stocks/%00", "versions/%00", "%00/stocks", "kr/stocks/%00/scans"])
def test_no_name_holds_a_null(get: Get, path: str) -> None:
    assert get(path, 404)["code"] == "not_found"


@pytest.mark.parametrize("path", ["kr/stocks", "kr/scans", "kr/scans/dates", "kr/signals"])
def test_a_forged_cursor_is_refused_or_harmless(scanned: Any, client: Client, get: Get, path: str) -> None:
    get("versions")
    forged = ("p=abc", "p=%00", "p=", "p=" + "9" * 40, "o=9999999&p=1", "r=1&p=x", "p=2024-02-31")
    for text in forged:
        cursor = b64encode(text.encode()).decode()
        assert client.get(f"/api/{path}", {"cursor": cursor}).status_code in {200, 400}, text
    for cursor in ("!", "ü", "\x00", "' OR 1=1", "=" * 5000):
        refused = client.get(f"/api/{path}", {"cursor": cursor})
        assert (refused.status_code, refused.json()["code"]) == (400, "invalid_cursor")


def test_the_unknown_may_read_where_the_setting_says_so(client: Client, db: None, settings: Any) -> None:
    settings.ANONYMOUS_READS = False
    refused = client.get("/api/versions")
    assert (refused.status_code, refused.json()["code"]) == (401, "not_authenticated")
    assert refused.headers["WWW-Authenticate"] == "Bearer"
    settings.ANONYMOUS_READS = True
    assert client.get("/api/versions").status_code == 200
    assert client.post("/api/versions").status_code == 401


def test_a_token(client: Client, user: User) -> None:
    token = ApiToken(user=user, name="dashboard")
    secret = token.new_secret()
    token.save()
    assert secret not in str(ApiToken.objects.values_list().get())

    def status(header: str) -> int:
        return client.get("/api/versions", headers={"Authorization": header}).status_code

    assert status(f"Bearer {secret}") == 200
    assert status(f"Bearer {secret}x") == 401
    assert status("Bearer") == 401
    assert status("Basic YTpi") == 401  # not ours, so anonymous
    user.is_active = False
    user.save()
    assert status(f"Bearer {secret}") == 401
    user.is_active = True
    user.save()
    ApiToken.objects.update(revoked_at=timezone.now())
    assert status(f"Bearer {secret}") == 401


@pytest.mark.parametrize("name", ["is_active", "is_staff", "is_superuser"])
def test_who_a_token_stands_for(user: User, name: str) -> None:
    User.objects.filter(pk=user.pk).update(is_active=True, is_staff=False, is_superuser=False, email="a@example.com")
    User.objects.filter(pk=user.pk).update(**{name: True})
    token = ApiToken(user=user, name="dashboard")
    secret = token.new_secret()
    token.save()
    request = Request(RequestFactory().get("/", headers={"Authorization": f"Bearer {secret}"}))
    result = TokenAuthentication().authenticate(request)
    assert result is not None
    assert result[1] == token
    for one in User._meta.concrete_fields:
        assert getattr(result[0], one.attname) == getattr(User.objects.get(), one.attname)


def test_a_token_expires_and_its_use_is_noted_once_an_hour(client: Client, user: User) -> None:
    token = ApiToken(user=user, name="dashboard", expires_at=timezone.now() + timedelta(days=1))
    secret = token.new_secret()
    token.save()

    def status() -> int:
        header = {"Authorization": f"Bearer {secret}"}
        return client.get("/api/versions", headers=header).status_code

    assert (ApiToken.objects.get().last_used_at, status()) == (None, 200)
    first = ApiToken.objects.get().last_used_at
    assert first is not None
    assert status() == 200
    assert ApiToken.objects.get().last_used_at == first
    ApiToken.objects.update(last_used_at=first - timedelta(hours=2))
    status()
    noted = ApiToken.objects.get().last_used_at
    assert noted is not None
    assert noted >= first
    ApiToken.objects.update(expires_at=timezone.now())
    assert status() == 401


def test_a_token_is_made_and_revoked_in_the_admin(client: Client, user: User, admin_user: User) -> None:
    client.force_login(admin_user)
    made = client.post("/admin/seismo_site/apitoken/add/", {"user": user.pk, "name": "cron"}, follow=True)
    secret = next(word for word in made.content.decode().split() if word.startswith("seismo_"))
    secret = secret.split("<")[0]
    ask = Client(headers={"Authorization": f"Bearer {secret}"})
    assert ask.get("/api/versions").status_code == 200
    chosen = {"action": "revoke", "_selected_action": [ApiToken.objects.get().pk]}
    client.post("/admin/seismo_site/apitoken/", chosen)
    assert ask.get("/api/versions").status_code == 401


def test_reads_alone(get: Get, client: Client) -> None:
    assert client.post("/api/kr/stocks").status_code == 403
    client.force_login(scan_chief())
    refused = client.post("/api/kr/stocks")
    assert (refused.status_code, refused.json()["code"]) == (405, "method_not_allowed")


def test_too_many_requests_are_throttled(client: Client, user: User, settings: Any) -> None:
    settings.ANONYMOUS_READS, settings.ANONYMOUS_RATE, settings.USER_RATE = True, 2, 3
    # The proxy's header is anybody's to write where there is no proxy.
    statuses = [client.get("/api/versions", headers={"X-Forwarded-For": f"10.0.0.{n}"}).status_code for n in range(3)]
    assert statuses == [200, 200, 429]
    assert client.get("/api/versions", REMOTE_ADDR="10.0.0.9").status_code == 200
    client.force_login(user)
    answers = [client.get("/api/versions") for _ in range(4)]
    assert [one.status_code for one in answers] == [200, 200, 200, 429]
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert answers[-1].json()["code"] == "throttled"
    client.force_login(User.objects.create_user("another"))
    assert client.get("/api/versions").status_code == 200
    assert client.get("/api/health/live").status_code == 200


def test_the_minute_slides(client: Client, user: User, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """However the clock's minutes fall: never more than the rate in sixty seconds, and again as those pass."""
    now = 1_000_000_000.0 - 1_000_000_000 % 60 + 55
    monkeypatch.setattr("marketdata.web.api.access.time.time", lambda: now)
    settings.USER_RATE = 6
    client.force_login(user)

    def status() -> int:
        return client.get("/api/versions").status_code

    assert [status() for _ in range(7)] == [200] * 6 + [429]
    now += 6  # another minute of the clock, but most of the six are still in the last sixty seconds
    refused = client.get("/api/versions")
    assert refused.status_code == 429
    now += int(refused.headers["Retry-After"])
    assert status() == 200
    assert status() == 429
    now += 130
    assert [status() for _ in range(7)] == [200] * 6 + [429]


def test_requests_counted_in_advance_are_no_more_than_the_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process counts several requests at once; the number of allowed ones is exact all the same."""
    calls: list[int] = []
    count = STORE.count

    def record(key: str, by: int, ttl: int) -> int | None:
        calls.append(by)
        return count(key, by, ttl)

    monkeypatch.setattr(STORE, "count", record)
    monkeypatch.setattr("marketdata.web.api.access.time.time", lambda: 1_000_000_080.0)

    class Throttle(MinuteThrottle):
        def limit(self) -> int:
            return 503

    allowed = [Throttle().count("caller").allowed for _ in range(505)]
    assert allowed == [True] * 503 + [False] * 2
    assert calls == [5] * 100 + [5, -5, 1] * 3 + [5, -5, 1, -1] * 2
    assert Throttle().count("another").allowed
