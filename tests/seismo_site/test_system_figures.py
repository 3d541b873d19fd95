"""Figures of the running system: the cache, the slowest routes, and where they are read."""

from __future__ import annotations

import json
import os
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client, RequestFactory

from caching.memory import MemoryUse
from caching.stats import STATS, CacheCounts, Counts
from seismo_site.system import cache_figures, process_files, request_times
from seismo_site.system.request_times import LATEST, RequestTimes, get_route_times, get_slowest
from tests.api.conftest import forgotten, market, probe, scanned, sessions
from tests.people import staff
from tests.scans.conftest import bring

__all__ = ["bring", "forgotten", "market", "probe", "scanned", "sessions"]

MB = 1024 * 1024


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory of figures of this test alone."""
    monkeypatch.setattr(process_files, "FOLDER", tmp_path)
    STATS.reset()
    return tmp_path


@pytest.fixture
def chief(db: None, client: Client) -> Client:
    client.force_login(staff("chief", "scans.view_scanrun"))
    return client


def minutes(hits: int, misses: int, *, at: int = 99) -> CacheCounts:
    rows = {"page": Counts(hits=hits, misses=misses)}
    return CacheCounts(rows, {at: rows})


def test_cache_stats_count_this_process_and_others(scanned: Any, chief: Client, folder: Path) -> None:
    other = {"total": {"page": {"hits": 40, "bytes": 5}}, "minutes": {"1": {"page": {"hits": 40}}}}
    (folder / f"cache_{os.getppid()}.json").write_text(json.dumps(other), encoding="utf-8")
    for _ in range(3):
        assert chief.get("/api/kr/scans/latest").status_code == 200
    body = chief.get("/api/system/cache-stats").json()
    page = next(row for row in body["total"] if row["policy"] == "page")
    assert (page["hits"], page["misses"], page["coalesced"], page["errors"], page["stale"]) == (42, 1, 0, 0, 0)
    assert page["bytes"] > 5
    assert page["hit_ratio_pct"] == pytest.approx(100 * 42 / 43, abs=0.01)
    assert body["minutes"][0] == {
        "at": "1970-01-01T00:01:00Z",
        "policies": [
            {
                "policy": "page",
                "hits": 40,
                "misses": 0,
                "stale": 0,
                "coalesced": 0,
                "errors": 0,
                "bytes": 0,
                "load_seconds": 0.0,
                "hit_ratio_pct": 100.0,
            }
        ],
    }
    assert body["memory"]["used"] > 0
    page_text = chief.get("/admin/system/").content.decode()
    assert "System figures" in page_text
    assert ">rises</th>" in page_text


def test_figures_are_for_staff(db: None, client: Client) -> None:
    client.force_login(User.objects.create_user("reader"))
    assert client.get("/api/system/cache-stats").status_code == 403
    assert client.get("/admin/system/").status_code == 302
    client.force_login(staff("without"))
    assert client.get("/admin/system/").status_code == 403


def test_low_share_of_hits_is_reported_once_and_its_end_too(caplog: pytest.LogCaptureFixture) -> None:
    for hits, misses in ((90, 110), (150, 250), (20, 20), (900, 100), (800, 200)):
        cache_figures.report_states(minutes(hits, misses), None, minute=100)
    assert [row.getMessage().partition(":")[0] for row in caplog.records] == [
        "Only 45 % of 200 answers of 15 minutes came from the cache, less than 80 %",
        "90 % of 1,000 answers of 15 minutes come from the cache again",
    ]


def test_only_the_last_quarter_of_an_hour_is_judged(caplog: pytest.LogCaptureFixture) -> None:
    cache_figures.report_states(minutes(0, 1000, at=84), None, minute=100)  # before it
    cache_figures.report_states(minutes(0, 1000, at=100), None, minute=100)  # not over yet
    assert caplog.records == []
    cache_figures.report_states(minutes(0, 1000, at=85), None, minute=100)
    assert len(caplog.records) == 1


def test_large_cache_is_reported_once_and_its_end_too(caplog: pytest.LogCaptureFixture) -> None:
    for used in (400, 501, 600, 300):
        cache_figures.report_states(CacheCounts({}, {}), MemoryUse(used * MB, 0, "", shared=True), minute=100)
    assert [row.getMessage() for row in caplog.records] == [
        "The cache uses 501 MB, more than 500 MB",
        "The cache uses 300 MB again",
    ]


def times(clock: Any = lambda: 0.0) -> RequestTimes:
    return RequestTimes(clock)


def test_percentiles_are_those_of_the_latest_requests_of_all_processes() -> None:
    one, two = times(), times()
    request = RequestFactory().get("/api/kr/signals")
    for number in range(1, LATEST + 1):
        one.add(request, method="GET", route="slow", status=200, seconds=number / 1000)
    one.record()
    (first,) = request_times.read_requests()
    two.add(request, method="GET", route="quick", status=200, seconds=0.001)
    two.record()  # the same process number: in its place
    (second,) = request_times.read_requests()
    slow, quick = get_route_times([first, second])
    # Of 1 to 200 ms, by linear interpolation: 1 + q * 199.
    assert (slow.route, slow.requests, slow.most_ms) == ("slow", 200, 200.0)
    assert (slow.p50_ms, slow.p95_ms, slow.p99_ms) == pytest.approx((100.5, 190.05, 198.01))
    assert (quick.route, quick.p99_ms) == ("quick", 1.0)
    assert get_slowest([first, second])[0].seconds == 0.2


def test_command_prints_routes_and_the_identifiers_of_slow_requests(folder: Path) -> None:
    out = StringIO()
    call_command("slow_endpoints", stdout=out)
    assert "No web server of this host has recorded a request yet" in out.getvalue()
    mine = times()
    request = RequestFactory().get("/api/kr/signals")
    request.request_id = "caller-0123"  # type: ignore[attr-defined]
    mine.add(request, method="GET", route="api/<str:market>/signals", status=200, seconds=1.25)
    mine.record()
    out = StringIO()
    call_command("slow_endpoints", stdout=out)
    lines = out.getvalue().splitlines()
    assert lines[1].split() == ["1250.0", "1250.0", "1250.0", "1", "GET", "api/<str:market>/signals"]
    assert lines[-1].split() == ["1250.0", "1970-01-01", "00:00:00", "caller-0123", "GET", "/api/kr/signals", "200"]


def test_files_of_ended_processes_are_removed(folder: Path) -> None:
    process_files.write("cache", {})
    dead = folder / "cache_999999999.json"
    dead.write_text("{}", encoding="utf-8")
    process_files.remove_dead_processes()
    assert not dead.exists()
    assert len(list(folder.glob("cache_*.json"))) == 1
