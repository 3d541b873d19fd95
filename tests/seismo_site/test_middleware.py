"""Each response names its request, each log line does too, and a page may do no more than it must."""

from __future__ import annotations

import gzip
import json
import logging
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory

from marketdata.request_id import request_id
from seismo_site.logging import JsonFormatter, RequestIdFilter
from seismo_site.middleware import (
    API_POLICY,
    CONTENT_POLICY,
    CompressionMiddleware,
    ContentPolicyMiddleware,
    RequestIdMiddleware,
)
from seismo_site.sql_comments import add_comment

LOGGER = logging.getLogger("seismo.test")


@pytest.fixture
def lines() -> Iterator[list[str]]:
    """Log lines as they would be written."""
    written: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            written.append(self.format(record))

    handler = Keep()
    handler.addFilter(RequestIdFilter())
    handler.setFormatter(logging.Formatter("[%(request_id)s] %(message)s"))
    LOGGER.addHandler(handler)
    yield written
    LOGGER.removeHandler(handler)


def view(request: HttpRequest) -> HttpResponse:
    LOGGER.warning("seen")
    return HttpResponse(request.request_id)  # type: ignore[attr-defined]


def test_a_well_formed_identifier_is_kept(lines: list[str]) -> None:
    request = RequestFactory().get("/", headers={"X-Request-ID": "caller-0123"})
    response = RequestIdMiddleware(view)(request)
    LOGGER.warning("after")
    assert response["X-Request-ID"] == response.content.decode() == "caller-0123"
    assert lines == ["[caller-0123] seen", "[-] after"]


@pytest.mark.parametrize("text", ["", "short", "x" * 65, "line\nbreak-00", "blank 00000"])
def test_any_other_is_replaced(text: str) -> None:
    made = {
        RequestIdMiddleware(view)(RequestFactory().get("/", headers={"X-Request-ID": text}))["X-Request-ID"]
        for _ in range(2)
    }
    assert len(made) == 2
    assert all(len(one) == 32 and int(one, 16) for one in made)


def test_the_identifier_ends_with_a_failing_request() -> None:
    def fail(request: HttpRequest) -> HttpResponse:
        raise ValueError

    with pytest.raises(ValueError):
        RequestIdMiddleware(fail)(RequestFactory().get("/"))
    assert request_id.get() == "-"


def test_a_view_may_bring_its_own_policy() -> None:
    def own(request: HttpRequest) -> HttpResponse:
        return HttpResponse(headers={"Content-Security-Policy": "default-src 'none'"})

    response = ContentPolicyMiddleware(own)(RequestFactory().get("/"))
    assert response["Content-Security-Policy"] == "default-src 'none'"


@pytest.mark.django_db
def test_headers_of_a_real_page(client: Client) -> None:
    response = client.get("/admin/login/")
    assert response.status_code == 200
    assert response["Content-Security-Policy"] == CONTENT_POLICY
    assert response["X-Frame-Options"] == "DENY"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Referrer-Policy"] == "same-origin"
    assert len(response["X-Request-ID"]) == 32


def test_what_the_api_answers_is_no_page(client: Client) -> None:
    response = client.get("/api/health/live")
    assert response["Content-Security-Policy"] == API_POLICY
    assert response["X-Content-Type-Options"] == "nosniff"
    page = ContentPolicyMiddleware(lambda _: HttpResponse())(RequestFactory().get("/api/docs"))
    assert page["Content-Security-Policy"] == CONTENT_POLICY


@pytest.mark.parametrize(
    ("kind", "size", "accepted", "shorter"),
    [
        ("application/json", 5_000, "gzip, br", True),
        ("application/problem+json", 5_000, "gzip", True),
        ("text/csv; charset=utf-8", 5_000, "gzip", True),
        ("application/json", 5_000, "br", False),
        ("application/json", 100, "gzip", False),
        ("application/vnd.apache.parquet", 5_000, "gzip", False),
        ("image/png", 5_000, "gzip", False),
    ],
)
def test_what_is_compressed(kind: str, size: int, accepted: str, shorter: bool) -> None:
    def body(request: HttpRequest) -> HttpResponse:
        return HttpResponse(b"a" * size, content_type=kind, headers={"ETag": '"a"'})

    response = CompressionMiddleware(body)(RequestFactory().get("/", headers={"Accept-Encoding": accepted}))
    assert isinstance(response, HttpResponse)
    if not shorter:
        assert response.content == b"a" * size
        return
    assert gzip.decompress(response.content) == b"a" * size
    assert response["Content-Encoding"] == "gzip"
    assert response["ETag"] == 'W/"a"'
    assert "Accept-Encoding" in response["Vary"]


