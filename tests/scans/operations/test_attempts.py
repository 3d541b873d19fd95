"""Every attempt of a version is on record: what it cost, and how it ended."""

from __future__ import annotations

import logging
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest

from marketdata.request_id import request_id
from scans.execution.cost import resident_memory
from scans.models import ScannerVersion, ScanRun, ScanSession
from scans.operations.scan import inputs
from scans.operations.scan.request import RunRequest
from scans.operations.scan.run import run_scan
from tests.scans.conftest import AS_OF
from tests.scans.probe import Probe

MB = 1024 * 1024
LARGE = 96 * MB
STAGES = ["read", "features", "score", "publish"]


@pytest.fixture
def stores_large_array(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine needs 96 MB while it scores."""
    score = Probe.score

    def large_score(self: Probe, *args: Any) -> Any:
        assert np.ones(LARGE // 8).sum() == LARGE // 8
        return score(self, *args)

    monkeypatch.setattr(Probe, "score", large_score)


def scan(*versions: str, **options: Any) -> Any:
    return run_scan(RunRequest(market="kr", as_of=AS_OF, versions=versions, **options))


def test_run_records_each_stage_of_its_own_version(market: pd.DataFrame, probe: Probe, sessions: list[date]) -> None:
    scan("rises", "v2", cached=False)
    scan("rises", cached=False)
    rises, v2, again = ScanRun.objects.order_by("pk")
    for run in (rises, v2, again):
        assert sorted(run.seconds) == sorted(STAGES)  # PostgreSQL keeps no order of keys
        assert run.executor == "inline"
    assert rises.seconds["read"] == v2.seconds["read"]  # one reading for both
    assert rises.seconds["features"] != v2.seconds["features"]
    assert again.status == "unchanged"
    bars = market[(market["date"] <= sessions[-1]) & (market["volume"] > 0)]
    assert rises.bars == v2.bars == len(bars)


def test_features_from_the_cache_read_no_bars(market: pd.DataFrame, probe: Probe) -> None:
    scan("v2")
    scan("v2")
    first, second = ScanRun.objects.order_by("pk")
    assert (first.executor, second.executor, second.bars) == ("inline", inputs.CACHE, 0)


def test_memory_is_that_of_the_run_not_of_the_process(
    market: pd.DataFrame, probe: Probe, stores_large_array: None
) -> None:
    other = np.ones(2 * LARGE // 8)  # of the process, before the run
    scan("rises")
    run = ScanRun.objects.get()
    assert 0.9 * LARGE < run.peak_memory_mb * MB < 2 * LARGE < resident_memory()
    assert other.nbytes == 2 * LARGE


def test_failure_while_bars_are_read_is_a_failed_run_of_each_version(
    market: pd.DataFrame, probe: Probe, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object) -> None:
        raise OSError("the disk does not answer")

    monkeypatch.setattr(inputs, "read_inputs", fail)
    with pytest.raises(OSError, match="the disk"):
        scan("rises", "v2")
    rows = ScanRun.objects.order_by("pk").values_list("scanner_version__slug", "status", "reason")
    assert list(rows) == [
        ("rises", "failed", "rises failed: OSError: the disk does not answer"),
        ("v2", "failed", "v2 failed: OSError: the disk does not answer"),
    ]
    assert not ScanSession.objects.exists()


def test_draft_leaves_no_run(market: pd.DataFrame, probe: Probe) -> None:
    scan("rises", save=False)
    probe.failure = ZeroDivisionError("a hole in the engine")
    scan("rises", save=False, cached=False)
    assert not ScanRun.objects.exists()


def test_log_names_start_and_end_of_each_version(
    market: pd.DataFrame, probe: Probe, sessions: list[date], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "scans.operations.scan.attempts")
    (result,) = scan("rises", started_by="ann")
    scan("rises")
    ScannerVersion.objects.filter(slug="rises").update(params={"scale": 2.0})
    probe.failure = ZeroDivisionError("a hole in the engine")
    scan("rises")
    rows = [(row.levelname, row.getMessage().partition(":")[0].partition(" after ")[0]) for row in caplog.records]
    day, matched = sessions[-1], result.answers[0].matched
    assert rows == [
        ("INFO", f"rises started on market kr, {day}, started by ann"),
        ("INFO", f"rises matched {matched} instruments on market kr, {day}"),
        ("INFO", f"rises started on market kr, {day}, started by -"),
        ("INFO", f"rises matched {matched} instruments on market kr, {day}, unchanged"),
        ("INFO", f"rises started on market kr, {day}, started by -"),
        ("ERROR", "rises failed on market kr"),
    ]


def test_run_has_the_identifier_of_the_task_it_belongs_to(market: pd.DataFrame, probe: Probe) -> None:
    token = request_id.set("caller-0123")
    scan("rises")
    request_id.reset(token)
    scan("rises", request_id="of-the-row")
    assert list(ScanRun.objects.order_by("pk").values_list("request_id", flat=True)) == ["caller-0123", "of-the-row"]
