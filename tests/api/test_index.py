"""A market's index over the API: its series, and the regime of each session by both rules."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from marketdata.operations.projection.project import project_bars
from scans.models import ScanSession
from scans.operations.scan.request import RunRequest
from scans.operations.scan.run import run_scan
from tests.api.conftest import Get
from tests.scans.conftest import AS_OF
from tests.scans.index_series import DAILY, TREND, levels, record_index
from tests.scans.queries.test_market_index import expected, with_caps


def by_name(body: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {series["name"]: series for series in body["series"]}


def test_a_chosen_series_has_its_regimes(market: pd.DataFrame, sessions: list[date], tmp_path: Path, get: Get) -> None:
    """The external series of known answers."""
    record_index(levels(sessions), tmp_path)
    project_bars("kr")
    body = get("kr/index")
    series = by_name(body)
    assert {name: one["chosen"] for name, one in series.items()} == {
        "own-equal": False, "own-cap": False, "KS11": True,
    }  # fmt: skip
    assert (body["first"], body["last"]) == (str(sessions[0]), str(sessions[-1]))
    rows = series["KS11"]["sessions"]
    assert [row["date"] for row in rows] == [str(day) for day in sessions]
    assert (rows[0]["move_pct"], rows[0]["level"]) == (None, None)
    last = rows[-1]
    assert last["move_pct"] == pytest.approx(-2.9)
    assert last["level"] == pytest.approx(1.005 ** (len(sessions) - 2) * 0.971)
    assert (last["daily"]["regime"], last["daily"]["kind"], last["daily"]["sentence"]) == ("crash", "daily", DAILY)
    assert (last["trend"]["regime"], last["trend"]["kind"], last["trend"]["sentence"]) == ("bull", "trend", TREND)
    assert last["daily"]["measures"] == {"move_pct": -2.9}
    assert last["short_risk"] == 2


def test_a_range_has_both_ends(market: pd.DataFrame, sessions: list[date], get: Get) -> None:
    project_bars("kr")
    body = get("kr/index", **{"from": sessions[5], "to": sessions[7]})
    for series in body["series"]:
        assert [row["date"] for row in series["sessions"]] == [str(day) for day in sessions[5:8]]
    after = get("kr/index", **{"from": sessions[7], "to": sessions[5]})
    assert [series["sessions"] for series in after["series"]] == [[], []]
    get("kr/index", 400, **{"from": "yesterday"})


def test_the_own_series_equal_the_reference(bring: Callable[..., Any], sessions: list[date], get: Get) -> None:
    rows = with_caps(sessions)
    bring(rows)
    project_bars("kr")
    for name, series in by_name(get("kr/index")).items():
        wanted = expected(rows, sessions, name)
        assert [row["daily"]["regime"] for row in series["sessions"]] == list(wanted["daily"]), name
        assert [row["trend"]["regime"] for row in series["sessions"]] == list(wanted["trend"]), name


def test_the_chosen_series_has_the_regimes_of_scans(market: pd.DataFrame, sessions: list[date], get: Get) -> None:
    request = RunRequest(market="kr", as_of=AS_OF, versions=["v1", "v2"], first=sessions[25], last=sessions[-1])
    assert not any(run.error for run in run_scan(request))
    (series,) = [one for one in get("kr/index", **{"from": sessions[25]})["series"] if one["chosen"]]
    for kind, version in (("daily", "v1"), ("trend", "v2")):
        published = ScanSession.objects.filter(scanner_version__slug=version, published=True).order_by("date")
        regimes = [(str(day), regime) for day, regime in published.values_list("date", "regime")]
        assert [(row["date"], row[kind]["regime"]) for row in series["sessions"]] == regimes


def test_a_market_without_bars_has_no_index(db: None, get: Get) -> None:
    assert get("us/index", 404)["code"] == "no_bars"
