"""What Prometheus reads, by a parser of its own, of more than one process."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
import yaml
from django.contrib.auth.models import User
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from scans.models import ScanRun
from scans.operations.scan.request import RunRequest
from scans.operations.scan.run import run_scan
from seismo_site.models import ApiToken
from seismo_site.system import process_files
from tests.api.conftest import forgotten, market, probe, scanned, sessions
from tests.scans.conftest import AS_OF, bring
from tests.seismo_site.running import ROOT

__all__ = ["bring", "forgotten", "market", "probe", "scanned", "sessions"]

Read = Callable[..., float]
NAME = re.compile(r"\b(?:seismo|api)_\w+")
LATEST = "api/<str:market>/scans/latest"
OTHER = """
import django; django.setup()
from seismo_site.metrics import SECONDS
SECONDS.labels("GET", "another worker", 200).observe(0.02)
import os; os.kill(os.getpid(), {signal})
"""


@pytest.fixture
def chief(db: None) -> Client:
    """A client with the token of one of the staff."""
    token = ApiToken(user=User.objects.create_user("chief", is_staff=True), name="prometheus")
    secret = token.new_secret()
    token.save()
    return Client(headers={"Authorization": f"Bearer {secret}"})


@pytest.fixture
def read(chief: Client) -> Read:
    """The value of a sample; 0 where there is none."""

    def read(name: str, **labels: str) -> float:
        page = chief.get("/metrics")
        assert page.status_code == 200, page.content
        for family in text_string_to_metric_families(page.text):
            for sample in family.samples:
                if sample.name == name and sample.labels == labels:
                    return float(sample.value)
        return 0.0

    return read


def test_requests_are_counted_by_route(scanned: Any, chief: Client, read: Read) -> None:
    labels = {"method": "GET", "route": LATEST, "status": "200"}
    before = read("seismo_http_request_seconds_count", **labels)
    hits = read("seismo_cache_answers_total", what="scan", outcome="hit")
    for _ in range(3):
        assert chief.get("/api/kr/scans/latest").status_code == 200
    assert read("seismo_http_request_seconds_count", **labels) == before + 3
    assert read("seismo_http_request_seconds_bucket", **labels, le="+Inf") == before + 3
    api = {"method": "GET", "path": "/api/{market}/scans/latest", "status": "200"}
    assert read("api_request_duration_seconds_count", **api) >= 3
    assert read("seismo_cache_answers_total", what="scan", outcome="hit") == hits + 2
    chief.get("/api/kr/scans/2001-01-01")
    dated = {**labels, "route": "api/<str:market>/scans/<str:date>", "status": "404"}
    assert read("seismo_http_request_seconds_count", **dated) >= 1
    chief.get("/nowhere-at-all")
    nowhere = {"method": "GET", "route": "none", "status": "404"}
    assert read("seismo_http_request_seconds_count", **nowhere) >= 1


def test_how_the_installation_stands(scanned: Any, sessions: list[Any], read: Read) -> None:
    last = int(f"{sessions[-1]:%Y%m%d}")
    assert read("seismo_last_session", market="kr") == last
    assert read("seismo_lake_stale_months", market="kr") == 0
    assert read("seismo_session_age", market="kr") > 600  # the record ends in 2024
    assert read("seismo_session_overdue", market="kr") == 1
    assert read("seismo_tasks_waiting") == read("seismo_task_age_seconds") == 0


def test_scans_are_exported_by_version(scanned: Any, read: Read) -> None:
    rises = {"market": "kr", "scanner_version": "rises"}
    run = ScanRun.objects.get(scanner_version__slug="rises")
    assert read("seismo_scan_runs_total", **rises, status="published") == 1
    assert read("seismo_scan_failures_total", **rises) == 0
    ScanRun.objects.create(
        scanner_version=run.scanner_version,
        market="kr",
        first=run.last,
        last=run.last,
        revision=1,
        params={},
        status="failed",
        seconds={"read": 1.5, "score": 0.25},
        cpu_seconds=3.5,
        peak_memory_mb=2,
        started_at=AS_OF,
        finished_at=AS_OF,
    )
    assert read("seismo_scan_failures_total", **rises) == 1
    assert read("seismo_scan_success_ratio", **rises) == 0.5
    assert read("seismo_scan_duration_seconds", **rises) == 1.75
    assert read("seismo_scan_cpu_seconds", **rises) == 3.5
    assert read("seismo_scan_memory_bytes", **rises) == 2 * 1024 * 1024
    last = run.answers.latest("date")
    assert read("seismo_scan_picks", **rises) == last.ranked > 0


def test_metrics_are_closed_to_other_users(db: None, client: Client) -> None:
    assert client.get("/metrics").status_code == 401
    client.force_login(User.objects.create_user("reader"))
    assert client.get("/metrics").status_code == 403


@pytest.mark.parametrize("number", [0, signal.SIGKILL])
@pytest.mark.slow
def test_other_workers_are_added_until_they_are_gone(db: None, read: Read, number: int) -> None:
    labels = {"method": "GET", "route": "another worker", "status": "200"}
    environment = {**os.environ, "SEISMO_DATA_DIR": str(process_files.FOLDER.parents[1])}
    worker = subprocess.run(
        [sys.executable, "-c", OTHER.format(signal=int(number))],
        cwd=ROOT,
        env=environment,
        check=False,
    )
    assert worker.returncode == -number
    assert read("seismo_http_request_seconds_count", **labels) == 1
    process_files.remove_dead_processes()  # as the next worker starts
    assert (process_files.FOLDER / f"histogram_{os.getpid()}.db").exists()
    assert read("seismo_http_request_seconds_count", **labels) == 0


def test_alerts_and_dashboard_use_exported_metrics(scanned: Any, chief: Client, sessions: list[date]) -> None:
    run_scan(RunRequest(market="kr", as_of=AS_OF, versions=["rises"], first=sessions[30], last=sessions[30]))
    chief.get("/api/kr/scans/latest")
    output = {
        sample.name
        for family in text_string_to_metric_families(chief.get("/metrics").text)
        for sample in family.samples
    }
    rules = yaml.safe_load((ROOT / "docs" / "alerts.yaml").read_text(encoding="utf-8"))
    dashboard = json.loads((ROOT / "docs" / "grafana.json").read_text(encoding="utf-8"))
    expressions = [rule["expr"] for rule in rules["groups"][0]["rules"]]
    expressions += [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    rows = [NAME.findall(expression) for expression in expressions]
    assert all(rows)
    assert {name for names in rows for name in names} <= output
    numbers = [panel["id"] for panel in dashboard["panels"]]
    assert len(numbers) == len(set(numbers))


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_promtool_accepts_the_alerts() -> None:
    checked = subprocess.run(["promtool", "check", "rules", ROOT / "docs" / "alerts.yaml"], check=False)
    assert checked.returncode == 0
