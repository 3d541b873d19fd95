"""Requests that mean harm: each is refused or harmless, and never a 5xx."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pandas as pd
import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from scans.models import ScannerVersion, ScanRank, ScanRun
from seismo_site.models import ApiToken
from tests.api.conftest import Get
from tests.api.openapi import SCHEMA
from tests.people import scan_chief

pytestmark = pytest.mark.slow

INJECTIONS = (
    "' OR '1'='1",
    "'; DROP TABLE scans_scanrank; --",
    '" UNION SELECT password FROM auth_user --',
    "1) OR (1=1",
    "%' AND 1=(SELECT COUNT(*) FROM auth_user) --",
    "{{7*7}}",
    "${jndi:ldap://x}",
)
TRICKS = (
    "../../../../etc/passwd",
    "..%2f..%2fetc%2fpasswd",
    "..\\..\\windows\\win.ini",
    "/etc/passwd",
    "file:///etc/passwd",
    ".",
    "..",
    "%2e%2e",
    "CON",
    "a" * 5000,
)
LETTERS = (
    "삼성전자",
    "００５９３０",
    "\u202e005930",
    "005930\u200b",
    "💥",
    "İ",
    "ﬀ",
    "\ud7ff",
    "e\u0301",
)
PLACES = (
    "kr/stocks/{}",
    "kr/stocks/{}/scans",
    "kr/stocks/{}/explain",
    "kr/analysis/{}",
    "kr/scans/{}",
    "kr/marks/{}",
    "versions/{}",
    "{}/stocks",
    "{}/scans/latest",
)
QUERIES = (
    "kr/stocks?search={}",
    "kr/stocks?segment={}",
    "kr/stocks?ordering={}",
    "kr/stocks?fields={}",
    "kr/stocks?format={}",
    "kr/stocks?cursor={}",
    "kr/marks?code={}",
    "kr/marks?tag={}",
    "kr/marks?date={}",
    "kr/signals?code={}",
    "kr/signals?scanner_version={}",
    "kr/scans/latest?scanner_version={}",
    "kr/scans/latest?label={}",
    "kr/scans/latest?ordering={}",
    "kr/scans/compare?versions={}",
    "kr/evaluation?versions={}",
    "kr/evaluation?horizon={}",
    "kr/evaluation?by={}",
    "kr/evaluation/differences?versions={}",
    "kr/stocks/005930/explain?date={}",
)


@pytest.mark.parametrize("texts", [INJECTIONS, TRICKS, LETTERS], ids=["sql", "paths", "letters"])
def test_text_that_means_harm_changes_nothing(
    scanned: pd.DataFrame, client: Client, get: Get, texts: tuple[str, ...]
) -> None:
    get("versions")
    before = (ScanRank.objects.count(), ScanRun.objects.count(), User.objects.count())
    every = len(get("kr/stocks", limit=500)["results"])
    for text in texts:
        for place in PLACES + QUERIES:
            response = client.get(f"/api/{place.format(quote(text, safe=''))}")
            assert response.status_code in {200, 400, 404, 406}, (place, text, response.content)
            assert b"root:" not in response.content
            if response.status_code == 200:
                rows = response.json().get("results", [])
                assert len(rows) < every or "search" not in place, (place, text)
            else:
                assert response.headers["Content-Type"] == "application/problem+json"
                assert response.json()["code"]
    assert (ScanRank.objects.count(), ScanRun.objects.count(), User.objects.count()) == before


@pytest.mark.parametrize(
    "text",
    ["0000-00-00", "9999-12-31", "2024-1-1", "-2024-05-31", "2024-05-31T00:00", "1e9", "NaN", "\x00",
     "2024-05-31; DROP", "٢٠٢٤-٠٥-٣١", "275760-09-13"],
)  # fmt: skip
def test_days_that_are_none(scanned: pd.DataFrame, client: Client, get: Get, text: str) -> None:
    get("versions")
    for path in ("kr/scans/changes", "kr/stocks/005930/explain", "kr/analysis/005930"):
        assert client.get(f"/api/{path}", {"date": text}).status_code in {400, 404, 409}
    for name in ("from", "to"):
        response = client.get("/api/kr/evaluation", {name: text})
        assert response.status_code in {400, 409}
        assert response.json()["code"] in {"invalid", "no_data"}
    assert client.get(f"/api/kr/scans/{quote(text, safe='')}").status_code in {400, 404}


def test_what_a_table_would_run_is_text_in_csv(scanned: pd.DataFrame, client: Client, get: Get) -> None:
    """A name from a price file that a spreadsheet would take for a formula."""
    from marketdata.models import Instrument

    get("versions")
    for evil in ("=HYPERLINK(1)", "+1+1", "-1+cmd|' /C calc'!A0", "@SUM(1)", "\t=1", "\r=1"):
        Instrument.objects.filter(code="005930").update(name=evil)
        response = client.get("/api/kr/stocks", {"format": "csv"})
        assert response.status_code == 200
        text = b"".join(response) if response.streaming else response.content
        (line,) = [one for one in text.decode().split("\n") if one.lstrip("\"'").startswith("005930")]
        cell = line.split(",", 1)[1].lstrip('"')
        assert cell[0] not in "=+-@\t\r", (evil, line)


def test_token_opens_nothing_of_another_user(client: Client, scanned: pd.DataFrame) -> None:
    reader = User.objects.create_user("plain")
    token = ApiToken(user=reader, name="plain")
    secret = token.new_secret()
    token.save()
    ask = {"Authorization": f"Bearer {secret}"}
    body = json.dumps({"scanner_version": "rises", "date": "2024-04-15"})
    for method, path in (("post", "kr/scans"), ("patch", "versions/rises")):
        refused = getattr(client, method)(f"/api/{path}", body, content_type="application/json", headers=ask)
        assert (refused.status_code, refused.json()["code"]) == (403, "permission_denied")
    assert ScannerVersion.objects.get(slug="rises").params == {}
    ApiToken.objects.update(revoked_at=timezone.now())
    assert client.get("/api/versions", headers=ask).status_code == 401
    for wrong in (
        "Bearer", "Bearer ", f"Bearer {secret} {secret}", f"Bearer {secret[:-1]}", "Bearer null",
        "Bearer " + "A" * 5000, "Bearer \u00e9", f"bearer: {secret}", secret, "Bearer ' OR 1=1 --",
        f"Bearer {token.digest}",
    ):  # fmt: skip
        response = client.get("/api/versions", headers={"Authorization": wrong})
        assert (response.status_code, response.json()["code"]) in {
            (401, "not_authenticated"),
            (401, "authentication_failed"),
        }, wrong


def test_tricks_with_methods_and_headers(scanned: pd.DataFrame, client: Client, get: Get) -> None:
    get("versions")
    for header in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"):
        response = client.get("/api/versions/rises", headers={header: "DELETE"})
        assert response.status_code == 200
    client.force_login(scan_chief())
    for method in ("TRACE", "CONNECT", "PROPFIND", "DELETE", "PUT"):
        response = client.generic(method, "/api/versions/rises")
        assert response.status_code == 405, method
        assert response.json()["code"] == "method_not_allowed"
    assert ScannerVersion.objects.filter(slug="rises").exists()
    evil = "some-id\r\nSet-Cookie: a=b"
    response = client.get("/api/versions", headers={"X-Request-ID": evil})
    assert "some-id" not in response.headers["X-Request-ID"]
    assert "Set-Cookie" not in response.headers
    host = client.get("/api/versions", headers={"Host": "evil.example"})
    assert host.status_code == 400
    forwarded = client.get("/api/kr/stocks?limit=1", headers={"X-Forwarded-Host": "evil.example"})
    assert b"evil.example" not in forwarded.content


def test_bodies_that_are_too_much(scanned: pd.DataFrame, client: Client) -> None:
    client.force_login(scan_chief())
    before = ScanRun.objects.count()
    for body, kind in (
        ("{", "application/json"),
        ("[]", "application/json"),
        ("null", "application/json"),
        ('"text"', "application/json"),
        ("[" * 50_000 + "]" * 50_000, "application/json"),
        ('{"scanner_version": "' + "a" * 3_000_000 + '"}', "application/json"),
        (
            '{"scanner_version": "rises", "date": "2024-04-15", "is_staff": true}',
            "application/json",
        ),
        ("<x/>", "application/xml"),
        ("scanner_version=rises", "application/x-www-form-urlencoded"),
        ('{"scanner_version": NaN}', "application/json"),
        ('{"scanner_version": "\\u0000"}', "application/json"),
        ("\xff\xfe", "application/json"),
    ):
        response = client.post("/api/kr/scans", body, content_type=kind)
        assert response.status_code in {400, 404, 413, 415}, (body[:60], response.content[:300])
        assert response.headers["Content-Type"] == "application/problem+json"
    for key in ("k" * 100_000, "\u00e9", "a b", "\x00"):
        response = client.post(
            "/api/kr/scans",
            json.dumps({"scanner_version": "rises", "date": "2024-04-15"}),
            content_type="application/json",
            headers={"Idempotency-Key": key},
        )
        assert response.status_code in {202, 400}, (key[:20], response.content[:300])
    assert ScanRun.objects.count() == before


def test_what_every_answer_carries(client: Client, get: Get) -> None:
    get("versions")
    for path in ("versions", "kr/stocks/none", "nowhere", "health/live", "schema", "docs"):
        headers = client.get(f"/api/{path}").headers
        assert headers["X-Content-Type-Options"] == "nosniff", path
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert "default-src 'none'" in headers["Content-Security-Policy"] or path == "docs"
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Request-ID"]
        assert "Server" not in headers


def test_anonymous_client_reads_liveness_only(client: Client, scanned: pd.DataFrame, settings: Any) -> None:
    settings.ANONYMOUS_READS = False
    values = {
        "{market}": "kr",
        "{code}": "005930",
        "{date}": "2024-04-15",
        "{slug}": "v1",
        "{number}": "1",
    }
    for path, methods in SCHEMA["paths"].items():
        for name, text in values.items():
            path = path.replace(name, text)
        for method in methods:
            response = client.generic(method.upper(), path)
            wanted = {200} if path.startswith("/api/health/") else {401}
            assert response.status_code in wanted, (method, path)
    assert client.get("/api/schema").status_code == 401
    assert client.get("/api/docs")["Location"] == "/login?next=/api/docs"
