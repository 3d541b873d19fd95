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
from datetime import date, timedelta
from typing import Any

import pytest
import yaml
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from marketdata.candles.collector.planner import CandleRequest
from marketdata.candles.collector.timeframes import as_datetime
from marketdata.candles.models import CandleChunk, CandleCollection
from marketdata.candles.operations.collect import collect
from scans.models import Notification, ScanRun
from scans.operations.scan.request import RunRequest
from scans.operations.scan.run import run_scan
from seismo_site.models import ApiToken
from seismo_site.system import process_files
from tests.api.conftest import forgotten, market, probe, scanned, sessions
from tests.marketdata.candles.collector.minute_market import END, NOW, minutes
from tests.marketdata.candles.collector.stores import ListSource
from tests.scans.conftest import AS_OF, bring
from tests.seismo_site.running import ROOT

__all__ = ["bring", "forgotten", "market", "probe", "scanned", "sessions"]

Read = Callable[..., float]
Scrape = Callable[[], Read]
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
def scrape(chief: Client) -> Scrape:
    """The page as it is now: the value of a sample by name and labels, 0 where there is none."""

    def scrape() -> Read:
        page = chief.get("/metrics")
        assert page.status_code == 200, page.content
        families = text_string_to_metric_families(page.text)
        values = {
            (sample.name, *sorted(sample.labels.items())): sample.value for one in families for sample in one.samples
        }
        return lambda name, **labels: float(values.get((name, *sorted(labels.items())), 0.0))

    return scrape


def test_requests_are_counted_by_route(scanned: Any, chief: Client, scrape: Scrape) -> None:
    labels = {"method": "GET", "route": LATEST, "status": "200"}
    read = scrape()
    before = read("seismo_http_request_seconds_count", **labels)
    hits = read("seismo_cache_answers_total", what="scan", outcome="hit")
    for _ in range(3):
        assert chief.get("/api/kr/scans/latest").status_code == 200
    read = scrape()
    assert read("seismo_http_request_seconds_count", **labels) == before + 3
    assert read("seismo_http_request_seconds_bucket", **labels, le="+Inf") == before + 3
    api = {"method": "GET", "path": "/api/{market}/scans/latest", "status": "200"}
    assert read("api_request_duration_seconds_count", **api) >= 3
    assert read("seismo_cache_answers_total", what="scan", outcome="hit") == hits + 2
    chief.get("/api/kr/scans/2001-01-01")
    chief.get("/nowhere-at-all")
    read = scrape()
    dated = {**labels, "route": "api/<str:market>/scans/<str:date>", "status": "404"}
    assert read("seismo_http_request_seconds_count", **dated) >= 1
    nowhere = {"method": "GET", "route": "none", "status": "404"}
    assert read("seismo_http_request_seconds_count", **nowhere) >= 1


def test_how_the_installation_stands(scanned: Any, sessions: list[Any], scrape: Scrape) -> None:
    last, read = int(f"{sessions[-1]:%Y%m%d}"), scrape()
    assert read("seismo_last_session", market="kr") == last
    assert read("seismo_lake_stale_months", market="kr") == 0
    assert read("seismo_session_age", market="kr") > 600  # the record ends in 2024
    assert read("seismo_session_overdue", market="kr") == 1
    assert read("seismo_tasks_waiting") == read("seismo_task_age_seconds") == 0


def test_scans_are_exported_by_version(scanned: Any, scrape: Scrape) -> None:
    rises = {"market": "kr", "scanner_version": "rises"}
    run = ScanRun.objects.get(scanner_version__slug="rises")
    read = scrape()
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
    read = scrape()
    assert read("seismo_scan_failures_total", **rises) == 1
    assert read("seismo_scan_success_ratio", **rises) == 0.5
    assert read("seismo_scan_duration_seconds", **rises) == 1.75
    assert read("seismo_scan_cpu_seconds", **rises) == 3.5
    assert read("seismo_scan_memory_bytes", **rises) == 2 * 1024 * 1024
    last = run.answers.latest("date")
    assert read("seismo_scan_picks", **rises) == last.ranked > 0


@pytest.fixture
def collections(db: None) -> None:
    """Three candles of Upbit in one call, a collection of Upbit that failed, one of two days ago, and two evenings."""
    source = ListSource(minutes(3), now=NOW)
    request = CandleRequest("KRW-BTC", "1m", count=3, before=as_datetime(END))
    collect(source=source, request=request, as_of=as_datetime(NOW))
    done = CandleCollection.objects.get()
    CandleChunk.objects.update(calls=3, retries=1, seconds_api=2.0, seconds_store=1.0, seconds_create=0)
    CandleChunk.objects.update(seconds_overlap=0, seconds_process=0)
    fields = {name: getattr(done, name) for name in ("series", "start", "end", "closed_until", "by_count")}
    for status, age in (("failed", 1), ("failed", 48)):
        ended = timezone.now() - timedelta(hours=age)
        row = CandleCollection(**fields, status=status, calls_lost=6, started_at=ended, ended_at=ended)
        row.save()
    now = timezone.now()
    summary = {"source": "kis", "calls": 40, "new": 30, "corrected": 2, "seconds": 8.0, "error": ""}
    for day, changed in ((20, {"error": "3 instruments failed"}), (21, {}), (22, {"source": ""})):
        Notification.objects.create(
            market="kr",
            session=date(2026, 8, day),
            outcome="done",
            collection=summary | changed,
            created_at=now,
            changed_at=now,
        )


def test_collections_of_a_day_are_exported_by_source(collections: None, scrape: Scrape) -> None:
    read = scrape()
    candles, daily = {"source": "upbit", "what": "candles"}, {"source": "kis", "what": "daily bars"}
    expected = {"collections": 2, "failures": 1, "calls": 9, "retries": 1, "rows": 3, "seconds": 3, "call_rate": 3}
    assert {name: read(f"seismo_collection_{name}", **candles) for name in expected} == expected
    expected = {"collections": 2, "failures": 1, "calls": 80, "rows": 64, "seconds": 16, "call_rate": 5}
    assert {name: read(f"seismo_collection_{name}", **daily) for name in expected} == expected


def test_metrics_are_closed_to_other_users(db: None, client: Client) -> None:
    assert client.get("/metrics").status_code == 401
    client.force_login(User.objects.create_user("reader"))
    assert client.get("/metrics").status_code == 403


@pytest.mark.parametrize("number", [0, signal.SIGKILL])
@pytest.mark.slow
def test_other_workers_are_added_until_they_are_gone(db: None, scrape: Scrape, number: int) -> None:
    labels = {"method": "GET", "route": "another worker", "status": "200"}
    environment = {**os.environ, "SEISMO_DATA_DIR": str(process_files.FOLDER.parents[1])}
    worker = subprocess.run(
        [sys.executable, "-c", OTHER.format(signal=int(number))],
        cwd=ROOT,
        env=environment,
        check=False,
    )
    assert worker.returncode == -number
    assert scrape()("seismo_http_request_seconds_count", **labels) == 1
    process_files.remove_dead_processes()  # as the next worker starts
    assert (process_files.FOLDER / f"histogram_{os.getpid()}.db").exists()
    assert scrape()("seismo_http_request_seconds_count", **labels) == 0


def test_alerts_and_dashboard_use_exported_metrics(
    scanned: Any, collections: None, chief: Client, sessions: list[date]
) -> None:
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
