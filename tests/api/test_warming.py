"""What was published is kept ready for those who ask, with the cache that processes share."""

from __future__ import annotations

import re
from datetime import date
from threading import current_thread
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext

from caching.reads import READS
from caching.stats import STATS
from caching.warmup import WarmUpReport
from marketdata.context_threads import ContextThreadPool
from marketdata.models import TaskRecord
from marketdata.operations.priority import UrgentThread
from scans import tasks
from scans.api import after_publication, warm_up
from scans.api.warm_up import warm_up_market
from scans.operations import versions
from scans.operations.requests import queue
from scans.queries import results
from scans.queries.versions import active_version
from tests.scans.conftest import AS_OF
from tests.task_queues import purge_queues

READY = (
    "/api/kr/scans/latest",
    "/api/kr/scans/latest?scanner_version=rises",
    "/api/kr/scans/latest?scanner_version=rises-10",
    "/api/kr/signals",
)


def test_the_first_caller_finds_what_was_kept(scanned: Any, client: Client, user: User) -> None:
    STATS.reset()
    done = warm_up_market("kr", ["rises", "rises-10", "rises"], seconds=600)
    assert (done.failed, done.skipped) == ([], 0)
    kept = STATS.snapshot()
    client.force_login(user)
    for address in READY:
        with CaptureQueriesContext(connection) as made:
            response = client.get(address)
        assert response.status_code == 200
        assert len(made) == 2, address  # the reader with the session, and the generations
    assert {what: (STATS.snapshot()[what]["hits"], kept[what]["misses"]) for what in ("scan", "signals")} == {
        "scan": (3, 3),
        "signals": (1, 3),
    }
    again = client.get("/api/kr/scans/latest?limit=1", headers={"Host": "127.0.0.1"}).json()
    assert again["next"] is None or again["next"].startswith("http://127.0.0.1/api/")


def test_pages_and_charts_of_picks_and_of_the_most_read_stocks_are_kept(
    scanned: Any, client: Client, user: User, sessions: list[date]
) -> None:
    picked = [code for code, _, _ in results.latest_picks("kr")]
    read = next(code for code in scanned.code.unique() if code not in picked)
    for _ in range(3):
        READS.count("kr", read)
    done = warm_up_market("kr", [], seconds=600)
    assert (done.failed, done.skipped) == ([], 0)
    client.force_login(user)
    STATS.reset()
    chart = {"period": "max", "interval": "day", "adjusted": "true", "indicators": "ema20,ema60,ema120,rsi14"}
    for code in {*picked, read}:
        assert client.get(f"/api/kr/stocks/{code}/chart", chart).status_code == 200
    for path in ("/kr/", "/kr/signals", f"/kr/s/{read}"):
        for language in ("en", "ko"):
            assert client.get(path, headers={"Accept-Language": language}).status_code == 200
    body = client.get("/kr/").content.decode()
    address = re.search(r"/kr/s/[^?]+\?scanner_version=[^&]+&amp;date=[\d-]+", body)
    assert address is not None
    client.get(address[0].replace("&amp;", "&"))
    counts = STATS.snapshot()
    assert (counts["chart"]["misses"], counts["html"]["misses"]) == (0, 0)


