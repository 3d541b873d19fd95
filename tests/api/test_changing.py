"""Versions over the API: made, changed and made active by staff, each field checked, each change kept, none lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from scans.models import ActiveVersion, ScannerVersion, VersionChange
from tests.people import scan_chief
from tests.scans.probe import Probe

Send = Callable[..., Any]
RISES = "/api/versions/rises-10"


@pytest.fixture
def send(client: Client, probe: Probe) -> Send:
    """Sends a body as the staff member `chief`; the parsed answer where the status is the one expected."""
    client.force_login(scan_chief())

    def send(method: str, path: str, status: int, body: Any = None, /, **headers: str) -> Any:
        text = json.dumps(body)
        response = client.generic(method, path, text, content_type="application/json", headers=headers)
        assert response.status_code == status, response.content
        return response.json() | {"headers": response.headers}

    return send


def values(body: Any) -> dict[str, Any]:
    return {one["name"]: one["value"] for one in body["parameters"]}


def test_a_parameter_is_changed_and_it_is_kept_who_did(send: Send) -> None:
    body = send("PATCH", RISES, 200, {"parameters": {"scale": 3}, "title": "Thrice"})
    assert (values(body), body["title"]) == ({"scale": 3.0}, "Thrice")
    version = ScannerVersion.objects.get(slug="rises-10")
    assert version.params == {"scale": 3.0}
    change = version.changes.get()
    assert change.who == "chief"
    assert change.before == {"params": {"scale": 10.0}, "title": ""}
    assert change.after == {"params": {"scale": 3.0}, "title": "Thrice"}
    assert values(send("PATCH", RISES, 200, {"parameters": {"scale": None}})) == {"scale": 1.0}
    assert ScannerVersion.objects.get(slug="rises-10").params == {}
    send("PATCH", RISES, 200, {})
    assert version.changes.count() == 2


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({"colour": "red"}, ["colour"]),
        ({"engine": "v2"}, ["engine"]),
        ({"parameters": {"scale": -1, "shape": 2}}, ["parameters.scale", "parameters.shape"]),
        ({"parameters": {"scale": "many"}}, ["parameters.scale"]),
        ({"parameters": {"scale": [1]}}, ["parameters.scale"]),
        ({"parameters": {"scale": True}}, ["parameters.scale"]),
        ({"parameters": {"scale": 10**400}}, ["parameters.scale"]),
        ({"parameters": {"scale": "[" * 9000}}, ["parameters.scale"]),
        ({"parameters": {"shape": None}}, ["parameters.shape"]),
        ({"limits": {"KOSPI": "all"}}, ["limits"]),
        ({"limits": {"": 3}}, ["limits"]),
        ({"segments": [""]}, ["segments"]),
        ({"title": "x" * 121}, ["title"]),
        ({"enabled": "perhaps"}, ["enabled"]),
    ],
)
def test_invalid_body_is_reported_by_field(send: Send, body: dict[str, Any], errors: list[str]) -> None:
    answer = send("PATCH", RISES, 400, body)
    assert answer["code"] == "invalid"
    assert sorted(answer["errors"]) == errors
    assert not VersionChange.objects.exists()


def test_a_state_that_has_changed_is_not_overwritten(send: Send, client: Client) -> None:
    seen = client.get(RISES).headers["ETag"]
    assert client.get(RISES, headers={"If-None-Match": seen}).status_code == 304
    changed = send("PATCH", RISES, 200, {"parameters": {"scale": 3}}, **{"If-Match": seen})
    assert changed["headers"]["ETag"] != seen
    for tag in (seen, '"nonsense"', "nonsense", ""):
        body = send("PATCH", RISES, 412, {"parameters": {"scale": 4}}, **{"If-Match": tag})
        assert body["code"] == "precondition_failed"
    assert ScannerVersion.objects.get(slug="rises-10").params == {"scale": 3.0}
    now = changed["headers"]["ETag"]
    assert client.get(RISES).headers["ETag"] == now
    send("PATCH", RISES, 200, {"parameters": {"scale": 4}}, **{"If-Match": f'"other", W/{now}'})
    send("PATCH", RISES, 200, {"parameters": {"scale": 5}}, **{"If-Match": "*"})


def test_a_version_of_ones_own(send: Send, client: Client) -> None:
    body = {
        "slug": "cheap",
        "engine": "formula",
        "title": "Cheap",
        "limits": {"KOSPI": 200},
        "segments": ["KOSPI"],
        "parameters": {"match": "raw_close < 5000 and rsi(14) < 40", "top_n": 10},
    }
    made = send("POST", "/api/versions", 201, body)
    assert made["headers"]["Location"] == "/api/versions/cheap"
    there = client.get("/api/versions/cheap")
    assert there.headers["ETag"] == made["headers"]["ETag"]
    assert values(there.json())["match"] == "raw_close < 5000 and rsi(14) < 40"
    assert (there.json()["limits"], there.json()["segments"]) == ({"KOSPI": 200}, ["KOSPI"])
    assert VersionChange.objects.get().who == "chief"
    assert send("POST", "/api/versions", 409, body)["code"] == "version_exists"


def test_formula_error_has_its_position(send: Send) -> None:
    parameters = {"match": "raw_close > 1 and\n  rsj(14) < 40"}
    body = send("POST", "/api/versions", 400, {"slug": "x", "engine": "formula", "parameters": parameters})
    assert "rsj" in body["errors"]["parameters.match"][0]
    assert body["positions"] == {"parameters.match": {"line": 2, "column": 3}}
    assert not ScannerVersion.objects.filter(slug="x").exists()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"engine": "v2"}, "slug"),
        ({"slug": "x"}, "engine"),
        ({"slug": "x", "engine": "v9"}, "engine"),
        ({"slug": "x/y", "engine": "v2"}, "slug"),
        ({"slug": "../x", "engine": "v2"}, "slug"),
        ({"slug": "가", "engine": "v2"}, "slug"),
        ({"slug": "x" * 41, "engine": "v2"}, "slug"),
        ({"slug": "x", "engine": "v2", "enabled": False}, "enabled"),
        ({"slug": "x", "engine": "v2", "parameters": {"no_such": None}}, "parameters.no_such"),
        (
            {"slug": "x", "engine": "formula", "parameters": {"match": "(" * 5000}},
            "parameters.match",
        ),
    ],
)
def test_a_version_that_does_not_fit(send: Send, body: dict[str, Any], field: str) -> None:
    assert list(send("POST", "/api/versions", 400, body)["errors"]) == [field]
    assert not ScannerVersion.objects.filter(slug="x").exists()


def test_the_active_version(send: Send, client: Client) -> None:
    assert client.get("/api/kr/active-version").json() == {"scanner_version": "rises"}
    send("PUT", "/api/kr/active-version", 200, {"scanner_version": "rises-10"})
    assert client.get("/api/kr/active-version").json() == {"scanner_version": "rises-10"}
    assert ActiveVersion.objects.get(market="kr").version.slug == "rises-10"
    assert VersionChange.objects.get().after == {"active on kr": "rises-10"}
    assert send("PATCH", RISES, 400, {"enabled": False})["errors"].keys() == {"enabled"}
    send("PATCH", "/api/versions/rises", 200, {"enabled": False})
    body = send("PUT", "/api/kr/active-version", 400, {"scanner_version": "rises"})
    assert "disabled" in body["detail"]
    body = send("PUT", "/api/kr/active-version", 404, {"scanner_version": "v9"})
    assert body["code"] == "unknown_version"
    assert send("PUT", "/api/kr/active-version", 400, {})["errors"].keys() == {"scanner_version"}


def test_staff_alone(client: Client, user: User, probe: Probe, settings: Any) -> None:
    settings.ANONYMOUS_READS = True
    writes = [
        ("POST", "/api/versions"),
        ("PATCH", RISES),
        ("PUT", "/api/kr/active-version"),
    ]
    for status in (401, 403):
        for method, path in writes:
            refused = client.generic(method, path, b"{}", content_type="application/json")
            assert refused.status_code == status
        client.force_login(user)
    assert not VersionChange.objects.exists()