ORIGIN = "https://charts.example.org"


@pytest.mark.django_db
def test_pages_of_other_origins_where_they_are_named(client: Client, settings: Any) -> None:
    health, headers = "/api/health/live", {"origin": ORIGIN}
    assert "Access-Control-Allow-Origin" not in client.get(health, headers=headers).headers
    settings.CORS_ALLOWED_ORIGINS = [ORIGIN]
    response = client.get(health, headers=headers)
    assert response["Access-Control-Allow-Origin"] == ORIGIN
    assert "ETag" in response["Access-Control-Expose-Headers"]
    assert "Access-Control-Allow-Credentials" not in response.headers  # no cookies
    assert "origin" in response["Vary"].lower()
    first = client.options(
        "/api/kr/stocks",
        headers={**headers, "access-control-request-method": "GET",
                 "access-control-request-headers": "authorization,if-none-match"},
    )  # fmt: skip
    assert first.status_code == 200  # anonymous requests too
    assert {"authorization", "if-none-match"} <= set(first["Access-Control-Allow-Headers"].split(", "))
    elsewhere = client.get(health, headers={"origin": "https://elsewhere.example"})
    assert "Access-Control-Allow-Origin" not in elsewhere.headers
    page = client.get("/admin/login/", headers=headers)
    assert "Access-Control-Allow-Origin" not in page.headers


def test_asking_for_another_host_fills_no_log(client: Client) -> None:
    seen: list[logging.LogRecord] = []

    class Root(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.append(record)

    handler = Root()
    logging.getLogger().addHandler(handler)
    try:
        response = client.get("/admin/login/", headers={"host": "elsewhere.example"})
    finally:
        logging.getLogger().removeHandler(handler)
    assert response.status_code == 400
    assert not [record for record in seen if record.exc_info]


def test_the_line_of_a_refused_request_carries_its_identifier(
    client: Client, db: None, caplog: pytest.LogCaptureFixture
) -> None:
    """Django writes it when the request is over."""
    for path in ("/api/versions", "/api/nothing", "/nothing"):
        caplog.clear()
        response = client.get(path, headers={"X-Request-ID": "caller-0123"})
        assert response.status_code in (401, 404)
        (record,) = caplog.records
        RequestIdFilter().filter(record)
        assert record.request_id == "caller-0123"  # type: ignore[attr-defined]
        assert path in record.getMessage()


def test_no_line_is_longer_than_anybody_reads(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    assert client.get("/" + "z" * 60_000).status_code == 404
    (record,) = caplog.records
    RequestIdFilter().filter(record)
    assert len(record.getMessage()) < 3_000


def test_the_access_log_has_a_line_for_each_request(client: Client, db: None, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "seismo_site.access"):
        client.get("/api/versions?fields=slug", headers={"X-Request-ID": "caller-0123"})
    (line,) = [one for one in caplog.records if one.name == "seismo_site.access"]
    assert line.getMessage().startswith("127.0.0.1 GET /api/versions 401 ")
    assert line.getMessage().endswith(" ms")


def test_json_line_has_the_request_and_the_traceback() -> None:
    try:
        raise ValueError("한글")
    except ValueError:
        record = logging.LogRecord("seismo.test", logging.ERROR, __file__, 1, "%s failed", ("v2",), sys.exc_info())
    token = request_id.set("caller-0123")
    RequestIdFilter().filter(record)
    request_id.reset(token)
    line = JsonFormatter().format(record)
    assert "\n" not in line
    row = json.loads(line)
    wanted = {"level": "ERROR", "logger": "seismo.test", "request_id": "caller-0123", "message": "v2 failed"}
    assert {name: row[name] for name in wanted} == wanted
    assert row["exception"].endswith("ValueError: 한글")


def test_statement_ends_with_the_identifier_of_its_request(db: None) -> None:
    statements: list[str] = []

    def keep(execute: Any, sql: str, *rest: Any) -> Any:
        statements.append(sql)
        return execute(sql, *rest)

    with connection.execute_wrapper(add_comment), connection.execute_wrapper(keep), connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        for identifier in ("caller-0123", "*/ SELECT 2"):
            token = request_id.set(identifier)
            cursor.execute("SELECT 1")
            request_id.reset(token)
    assert statements == ["SELECT 1", "SELECT 1 /*request_id='caller-0123'*/", "SELECT 1"]
