"""The monitor of evenings: which address is requested after which outcome, and what a monitor that is away changes."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pandas as pd
import pytest

from scans.operations.evening import evening, monitor
from scans.operations.evening.evening import EveningRequest
from scans.operations.evening.report import EveningReport, VersionReport
from tests.scans.probe import Probe
from tests.scans.receiver import Receiver

DAY = date(2026, 8, 21)
DONE, FAILED = VersionReport("v2", "published"), VersionReport("v3", "failed", "boom")


@pytest.mark.parametrize(
    ("report", "paths"),
    [
        (EveningReport("kr", DAY, versions=[DONE]), ["/a-secret-id/kr"]),
        (EveningReport("us", DAY, versions=[DONE, FAILED]), ["/a-secret-id/us/fail"]),
        (EveningReport("kr", DAY, "The collection failed."), ["/a-secret-id/kr/fail"]),
        (EveningReport("kr", DAY, "4 of 6 bars", incomplete=True), []),
        (EveningReport("kr", None, "2026-08-22 is no session"), ["/a-secret-id/kr"]),
        (EveningReport("kr", None, "The record ends 66 sessions ago.", overdue=True), ["/a-secret-id/kr/fail"]),
    ],
    ids=["done", "partial", "failed", "incomplete", "nothing to do", "overdue"],
)
def test_the_address_that_is_requested(settings: Any, report: EveningReport, paths: list[str]) -> None:
    with Receiver() as receiver:
        settings.PING_URL = f"{receiver.url}/a-secret-id/{{market}}?rid=1"
        monitor.report_evening(report)
    assert [(request.method, request.path, request.params) for request in receiver.requests] == [
        ("GET", path, {"rid": "1"}) for path in paths
    ]


def test_a_monitor_that_is_away_is_logged_without_its_address(settings: Any, caplog: pytest.LogCaptureFixture) -> None:
    with Receiver() as gone:
        settings.PING_URL = f"{gone.url}/a-secret-id"
    caplog.set_level(logging.DEBUG)
    monitor.report_evening(EveningReport("kr", DAY, versions=[DONE]))
    assert "The monitor was not reached after the evening of market kr" in caplog.text
    assert "a-secret-id" not in caplog.text


def test_an_evening_calls_the_monitor_once(
    market: pd.DataFrame, probe: Probe, sessions: list[date], settings: Any
) -> None:
    request = EveningRequest("kr", versions=["rises"], collects=False)
    at = datetime(sessions[-1].year, sessions[-1].month, sessions[-1].day, 9, 10, tzinfo=UTC)
    with Receiver() as receiver:
        settings.PING_URL = f"{receiver.url}/id"
        evening.run_evening(request, clock=lambda: at, warm_up=lambda *_: None)
        probe.failure = RuntimeError("boom")
        evening.run_evening(replace(request, versions=["rises-10"]), clock=lambda: at, warm_up=lambda *_: None)
    assert [request.path for request in receiver.requests] == ["/id", "/id/fail"]
