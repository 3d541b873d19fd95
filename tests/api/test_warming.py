"""What was published is kept ready for those who ask, with the cache that processes share."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from caching.stats import STATS
from scans.api import after_publication
from scans.api.warm_up import warm_up_market
from scans.operations import versions
from tests.scans.conftest import AS_OF

READY = (
    "/api/kr/scans/latest",
    "/api/kr/scans/latest?scanner_version=rises",
    "/api/kr/scans/latest?scanner_version=rises-10",
    "/api/kr/signals",
)


def test_the_first_caller_finds_what_was_kept(scanned: Any, client: Client, user: User) -> None:
    STATS.reset()
    done = warm_up_market("kr", ["rises", "rises-10", "rises"])
    assert (done.warmed, done.failed, done.skipped) == (4, [], 0)
    client.force_login(user)
    for address in READY:
        with CaptureQueriesContext(connection) as made:
            response = client.get(address)
        assert response.status_code == 200
        assert len(made) == 3, address  # who asks, and the generations
    assert {what: (body["hits"], body["misses"]) for what, body in STATS.snapshot().items()} == {
        "scan": (3, 3),
        "signals": (1, 1),
    }
    again = client.get("/api/kr/scans/latest?limit=1", headers={"Host": "127.0.0.1"}).json()
    assert again["next"] is None or again["next"].startswith("http://127.0.0.1/api/")


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
