"""Sources of a market over HTTP: settings without keys, last calls and refusals, limits, whose bars count."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pandas as pd
import pytest
from django.test import Client

from marketdata.models import SourceVisit
from tests.api.conftest import Get

MORNING = datetime(2026, 8, 20, 23, 15, tzinfo=UTC)


@pytest.fixture
def rows(scanned: pd.DataFrame, get: Get, settings: Any) -> dict[str, Any]:
    """The sources of kr by name, one of them called and refused in the morning of 2026-08-21."""
    settings.SOURCES = {
        "kis": {"environment": "real", "app_key": "PSverysecretkey"},
        "krx": {"api_key": "the-very-secret", "segments": ("KOSPI",)},
        "kis-us": {"kinds_by_form": False},
    }
    SourceVisit.objects.create(
        source="krx", what="calls", at=MORNING, calls=94, answered_at=MORNING, refused_at=MORNING,
        refusal="Service sto/knx_bydd_trd is not approved.", refusals=3,
    )  # fmt: skip
    body = get("kr/sources")
    assert (body["next"], body["previous"]) == (None, None)
    assert "secret" not in str(body)
    return {row["name"]: row for row in body["results"]}


def test_settings_calls_and_limits_by_source(rows: dict[str, Any]) -> None:
    names = list(rows)
    assert names[:2] == ["kis", "krx"]  # the order in which collections choose
    krx, kis = rows["krx"], rows["kis"]
    assert (krx["is_configured"], krx["missing"], kis["is_configured"], kis["missing"]) == (
        True, [], False, ["KIS_APP_SECRET"],
    )  # fmt: skip
    assert krx["calls"] == {
        "last_call": "2026-08-20T23:15:00Z",
        "last_success": "2026-08-20T23:15:00Z",
        "last_refusal": "2026-08-20T23:15:00Z",
        "refusal": "Service sto/knx_bydd_trd is not approved.",
        "day": "2026-08-21",
        "calls": 94,
        "refusals": 3,
        "limit": 10_000,
    }
    assert (kis["calls"]["last_call"], kis["calls"]["calls"], kis["calls"]["limit"]) == (None, 0, None)
    assert krx["switches"] == [{"name": "KRX_SEGMENTS", "value": "KOSPI"}]
    assert krx["cost"] == "1 call a session of all instruments, 10,000 a day"


def test_bars_of_files_are_a_source_without_settings(rows: dict[str, Any], sessions: list[Any]) -> None:
    (name,) = (name for name, row in rows.items() if not row["is_network"])
    row = rows[name]
    assert (row["is_configured"], row["calls"], row["can"]) == (None, None, [])
    assert (row["bars"]["is_preferred"], row["bars"]["last_session"]) == (True, str(sessions[-1]))


def test_a_switch_is_as_in_the_environment(rows: dict[str, Any], get: Get) -> None:
    american = {row["name"]: row for row in get("us/sources")["results"]}
    assert american["kis-us"]["switches"] == [{"name": "KIS_US_KINDS", "value": "no"}]


def test_texts_are_english_and_it_takes_the_permission_to_read(rows: dict[str, Any], get: Get, client: Client) -> None:
    client.logout()
    assert client.get("/api/kr/sources").status_code == 401
