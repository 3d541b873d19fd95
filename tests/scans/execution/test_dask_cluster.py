"""Scans on the workers of a Dask cluster."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
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
from tests.scans.execution.dying_probe import DyingProbe


@contextmanager
def running_cluster(file: Path, *, workers: int) -> Iterator[str]:
    """The address of a scheduler with so many workers of one thread, each a process of its own."""
    common = ["--scheduler-file", str(file), "--no-dashboard"]
    commands = [["dask_scheduler", "--port", "0", "--host", "127.0.0.1"]]
    commands += [["dask_worker", "--nthreads", "1", "--no-nanny"]] * workers
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with ExitStack() as stack:
        for name, *options in commands:
            process = subprocess.Popen(
                [sys.executable, "-m", f"distributed.cli.{name}", *options, *common],
                env=environment,
                stderr=subprocess.DEVNULL,
            )
            stack.callback(process.wait)
            stack.callback(process.kill)
        while not file.exists() or not file.stat().st_size:
            time.sleep(0.1)
        address = json.loads(file.read_text())["address"]
        from distributed import Client

        with Client(address, set_as_default=False) as client:
            client.wait_for_workers(workers, timeout=60)
        yield address


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
