"""Scans on the workers of a Dask cluster."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pytest_django import Settings

from scans.engines.registry import ENGINES
from scans.execution.dask_cluster import Cluster, ClusterProblem, cluster_pool
from scans.models import ScannerVersion
from scans.operations.scan.answers import Scan
from scans.operations.scan.request import RunRequest
from scans.operations.scan.run import run_scan
from tests.scans.conftest import AS_OF
from tests.scans.execution.clusters import running_cluster
from tests.scans.execution.dying_probe import DyingProbe


def scanned(executor: str, first: date) -> list[Scan]:
    options: dict[str, Any] = {"versions": ["rises", "v2"], "save": False, "cached": False}
    return run_scan(RunRequest("kr", AS_OF, first=first, executor=executor, **options))


@pytest.mark.slow
def test_a_cluster_gives_the_answers_of_inline_though_a_worker_dies(
    market: pd.DataFrame, sessions: list[date], settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("distributed", reason="requirements/dask.txt is not installed")
    marker = tmp_path / "died"
    monkeypatch.setitem(ENGINES, "probe", DyingProbe(marker))
    ScannerVersion.objects.create(slug="rises", engine="probe")
    expected = scanned("inline", sessions[5])
    with running_cluster(tmp_path / "scheduler.json", workers=2) as settings.DASK_SCHEDULER:
        scans = scanned("dask", sessions[5])
    assert marker.exists()
    assert [scan.error for scan in scans] == ["", ""]
    assert [scan.answers for scan in scans] == [scan.answers for scan in expected]
    assert {scan.executor for scan in scans} == {"dask x2"}


def test_without_scheduler_libraries_or_workers_a_sentence_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ClusterProblem, match="No Dask scheduler is set"), cluster_pool(Cluster()):
        pass
    monkeypatch.setitem(sys.modules, "distributed", None)
    with (
        pytest.raises(ClusterProblem, match=r"pip install -r requirements/dask\.txt"),
        cluster_pool(Cluster("tcp://127.0.0.1:1")),
    ):
        pass
