"""Cached answers: read again, replaced when their data change, never sent to a user without the permission."""

from __future__ import annotations

import gzip
import threading
from datetime import date
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, connections, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from caching.stats import STATS
from marketdata.operations import generations
from scans.api import parameters
from scans.models import Signal
from scans.operations import signals
from scans.operations.scan.request import RunRequest
from scans.operations.scan.run import run_scan
from tests.api.conftest import Get
from tests.scans.conftest import AS_OF

KEPT = {
    "scan": "/api/kr/scans/latest",
    "chart": "/api/kr/stocks/005930/chart?indicators=ema5",
    "signals": "/api/kr/signals",
    "stocks": "/api/kr/stocks?search=0059",
}
WHO = 2
"""Queries that say who asks."""


def counted(what: str) -> tuple[float, float]:
    body = STATS.snapshot().get(what, {"hits": 0, "misses": 0})
    return body["hits"], body["misses"]


@pytest.fixture
def reader(client: Client, user: User) -> Client:
    client.force_login(user)
    STATS.reset()
    return client


@pytest.mark.parametrize("what", KEPT)
def test_computed_answer_is_read_from_the_cache(scanned: Any, reader: Client, what: str) -> None:
    signals.update_signals(market="kr", versions=["rises"], as_of=AS_OF)
    first = reader.get(KEPT[what])
    with CaptureQueriesContext(connection) as made:
        again = reader.get(KEPT[what])
    assert len(made) == WHO  # the generations come with the session
    assert (again.status_code, again.content) == (200, first.content)
    assert again.headers["ETag"] == first.headers["ETag"]
    assert counted(what) == (1, 1)
    assert f"{what} 1 of 2" in reader.get("/api/health/ready").json()["cache"]["detail"]
    packed = reader.get(KEPT[what], headers={"Accept-Encoding": "gzip"})
    if "Content-Encoding" in packed.headers:
        assert gzip.decompress(packed.content) == first.content
        assert packed.headers["ETag"] == f"W/{first.headers['ETag']}"
    values = {"If-None-Match": packed.headers["ETag"]}
    assert reader.get(KEPT[what], headers=values).status_code == 304


def test_a_compressed_answer_for_those_who_take_it(scanned: Any, reader: Client) -> None:
    plain = reader.get(KEPT["chart"])
    packed = reader.get(KEPT["chart"], headers={"Accept-Encoding": "br, gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.content) == plain.content
    refused = reader.get(KEPT["chart"], headers={"Accept-Encoding": "gzip;q=0, *"})
    assert refused.content == plain.content
    assert "Accept-Encoding" in refused.headers["Vary"]


def test_what_is_published_is_shown_at_once(scanned: Any, sessions: list[date], reader: Client) -> None:
    before = reader.get(KEPT["scan"]).json()
    run_scan(RunRequest(market="kr", as_of=AS_OF, versions=["rises"], first=sessions[31], last=sessions[31]))
    after = reader.get(KEPT["scan"]).json()
    assert (before["date"], after["date"]) == (str(sessions[30]), str(sessions[31]))
    assert reader.get(KEPT["signals"]).json()["results"] == []
    signals.update_signals(market="kr", versions=["rises"], as_of=AS_OF)
    assert len(reader.get(KEPT["signals"], {"limit": 500}).json()["results"]) == min(Signal.objects.count(), 500)


def test_what_is_taken_back_was_never_shown(scanned: Any, reader: Client) -> None:
    before = reader.get(KEPT["scan"]).content
    with transaction.atomic():
        generations.advance("kr")
        transaction.set_rollback(True)
    assert reader.get(KEPT["scan"]).content == before
    assert counted("scan") == (1, 1)


def test_today_ends(scanned: Any, sessions: list[date], reader: Client, monkeypatch: Any) -> None:
    assert reader.get(KEPT["scan"]).json()["is_today"] is False
    monkeypatch.setattr(parameters, "today", lambda market: sessions[30])
    assert reader.get(KEPT["scan"]).json()["is_today"] is True


def test_another_active_version(scanned: Any, reader: Client) -> None:
    from scans.operations import versions

    assert reader.get(KEPT["scan"]).json()["scanner_version"] == "rises"
    versions.activate_version("kr", versions.get_version("rises-10"), who="test", at=AS_OF)
    assert reader.get(KEPT["scan"]).json()["scanner_version"] == "rises-10"


def test_it_is_kept_from_those_who_may_not_read(scanned: Any, reader: Client, settings: Any) -> None:
    assert reader.get(KEPT["scan"]).status_code == 200
    settings.ANONYMOUS_READS = False
    assert Client().get(KEPT["scan"]).status_code == 401
    settings.USER_RATE = 1
    assert reader.get(KEPT["scan"]).status_code == 429


def test_what_is_not_kept(scanned: Any, reader: Client) -> None:
    following = reader.get("/api/kr/scans/dates", {"limit": 1}).json()["next"]
    reader.get(following)
    page = reader.get("/api/kr/stocks", {"limit": 1}).json()
    assert counted("stocks") == (0, 1)
    for _ in range(2):
        reader.get(page["next"])
        reader.get("/api/kr/stocks", {"search": "x" * 121})  # refused
        reader.get("/api/kr/stocks", {"fields": ",".join(["code"] * 80)})  # long
    assert counted("stocks")[0] == 0


@pytest.mark.django_db(transaction=True)
def test_no_list_is_ever_half_published(scanned: Any, sessions: list[date], get: Get) -> None:
    """One publishes a long and a short list in turns while another reads."""
    day, ended = sessions[30], threading.Event()

    def publish() -> None:
        try:
            for n in range(12):
                top = (99, 1)[n % 2]
                run_scan(RunRequest(market="kr", as_of=AS_OF, versions=["rises"], first=day, last=day, top=top))
        finally:
            ended.set()
            connections.close_all()

    writer = threading.Thread(target=publish)
    writer.start()
    seen: set[int] = set()
    while not ended.is_set() or len(seen) < 1:
        body = get("kr/scans/latest", limit=500)
        assert body["counts"]["ranked"] == len(body["results"])
        assert [row["rank"] for row in body["results"]] == list(range(1, len(body["results"]) + 1))
        seen.add(body["run"])
    writer.join()
    assert get("kr/scans/latest")["counts"]["ranked"] == 1
