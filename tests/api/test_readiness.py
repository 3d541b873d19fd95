"""GET readiness: what a market's record lacks, and what each version made of it."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from tests.api.conftest import Get
from tests.scans.conftest import CODES


def test_an_old_record_is_overdue(scanned: Any, get: Get, sessions: list[date]) -> None:
    body = get("kr/readiness")
    assert (body["market"], body["state"]) == ("kr", "overdue")
    assert body["latest_session"] == body["latest_complete_session"] == str(sessions[-1])
    assert body["last_closed_session"] == body["missing_sessions"][-1]
    assert body["sessions_behind"] > 600
    assert len(body["missing_sessions"]) == 100  # of them
    assert (body["expected"], body["present"]) == (len(CODES), 0)
    (absent,) = body["omitted"]
    assert absent == {
        "reason": "no_bar",
        "has_bar": False,
        "expected": True,
        "count": len(CODES),
        "codes": sorted(CODES),
    }
    rises = next(one for one in body["versions"] if one["scanner_version"] == "rises")
    assert (rises["state"], rises["latest_session"]) == ("not_scanned", str(sessions[30]))
    assert rises["waited_for"]


@pytest.mark.parametrize("name", ["us", "upbit"])
def test_a_market_without_bars_is_empty(scanned: Any, get: Get, name: str) -> None:
    body = get(f"{name}/readiness")
    assert (body["state"], body["expected"], body["versions"]) == ("empty", 0, [])


def test_an_unknown_market_is_not_there(scanned: Any, get: Get) -> None:
    assert get("mars/readiness", 404)["code"] == "unknown_market"
