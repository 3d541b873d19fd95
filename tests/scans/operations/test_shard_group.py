"""A run by a task group: its pieces are computed by members, each once, and the answers are those of one process."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from django.utils import timezone
from pytest_django import Settings

from marketdata.models import TaskRecord, TaskStatus
from marketdata.operations.tasks import attempts, groups, queueing
from scans.operations.scan import shard_group
from scans.operations.scan.request import RunRequest
from scans.operations.scan.run import run_scan
from tests.scans.conftest import AS_OF, spring_file
from tests.scans.probe import Probe
from tests.seismo_site.running import installed, killed_in_shell, manage, run_in_shell
from tests.servers import postgres_and_redis
from tests.task_queues import as_worker, purge_queues

VERSIONS = ["rises", "rises-10"]


@pytest.fixture(autouse=True)
def quick(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(groups, "LOOK_AGAIN", 0.0)
    with as_worker(monkeypatch):
        yield
        if attempts.WorkerLease.lease is not None:
            purge_queues()


def answers(sessions: list[date], executor: str, **options: Any) -> list[Any]:
    request = RunRequest(
        market="kr",
        as_of=AS_OF,
        versions=VERSIONS,
        first=sessions[20],
        last=sessions[30],
        executor=executor,
        save=False,
        cached=False,
        **options,
    )
    scans = run_scan(request)
    assert [scan.error for scan in scans] == ["", ""]
    return [(one.date, one.input_digest, one.result_digest, one.ranks) for scan in scans for one in scan.answers]


def in_group(sessions: list[date], **options: Any) -> list[Any]:
    """The answers of a run inside a task."""
    queueing.enqueue("evening", name=f"evening of kr {timezone.now()}")
    row = TaskRecord.objects.filter(kind="evening").latest("queued_at")
    TaskRecord.objects.filter(pk=row.pk).update(status=TaskStatus.WAITING, next_try=None)
    assert attempts.claim(row)
    got = attempts.attempt(row, lambda: [answers(sessions, "group", **options)])
    return list(got[0])


def members() -> list[tuple[int | None, str, int]]:
    rows = TaskRecord.objects.filter(kind="scan shard").order_by("place")
    return [(row.place, row.status, row.attempts) for row in rows]


@pytest.mark.django_db(transaction=True)
def test_the_pieces_of_a_group_give_the_answers_of_one_process(
    market: pd.DataFrame, probe: Probe, sessions: list[date], settings: Settings
) -> None:
    assert in_group(sessions, workers=3) == answers(sessions, "inline")
    assert members() == [(place, TaskStatus.DONE, 1) for place in range(3)]
    assert list(Path(settings.SCORE_CACHE).glob("shard-*")) == []


@pytest.mark.django_db(transaction=True)
def test_outside_a_task_nothing_is_sent_out(market: pd.DataFrame, probe: Probe, sessions: list[date]) -> None:
    assert answers(sessions, "group") == answers(sessions, "inline")
    assert members() == []


@pytest.mark.django_db(transaction=True)
def test_a_member_that_sees_other_bars_fails_and_its_parent_computes_the_piece(
    market: pd.DataFrame, probe: Probe, sessions: list[date], monkeypatch: pytest.MonkeyPatch
) -> None:
    compute = shard_group.compute_shard

    def late(**shard: Any) -> str:
        return compute(**{**shard, "state": "of yesterday"} if not shard["low"] else shard)

    monkeypatch.setattr(shard_group, "compute_shard", late)
    assert in_group(sessions, workers=2) == answers(sessions, "inline")
    assert members() == [(0, TaskStatus.DEAD, 1), (1, TaskStatus.DONE, 1)]
    assert "are not those of the run" in TaskRecord.objects.get(kind="scan shard", place=0).reason


QUEUE = """
import os, pathlib, signal
from django.utils import timezone
from marketdata.models import TaskRecord
from marketdata.operations.imports.prices import import_prices
from marketdata.operations.tasks import attempts
from scans import tasks
from scans.operations import versions
from scans.operations.requests import queue
from scans.operations.scan import shard_group
now = timezone.now()
import_prices(files=[pathlib.Path("{file}")], market="kr", as_of=now)
up = dict(match="close > ema(close, 3)", min_bars=5)
versions.create_version(slug="up", engine="formula", settings=up, who="", at=now)
queue.queue_request(market="kr", as_of=now, requested_by="ann", versions=["up"], executor="group")
compute, parts = shard_group.compute_shard, []
def die(**shard):  # in the middle of the third of four members
    parts.append(shard["low"])
    if len(parts) == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return compute(**shard)
shard_group.compute_shard = die
row = TaskRecord.objects.get(kind="scan")
assert attempts.claim(row)
attempts.attempt(row, lambda: tasks.process_scan_request.__wrapped__(*row.args))
"""
STATE = """
import json
from marketdata.models import TaskRecord
from scans.models import ScanRequest, ScanSession
rows = TaskRecord.objects.filter(kind="scan shard").order_by("place")
print(json.dumps(dict(
    members=[(row.status, row.attempts) for row in rows],
    request=ScanRequest.objects.get().status,
    executors=[one.run.executor for one in ScanSession.objects.filter(published=True)],
)))
"""


def killed(folder: Path, **servers: str) -> None:
    _, file = spring_file(folder)
    data = installed(folder / "data", **servers)

    killed_in_shell(data, QUEUE.format(file=file), **servers)
    left = json.loads(run_in_shell(data, STATE, **servers))
    assert left["members"] == [["done", 1], ["done", 1], ["running", 1], ["waiting", 0]]
    assert (left["request"], left["executors"]) == ("running", [])
    worked = manage(data, "qcluster", "--run-once", **servers)
    assert worked.returncode == 0, worked.stderr
    final = json.loads(run_in_shell(data, STATE, **servers))
    assert final["members"] == [["done", 1], ["done", 1], ["done", 2], ["done", 1]]
    assert (final["request"], final["executors"]) == ("done", ["group x4"])


@pytest.mark.slow
def test_a_killed_member_is_done_again_and_no_other_in_the_database(tmp_path: Path) -> None:
    killed(tmp_path)


@pytest.mark.slow
def test_a_killed_member_is_done_again_and_no_other_with_postgresql_and_redis(tmp_path: Path) -> None:
    with postgres_and_redis() as servers:
        killed(tmp_path, **servers)
