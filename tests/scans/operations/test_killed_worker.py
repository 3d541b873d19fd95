"""A worker is killed in the middle of publishing a part, on either set of servers: nothing half-published is left, and
a real task worker does the request again from its task, and the repetition that a person requested meanwhile."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.scans.conftest import spring_file
from tests.seismo_site.running import installed, killed_in_shell, manage, run_in_shell
from tests.servers import postgres_and_redis

pytestmark = pytest.mark.slow

QUEUE = """
import pathlib
from django.utils import timezone
from marketdata.operations.imports.prices import import_prices
from scans.operations.requests import queue
from scans.operations import versions
now = timezone.now()
import_prices(files=[pathlib.Path("{file}")], market="kr", as_of=now)
up = dict(match="close > ema(close, 3)", min_bars=5)
versions.create_version(slug="up", engine="formula", settings=up, who="", at=now)
queued = queue.queue_request(market="kr", as_of=now, requested_by="ann", versions=["up"],
                     first=timezone.datetime(2024, 3, 18).date(), last=timezone.datetime(2024, 4, 30).date())
"""
WORK_AND_DIE = """
import os, signal
from scans.operations.scan import backfill, publish
from scans.operations.requests import worker
backfill.PART = 7
advance, parts = publish.generations.advance, []
def die(name):  # the last thing before the transaction of a part is committed
    parts.append(name)
    if len(parts) == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    advance(name)
publish.generations.advance = die
worker.process_request(queued.request.pk, as_of=now)
"""
STATE = """
import json
from scans.models import Backfill, ScanRank, ScanRequest, ScanRun, ScanSession
sessions = ScanSession.objects.order_by("date")
print(json.dumps(dict(
    requests=list(ScanRequest.objects.order_by("pk").values("status", "reason", "sessions_done", "sessions")),
    runs=ScanRun.objects.count(),
    published=[str(one.date) for one in sessions if one.published],
    whole=all(one.ranks.count() == one.ranked == one.ranks.filter(published=one.published).count()
              for one in sessions),
    ranks=ScanRank.objects.count(),
)))
"""
AT_ONCE = """
from django.utils import timezone
from scans.models import ScanRequest
from scans.operations.requests import queue
now = timezone.now()
queue.recover_requests(as_of=now)
queue.repeat_request(ScanRequest.objects.get(), as_of=now, requested_by="bob")
"""


def killed(folder: Path, **servers: str) -> None:
    days, file = spring_file(folder)
    data = installed(folder / "data", **servers)

    def state() -> Any:
        return json.loads(run_in_shell(data, STATE, **servers))

    killed_in_shell(data, QUEUE.format(file=file) + WORK_AND_DIE, **servers)
    expected = [str(day) for day in days if date(2024, 3, 18) <= day <= date(2024, 4, 30)]
    left = state()
    assert left["published"] == expected[:14]  # two parts of seven, and nothing of the third
    assert (left["runs"], left["whole"]) == (2, True)
    assert left["ranks"] > 0
    assert left["requests"][0]["status"] == "running"
    run_in_shell(data, AT_ONCE, **servers)
    for _ in range(2):  # the task of the first request is still in the queue
        worked = manage(data, "qcluster", "--run-once", **servers)
        assert worked.returncode == 0, worked.stderr
    final = state()
    assert [one["status"] for one in final["requests"]] == ["done", "done"]
    assert final["requests"][1]["sessions_done"] == len(expected)
    assert (final["published"], final["whole"]) == (expected, True)
    assert final["runs"] == 4  # two parts, the others, and an attempt that changes nothing


def test_in_the_database(tmp_path: Path) -> None:
    killed(tmp_path)


def test_with_postgresql_and_redis(tmp_path: Path) -> None:
    with postgres_and_redis() as servers:
        killed(tmp_path, **servers)
