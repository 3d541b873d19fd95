"""What a caller sends never comes back in full with an error, wherever it was sent."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.test import Client

from tests.api.openapi import SCHEMA
from tests.people import scan_chief

LONG = "zq" * 30_000
SHORT = 4_000
"""Characters that an error has at most here."""
PATH = {"market": "kr", "source": "upbit", "code": "005930", "slug": "rises", "date": "2024-04-15", "number": "1"}


@pytest.fixture
def chief(client: Client, scanned: Any) -> Client:
    client.force_login(scan_chief())
    return client


def check(response: Any) -> None:
    assert 400 <= response.status_code < 500, (response.status_code, response.content[:200])
    assert len(response.content) < SHORT, response.content[:200]
    assert all(len(value) < SHORT for value in response.headers.values())


def address(path: str, **parts: str) -> str:
    return re.sub(r"{(\w+)}", lambda name: {**PATH, **parts}[name[1]], path)


@pytest.mark.slow
def test_of_an_address(chief: Client, settings: Any) -> None:
    settings.USER_RATE = 1_000_000
    for path, methods in SCHEMA["paths"].items():
        for name in re.findall(r"{(\w+)}", path):
            for method in methods:
                response = chief.generic(method.upper(), address(path, **{name: LONG}), "{}", "application/json")
                if response.status_code != 200:  # an instrument without a row has no picks
                    check(response)
    check(chief.get(f"/api/{LONG}/{LONG}/{LONG}"))


@pytest.mark.slow
def test_of_a_parameter(chief: Client, settings: Any) -> None:
    settings.USER_RATE = 1_000_000
    for path, methods in SCHEMA["paths"].items():
        if "get" not in methods or "health" in path:
            continue
        check(chief.get(address(path), {LONG: "1"}))
        for one in methods["get"].get("parameters", []):
            if one["in"] != "query":
                continue
            response = chief.get(address(path), {one["name"]: LONG})
            if response.status_code != 200:  # a search for it finds nothing
                check(response)


@pytest.mark.slow
@pytest.mark.parametrize("value", [LONG, [LONG], {LONG: LONG}, [[LONG[:9_000]] * 6]])
def test_of_a_body(chief: Client, value: Any) -> None:
    fields = {
        ("PATCH", "/api/versions/rises-10"): [
            "title",
            "segments",
            "limits",
            "parameters",
            "enabled",
        ],
        ("POST", "/api/versions"): ["slug", "engine"],
        ("PUT", "/api/kr/active-version"): ["scanner_version"],
        ("POST", "/api/kr/scans"): ["versions", "date", "first", "limits", "top", "save"],
    }
    for (method, path), names in fields.items():
        for name in [*names, "unknown"]:
            check(chief.generic(method, path, json.dumps({name: value}), "application/json"))
        check(chief.generic(method, path, json.dumps(value), "application/json"))
        check(chief.generic(method, path, LONG, "application/json"))
        check(chief.generic(method, path, "{}", LONG))
    wrong = {"parameters": {LONG: 1}}
    check(chief.generic("PATCH", "/api/versions/rises-10", json.dumps(wrong), "application/json"))
    many = {f"unknown-{n}": 1 for n in range(3_000)}
    response = chief.generic("POST", "/api/kr/scans", json.dumps(many), "application/json")
    assert response.status_code == 400
    assert len(response.content) < 10 * SHORT


def test_of_a_formula(chief: Client) -> None:
    for formula in (f"close > {LONG}", f'close > "{LONG}"', f"{LONG}(close)", "(" * 5_000):
        body = {"slug": "mine", "engine": "formula", "parameters": {"match": formula}}
        check(chief.generic("POST", "/api/versions", json.dumps(body), "application/json"))


def test_of_a_header(chief: Client) -> None:
    for name in ("Idempotency-Key", "If-Match", "Accept", "X-Request-ID", "Authorization"):
        result = chief.post("/api/kr/scans", {"top": -1}, "application/json", headers={name: LONG})
        check(result)
    check(Client().get("/api/versions", headers={"Authorization": f"Bearer {LONG}"}))


def test_a_long_text_keeps_its_beginning_and_its_end(chief: Client) -> None:
    detail = chief.get(f"/api/kr/scan-requests/{LONG}").json()["detail"]
    assert detail.startswith("Market kr has no scan request 'zq")
    assert detail.endswith("/api/kr/scan-requests lists them. (60,067 characters)")
