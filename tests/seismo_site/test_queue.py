"""A task put into the queue is worked by `manage.py qcluster`, on either set of servers."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.seismo_site.running import ROOT, environment, installed, manage, run_in_shell
from tests.servers import postgres_and_redis

pytestmark = pytest.mark.slow

ENQUEUE = "from django_q.tasks import async_task; async_task('django.utils.text.slugify', 'It was done')"
FETCH = "from django_q.models import Task; print([(t.success, t.result) for t in Task.objects.all()])"


def work_one_task(data: Path, **settings: str) -> None:
    installed(data, **settings)
    run_in_shell(data, ENQUEUE, **settings)
    worked = manage(data, "qcluster", "--run-once", **settings)
    assert worked.returncode == 0, worked.stderr
    assert "Traceback" not in worked.stderr
    assert manage(data, "shell", "--no-imports", "-c", FETCH, **settings).stdout == ("[(True, 'it-was-done')]\n")


def test_in_the_database(tmp_path: Path) -> None:
    work_one_task(tmp_path)


def test_with_postgresql_and_redis(tmp_path: Path) -> None:
    with postgres_and_redis() as servers:
        work_one_task(tmp_path, **servers)


def test_what_a_worker_logs_carries_the_identifier_of_the_request(tmp_path: Path) -> None:
    """The task is queued by a request that names itself; a task without a request has an identifier of its own."""
    task = "tests.seismo_site.test_queue.logged"
    ask = (
        "from django.test import RequestFactory\n"
        "from django.http import HttpResponse\n"
        "from django_q.tasks import async_task\n"
        "from seismo_site.middleware import RequestIdMiddleware\n"
        f"view = lambda request: HttpResponse(async_task('{task}', 'by a request'))\n"
        "RequestIdMiddleware(view)(RequestFactory().get('/', headers={'X-Request-ID': 'caller-0123'}))\n"
        f"print(async_task('{task}', 'by hand'))\n"
    )
    installed(tmp_path)
    number = run_in_shell(tmp_path, ask).strip()
    worked = [manage(tmp_path, "qcluster", "--run-once").stderr for _ in range(2)]
    lines = [line for one in worked for line in one.splitlines() if "Worked" in line]
    assert sorted(line.partition("WARNING ")[2] for line in lines) == sorted(
        [
            "tests.seismo_site.test_queue [caller-0123] Worked by a request",
            f"tests.seismo_site.test_queue [{number}] Worked by hand",
        ]
    )


def logged(what: str) -> None:
    """A task that says something."""
    logging.getLogger(__name__).warning("Worked %s", what)


SLOW = "from django_q.tasks import async_task; async_task('tests.seismo_site.test_queue.slow', '{folder}')"


def slow(folder: str) -> str:
    """A task that says that it has begun, and takes a moment."""
    (Path(folder) / "begun").touch()
    time.sleep(2)
    (Path(folder) / "ended").touch()
    return "done"


@pytest.mark.parametrize("with_task", [False, True])
@pytest.mark.parametrize("signals", [1, 3])
def test_worker_ends_on_a_signal_to_its_group(tmp_path: Path, with_task: bool, signals: int) -> None:
    """As a supervisor does: SIGTERM to every process. The current task is finished, and no process is left."""
    data = installed(tmp_path / "data")
    if with_task:
        run_in_shell(data, SLOW.format(folder=tmp_path))
    with (tmp_path / "log").open("w") as log:
        cluster = subprocess.Popen(
            [sys.executable, "manage.py", "qcluster", "--queue", "low"],
            cwd=ROOT, env=environment(data) | {"SEISMO_LOG_LEVEL": "INFO"},
            stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    try:
        phrase = "begun" if with_task else "pushing tasks at"
        assert eventually(lambda: (tmp_path / phrase).exists() or phrase in (tmp_path / "log").read_text())
        assert len(group(cluster.pid)) >= 5  # itself, sentinel, worker, monitor, pusher
        for _ in range(signals):
            os.killpg(cluster.pid, signal.SIGTERM)
        assert cluster.wait(60) == 0
        assert eventually(lambda: not group(cluster.pid))
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(cluster.pid, signal.SIGKILL)
    assert (tmp_path / "ended").exists() == with_task
    if with_task:
        assert run_in_shell(data, FETCH) == "[(True, 'done')]\n"


@pytest.mark.parametrize("killed", ["main", "sentinel"])
def test_nothing_is_left_of_a_cluster_that_was_killed(tmp_path: Path, killed: str) -> None:
    """Workers, pusher and monitor end with the sentinel, and that with the main process."""
    data = installed(tmp_path / "data")
    with (tmp_path / "log").open("w") as log:
        cluster = subprocess.Popen(
            [sys.executable, "manage.py", "qcluster", "--queue", "low"],
            cwd=ROOT, env=environment(data) | {"SEISMO_LOG_LEVEL": "INFO"},
            stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    try:
        assert eventually(lambda: "pushing tasks at" in (tmp_path / "log").read_text())
        assert eventually(lambda: len(group(cluster.pid)) >= 5)
        sentinels = [pid for pid in group(cluster.pid) if parent(pid) == cluster.pid]
        os.kill(cluster.pid if killed == "main" else max(sentinels, key=children), signal.SIGKILL)
        cluster.wait(60)
        assert eventually(lambda: not group(cluster.pid))
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(cluster.pid, signal.SIGKILL)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_cluster_goes_on_where_its_processes_are_killed_idle(tmp_path: Path, workers: str) -> None:
    """Workers and the monitor wait for messages under a lock: another takes it from the dead."""
    data = installed(tmp_path / "data")
    with (tmp_path / "log").open("w") as log:
        cluster = subprocess.Popen(
            [sys.executable, "manage.py", "qcluster", "--queue", "low"],
            cwd=ROOT, env=environment(data) | {"SEISMO_LOG_LEVEL": "INFO", "SEISMO_TASK_WORKERS": workers},
            stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    try:
        assert eventually(lambda: "pushing tasks at" in (tmp_path / "log").read_text())
        sentinel = max((pid for pid in group(cluster.pid) if parent(pid) == cluster.pid), key=children)
        before = [pid for pid in group(cluster.pid) if parent(pid) == sentinel]
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        assert eventually(
            lambda: (
                len([pid for pid in group(cluster.pid) if parent(pid) == sentinel and pid not in before]) == len(before)
            )
        )
        run_in_shell(data, SLOW.format(folder=tmp_path))
        assert eventually(lambda: (tmp_path / "ended").exists())
        cluster.terminate()
        assert cluster.wait(60) == 0
        assert eventually(lambda: not group(cluster.pid))
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(cluster.pid, signal.SIGKILL)
    assert run_in_shell(data, FETCH) == "[(True, 'done')]\n"


def parent(pid: int) -> int:
    """The parent of a process, 0 where it has gone."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def children(pid: int) -> int:
    """How many processes have it as their parent."""
    return sum(parent(int(folder.name)) == pid for folder in Path("/proc").glob("[0-9]*"))


def group(leader: int) -> list[int]:
    """The processes of a group."""
    rows = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            if int(fields[2]) == leader and fields[0] not in "ZX":
                rows.append(int(folder.name))
    return rows


def eventually(holds: Callable[[], bool]) -> bool:
    until = time.monotonic() + 60
    while not holds() and time.monotonic() < until:
        time.sleep(0.05)
    return holds()
