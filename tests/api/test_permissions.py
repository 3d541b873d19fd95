"""Who may write over the API: what the admin asks for the same, by session and by token."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.cache import cache
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from scans.models import ActiveVersion, RequestStatus, ScannerVersion, ScanRequest
from scans.operations.requests import queue
from seismo_site.models import ApiToken
from tests.people import grant
from tests.scans.conftest import AS_OF

WRITES = ("post", "put", "patch", "delete")
OWN_DOORS = ("admin",)
"""What is not the API: the admin's pages have a table of their own."""
READERS_OWN = ("login", "logout", "settings", "settings/delete", "<market:market>/marks/<code:code>")
"""Pages that change nothing but the session, the settings, channels and marks of their reader: see tests/pages."""

OWN_ROWS = ("api/me", "api/me/data", "api/<str:market>/marks/<code:code>")
"""Addresses where every user writes rows of its own and no others: see tests/api/test_marks.py and test_me.py."""
PAGES = ("<market:market>/rescan", "first-user/<str:secret>", "ops/test")
"""Forms of pages that take a permission or a secret: see tests/pages."""


@dataclass(frozen=True)
class Write:
    """What a write endpoint takes: the permission, a body that fits, the status of the answer."""

    permission: str
    status: int
    body: Mapping[str, Any] = field(default_factory=dict)


TABLE: dict[tuple[str, str], Write] = {
    ("POST", "api/versions"): Write("scans.add_scannerversion", 201, {"slug": "mine", "engine": "probe"}),
    ("PATCH", "api/versions/<str:slug>"): Write("scans.change_scannerversion", 200, {"enabled": False}),
    ("PUT", "api/<str:market>/active-version"): Write(
        "scans.change_scannerversion", 200, {"scanner_version": "rises-10"}
    ),
    ("POST", "api/<str:market>/scans"): Write("scans.add_scanrequest", 202, {"save": False}),
    ("POST", "api/<str:market>/scan-requests/<str:number>/cancel"): Write("scans.change_scanrequest", 200),
    ("POST", "api/<str:market>/scan-requests/<str:number>/rerun"): Write("scans.add_scanrequest", 202),
}


def write_endpoints() -> Iterator[tuple[str, str]]:
    """Each method that writes, with its route, of every address outside the admin."""

    def walk(patterns: list[Any], route: str) -> Iterator[tuple[str, str]]:
        for one in patterns:
            here = route + str(one.pattern)
            if isinstance(one, URLResolver):
                if here.rstrip("/") not in OWN_DOORS:
                    yield from walk(one.url_patterns, here)
                continue
            assert isinstance(one, URLPattern)
            if here in (*READERS_OWN, *OWN_ROWS, *PAGES) or here.startswith("settings/messages"):
                continue
            view = getattr(one.callback, "view_class", None) or getattr(one.callback, "cls", None)
            for method in WRITES:
                if view is not None and hasattr(view, method) and "Redirect" not in view.__name__:
                    yield method.upper(), here

    yield from walk(get_resolver().url_patterns, "")


def test_every_write_endpoint_is_in_the_table() -> None:
    assert set(write_endpoints()) == set(TABLE)


PEOPLE = ("anonymous", "reader", "viewer", "others", "unstaffed", "permitted", "superuser")
CASES = [(*where, who) for where in TABLE for who in PEOPLE]


def person(who: str, permission: str) -> User | None:
    """A user of that kind. `others` has every permission of this project but the right one; `unstaffed` has the right
    one and is no staff, so that the admin would not let in either."""
    if who == "anonymous":
        return None
    user: User = User.objects.create_user(
        who, is_staff=who not in ("reader", "unstaffed"), is_superuser=who == "superuser"
    )
    if who in ("viewer", "others"):
        every = Permission.objects.filter(content_type__app_label__in=("scans", "marketdata"))
        own = every.filter(codename__startswith="view_") if who == "viewer" else every
        user.user_permissions.set(own.exclude(codename=permission.partition(".")[2]))
    elif who in ("permitted", "unstaffed"):
        grant(user, permission)
    return user


def by_session(user: User | None) -> Client:
    client = Client()
    if user is not None:
        client.force_login(user)
    return client


def by_token(user: User | None) -> Client:
    if user is None:
        return Client(headers={"Authorization": "Bearer seismo_of-no-user"})
    token = ApiToken(user=user, name="test")
    secret = token.new_secret()
    token.save()
    return Client(headers={"Authorization": f"Bearer {secret}"})


def state() -> Any:
    """All that the writes of the table change."""
    return (
        list(ScannerVersion.objects.order_by("pk").values("slug", "enabled")),
        list(ActiveVersion.objects.order_by("pk").values("market", "version__slug")),
        list(ScanRequest.objects.order_by("pk").values("pk", "status")),
    )


@pytest.mark.parametrize("caller", [by_session, by_token])
@pytest.mark.parametrize(("method", "route", "who"), CASES)
def test_who_may_write(
    scanned: Any, caller: Callable[[User | None], Client], method: str, route: str, who: str
) -> None:
    row = TABLE[method, route]
    scan_request = queue.queue_request(market="kr", as_of=AS_OF, requested_by="ann").request
    if route.endswith("rerun"):
        queue.cancel_request(scan_request.pk, as_of=AS_OF, who="ann")
    slug = "rises-10"
    address = "/" + (
        route.replace("<str:market>", "kr").replace("<str:slug>", slug).replace("<str:number>", str(scan_request.pk))
    )
    client = caller(person(who, row.permission))
    before = state()
    cache.clear()
    text = json.dumps(row.body)
    response = client.generic(method, address, text, content_type="application/json")
    if who in ("permitted", "superuser"):
        assert response.status_code == row.status, response.content
        assert state() != before
        return
    wanted = 401 if who == "anonymous" else 403
    assert response.status_code == wanted, response.content
    body = response.json()
    assert body["code"] in ("not_authenticated", "authentication_failed", "permission_denied")
    if who in ("viewer", "others"):
        assert body["detail"] == f"This takes the permission {row.permission}."
    assert state() == before


def test_a_token_does_no_more_than_its_user_does_now(scanned: Any) -> None:
    """What a user may is looked at with each request: a permission that is taken away is gone from the token too."""
    user = person("permitted", "scans.add_scanrequest")
    assert user is not None
    client = by_token(user)

    def post_status() -> int:
        response = client.post("/api/kr/scans", {"save": False}, content_type="application/json")
        return response.status_code

    assert post_status() == 202
    user.user_permissions.clear()
    assert post_status() == 403
    grant(user, "scans.add_scanrequest")
    assert post_status() == 202
    User.objects.filter(pk=user.pk).update(is_staff=False)
    assert post_status() == 403
    User.objects.filter(pk=user.pk).update(is_staff=True, is_active=False)
    assert post_status() == 401
    assert ScanRequest.objects.filter(status=RequestStatus.QUEUED).count() == 2
