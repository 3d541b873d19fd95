"""The console looks stale where something is stale: sessions missing at the end, versions that are behind."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pandas as pd
import pytest
from django.test import Client
from django.urls import reverse

from marketdata.models import CalendarOverride
from marketdata.operations.projection import project
from scans.operations.scan.request import RunRequest
from scans.operations.scan.run import run_scan
from scans.queries import overview, readiness
from tests.admin.views import page
from tests.scans.conftest import AS_OF, frame
from tests.scans.operations.test_closed_days import bars, silent

# The market's bars end on 2024-04-30. Sessions after it: May 2 (the 1st is Labour Day), 3, 7 (the 6th is a holiday).
MORNING = datetime(2024, 5, 8, 0, 0, tzinfo=UTC)


def stale(at: datetime) -> dict[tuple[str, str], str]:
    return overview.stale_versions(readiness.recorded_markets_readiness(at))


def test_sessions_missing_at_the_end_are_counted(
    scanned: Any, console: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("django.utils.timezone.now", lambda: MORNING)
    text = page(console, "/admin/")
    sentence = "The record of market kr ends 3 sessions ago, on 2024-04-30: the last closed session is 2024-05-07."
    assert text.count(sentence) == 2  # beside the market, and among what waits
    assert "3 sessions are missing at the end" in text
    assert '<tr class="stale">' in text
    assert "Nothing waits for a decision" not in text
    for name in (("coverage",), ("coverage_of_market", "kr")):
        shown = page(console, reverse(f"admin:{name[0]}", args=name[1:]))
        assert "missing at the end" in shown
    assert "<b>3</b> missing at the end" in shown
    assert sentence in shown


def test_a_fresh_market_looks_fresh(
    market: Any, probe: Any, sessions: list[date], console: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_scan(RunRequest(market="kr", as_of=AS_OF, versions=["rises"], last=sessions[-1]))
    evening = datetime(2024, 4, 30, 7, 0, tzinfo=UTC)  # 16:00 in Seoul: the session has closed
    monkeypatch.setattr("django.utils.timezone.now", lambda: evening)
    text = page(console, "/admin/")
    assert "The record of market kr has its last closed session, 2024-04-30." in text
    assert "missing at the end: <a" not in text
    assert 'class="stale"' not in text
    assert "Nothing waits for a decision" in text


def test_versions_that_are_behind_look_stale(market: Any, probe: Any, sessions: list[date], bring: Any) -> None:
    run_scan(RunRequest(market="kr", as_of=AS_OF, versions=["rises-10"], last=sessions[-2]))
    run_scan(RunRequest(market="kr", as_of=AS_OF, versions=["rises"], last=sessions[-1]))
    late = datetime(2024, 4, 30, 14, 0, tzinfo=UTC)
    assert stale(late) == {("kr", "rises-10"): f"published up to {sessions[-2]}, 1 session ago"}
    soon = datetime(2024, 4, 30, 7, 0, tzinfo=UTC)
    assert stale(soon) == {}  # the evening may still come
    assert stale(MORNING)["kr", "rises"] == "published up to 2024-04-30, 3 sessions ago"
    rows = frame(sessions, seed=2)
    bring(rows[rows.date == sessions[-1]])
    assert "rises" in {version for _, version in stale(soon)}  # its data are others now


def test_days_without_trade_wait_for_a_word(bring: Any, sessions: list[date], console: Client) -> None:
    rows = bars(sessions)
    rows = rows[rows.date != sessions[20]]
    bring(pd.concat([rows, silent(bars(sessions), sessions, 20)]))
    project.project_bars("kr")
    text = page(console, "/admin/")
    assert "Market kr did not trade on 1 day" in text
    add = reverse("admin:marketdata_calendaroverride_add")
    assert f"{add}?market=kr&amp;date={sessions[20]}" in text
    CalendarOverride.objects.create(market="kr", date=sessions[20], is_open=False)
    assert "did not trade" not in page(console, "/admin/")
