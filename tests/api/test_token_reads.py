"""Warm reads with a token: the cached answer, in one query, as long as the token is valid."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from django.db import connection
from django.db.utils import OperationalError
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from caching.stats import STATS
from scans.operations import signals
from scans.operations.scan.request import RunRequest
from scans.operations.scan.run import run_scan
from seismo_site import tokens
from seismo_site.models import ApiToken
from tests.api.conftest import forgotten, market, probe, scanned, sessions, user
from tests.scans.conftest import AS_OF, bring

__all__ = ["bring", "forgotten", "market", "probe", "scanned", "sessions", "user"]

CACHED = (
    "/api/kr/scans/latest",
    "/api/kr/scans/latest?scanner_version=rises&limit=2",
    "/api/kr/stocks/005930/chart?indicators=ema5",
    "/api/kr/signals?limit=2",
    "/api/kr/stocks?search=0059",
)
QUERIES = 1
"""The token with its user and the generations."""
Ask = Callable[..., Any]


@pytest.fixture
def token(user: Any) -> ApiToken:
    """A token of the reader, `token.secret` beside it."""
    made = ApiToken(user=user, name="a program")
    made.secret = made.new_secret()  # type: ignore[attr-defined]
    made.save()
    return made


@pytest.fixture
def ask(scanned: Any, token: Any) -> Ask:
    """A GET with the token."""
    STATS.reset()

    def ask(address: str, **headers: str) -> Any:
        return Client().get(address, headers={"Authorization": f"Bearer {token.secret}", **headers})

    return ask


@pytest.mark.parametrize("address", CACHED)
def test_a_warm_read_gives_the_same_answer_in_one_query(ask: Ask, address: str) -> None:
    signals.update_signals(market="kr", versions=["rises"], as_of=AS_OF)
    first = ask(address)
    assert first.status_code == 200
    for headers in ({}, {"Accept-Encoding": "gzip"}, {"Origin": "https://elsewhere.example"}):
        with CaptureQueriesContext(connection) as queries:
            warm = ask(address, **headers)
        assert len(queries) == QUERIES
        packed = warm.has_header("Content-Encoding")
        assert (gzip.decompress(warm.content) if packed else warm.content) == first.content
        assert warm.headers["ETag"].removeprefix("W/") == first.headers["ETag"]
    tag = first.headers["ETag"]
    assert ask(address, **{"If-None-Match": tag}).status_code == 304


def test_links_are_those_of_the_callers_site(ask: Ask, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["one.example", "two.example"]
    address = "/api/kr/stocks?limit=1"
    for host in ("one.example", "two.example", "one.example"):
        for coding in ("", "gzip"):
            response = ask(address, Host=host, **{"Accept-Encoding": coding})
            body = gzip.decompress(response.content) if response.has_header("Content-Encoding") else response.content
            assert f'"next":"http://{host}/api/kr/stocks?'.encode() in body
            plain = {"If-None-Match": response.headers["ETag"], "Accept-Encoding": coding}
            assert ask(address, Host=host, **plain).status_code == 304
    assert STATS.snapshot()["stocks"]["misses"] == 1


def test_a_publication_shows_at_once(ask: Ask, sessions: list[date]) -> None:
    before = [ask(CACHED[0]).json()["date"] for _ in range(2)]
    run_scan(RunRequest(market="kr", as_of=AS_OF, versions=["rises"], first=sessions[31], last=sessions[31]))
    assert [*before, ask(CACHED[0]).json()["date"]] == [str(sessions[at]) for at in (30, 30, 31)]


def test_an_invalid_token_is_refused_at_once(ask: Ask, token: ApiToken, user: Any) -> None:
    assert [ask(CACHED[0]).status_code for _ in range(2)] == [200, 200]
    token.revoked_at = timezone.now()
    token.save()
    assert ask(CACHED[0]).status_code == 401
    token.revoked_at, token.expires_at = None, timezone.now()
    token.save()
    assert ask(CACHED[0]).status_code == 401
    token.expires_at = None
    token.save()
    user.is_active = False
    user.save()
    assert ask(CACHED[0]).status_code == 401
    assert ask(CACHED[0], Authorization="Bearer of nothing").status_code == 401


def test_each_request_counts_once(ask: Ask, settings: Any) -> None:
    settings.USER_RATE = 3
    responses = [ask(CACHED[0]) for _ in range(5)]
    assert [response.status_code for response in responses] == [200, 200, 200, 429, 429]
    assert int(responses[-1].headers["Retry-After"]) >= 1


def test_other_formats_and_hosts_after_a_cached_answer(ask: Ask) -> None:
    ask(CACHED[0])
    table = ask(CACHED[0], Accept="text/csv")
    assert table.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert b",".join([b"market", b"scanner_version", b"date"]) in table.getvalue()
    assert ask(f"{CACHED[0]}?format=csv").headers["Content-Type"] == "text/csv; charset=utf-8"
    assert ask(CACHED[0], Host="foreign.example").status_code == 400
    assert ask("/api/kr/nowhere").status_code == 404
    assert ask("/api/xx/scans/latest").json()["code"] == "unknown_market"


def test_without_a_database(ask: Ask, monkeypatch: Any) -> None:
    ask(CACHED[0])

    def away(*_: Any) -> None:
        raise OperationalError("the server closed the connection")

    monkeypatch.setattr(tokens.TOKENS, "rows", away)
    response = ask(CACHED[0])
    assert (response.status_code, response.json()["code"]) == (503, "database_unreachable")
    assert response.headers["Retry-After"] == "5"
    assert "closed" not in response.text