def test_what_is_read_most_comes_first(
    scanned: Any, client: Client, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    picked = [code for code, _, _ in results.latest_picks("kr")]
    client.force_login(user)
    for _ in range(3):
        assert client.get(f"/kr/s/{picked[-1]}", headers={"Accept-Language": "ko"}).status_code == 200
    named: list[str] = []

    def record(calls: Any, **_: Any) -> WarmUpReport:
        named.extend(name for name, _ in calls)
        return WarmUpReport()

    monkeypatch.setattr(warm_up, "warm", record)
    warm_up_market("kr", ["rises"])
    pages = [name for name in named if name.startswith("the page")]
    assert pages[:2] == ["the page /kr/ (ko)", "the page /kr/signals (ko)"]
    assert pages[2:4] == [f"the page of {picked[-1]} on kr (ko)"] * 2  # as it is linked, and without a query
    languages = [name[-4:] for name in pages]
    assert languages == sorted(languages, reverse=True)
    assert named.index("the evaluation of kr") < named.index("the page /kr/ (en)")


def test_the_first_analysis_and_evaluation_are_kept(
    scanned: Any, client: Client, user: User, sessions: list[date]
) -> None:
    code = next(code for code, slug, _ in results.latest_picks("kr") if slug == active_version("kr").slug)
    assert warm_up_market("kr", [], seconds=600).failed == []
    client.force_login(user)
    STATS.reset()
    assert client.get(f"/api/kr/analysis/{code}").status_code == 200
    assert client.get("/api/kr/evaluation").status_code == 200
    counts = STATS.snapshot()
    assert [(counts[what]["hits"], counts[what]["misses"]) for what in ("base-rates", "evaluation")] == [(1, 0)] * 2


def test_a_warm_up_ends_with_its_time(scanned: Any) -> None:
    done = warm_up_market("kr", [], seconds=0)
    assert (done.warmed, done.failed) == (0, [])
    assert done.skipped > 5


def test_warm_cache_reports_what_it_cached(scanned: Any, capsys: Any) -> None:
    if not settings.REDIS_URL:
        with pytest.raises(CommandError, match="set REDIS_URL"):
            call_command("warm_cache")
        return
    call_command("warm_cache")
    assert re.fullmatch(r"kr: \d+ answers cached in [\d.]+ s\n", capsys.readouterr().out)


def test_what_was_never_published_is_no_trouble(scanned: Any, caplog: pytest.LogCaptureFixture) -> None:
    versions.create_version(slug="new", engine="probe", settings={}, who="test", at=AS_OF)
    assert warm_up_market("kr", ["new"]).failed == []
    assert warm_up_market("upbit", []).failed == []
    assert not caplog.records


def test_a_command_that_publishes_keeps_it_ready(scanned: Any, sessions: list[date], capsys: Any) -> None:
    STATS.reset()
    call_command("run_scan", "--version", "rises", "--date", str(sessions[31]))
    shared = bool(settings.REDIS_URL)
    assert ("scan" in STATS.snapshot()) is shared
    STATS.reset()
    after_publication.warm_up_responses("kr", [])
    assert ("signals" in STATS.snapshot()) is shared


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_computes_last_warms_up_at_the_priority_of_the_server(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Readers wait for the answers that it computes."""
    settings.REDIS_URL, settings.WARM_SECONDS = "redis://another", 5
    threads: list[str] = []

    def warm(*_: Any, **__: Any) -> WarmUpReport:
        threads.append(current_thread().name)
        return WarmUpReport()

    monkeypatch.setattr(warm_up, "warm", warm)
    monkeypatch.setattr(warm_up, "first_read_seconds", lambda market: 0.0)
    with ContextThreadPool(1, "urgent") as pool:
        monkeypatch.setattr(UrgentThread, "pool", pool)
        after_publication.warm_up_responses("kr", ["rises"])
        pool.submit(connections.close_all).result()
    assert [name.split("_")[0] for name in threads] == ["urgent", "MainThread"]  # what takes seconds stays behind


def test_without_seconds_nothing_is_warmed_up(scanned: Any, settings: Any) -> None:
    settings.WARM_SECONDS = 0
    STATS.reset()
    after_publication.warm_up_responses("kr", ["rises"])
    assert not STATS.snapshot()


@pytest.mark.django_db(transaction=True)
def test_after_a_request_the_warm_up_is_a_task_of_low(market: Any, probe: Any, sessions: list[date]) -> None:
    for _ in range(2):
        row = queue.queue_request(
            market="kr", as_of=AS_OF, requested_by="ann", versions=["rises"], first=sessions[31], last=sessions[31]
        ).request
        STATS.reset()
        tasks.process_scan_request(row.pk)
        assert "scan" not in STATS.snapshot()
    rows = TaskRecord.objects.filter(kind="warm-up")
    assert list(rows.values_list("queue", "args")) == [("low", ["kr", ["rises"]])][: 1 if settings.REDIS_URL else 0]
    for row_of_task in rows:
        tasks.warm_up(*row_of_task.args)
        assert STATS.snapshot()["scan"]["misses"] > 0
    purge_queues()
