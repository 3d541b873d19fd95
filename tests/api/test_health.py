"""Whether it lives and whether it is ready: each part with its state, whatever does not answer, and within a time."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_q.brokers import get_broker
from django_q.models import OrmQ
from django_q.tasks import async_task

from marketdata.models import LakePartition
from marketdata.operations import task_queue
from marketdata.operations.task_queue import Queue
from scans.models import ScannerVersion
from seismo_site.health import probes
from seismo_site.health import views as health
from tests.seismo_site.running import ROOT, environment, installed, run_in_shell
from tests.servers import Servers
from tests.serving import serving
from tests.task_queues import purge_queues

pytestmark = pytest.mark.slow

READY = "/api/health/ready"
PARTS = ("database", "cache", "queue", "lake", "sessions")
PATIENCE = 8.0
"""Seconds a client waits: more than readiness takes, less than the ten that one attempt at PostgreSQL may."""
UNTIL = 60.0


@pytest.fixture
def servers() -> Iterator[Servers]:
    running = Servers()
    yield running
    running.stop()


@pytest.fixture
def silent() -> Iterator[int]:
    """A port that takes connections and says nothing."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(64)
        yield listening.getsockname()[1]


@pytest.fixture
def deaf() -> Iterator[int]:
    """A port without a listener, reserved meanwhile."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        yield int(one.getsockname()[1])


@pytest.fixture
def emptied(transactional_db: None) -> Iterator[None]:
    """The task queue is empty afterwards, wherever it is."""
    yield
    purge_queues()


@contextmanager
def served(data: Path, **settings: str) -> Iterator[str]:
    """The address of a production server with these settings and one worker."""
    env = {**environment(data), **settings}
    with serving(env, data / "server.log", workers=1) as server:
        yield server.address


def readiness_body(address: str, status: int) -> dict[str, Any]:
    """What readiness says, every part named; of a client that does not wait for long."""
    response = httpx2.get(f"{address}{READY}", timeout=PATIENCE)
    assert response.status_code == status, response.text
    assert "hunter2" not in response.text
    body: dict[str, Any] = response.json()
    assert set(body) == {"state", *PARTS}
    return body


def states(body: dict[str, Any]) -> dict[str, str]:
    return {name: body[name]["state"] for name in PARTS}


def settled(address: str, **wanted: str) -> dict[str, Any]:
    """What readiness says once these parts have these states; a busy machine may miss its two seconds at first."""
    until = time.monotonic() + UNTIL
    body = readiness_body(address, 200)
    while not wanted.items() <= states(body).items() and time.monotonic() < until:
        time.sleep(0.1)
        body = readiness_body(address, 200)
    assert wanted.items() <= states(body).items(), body
    return body


@pytest.mark.django_db(transaction=True)
def test_all_is_well(client: Client, settings: Any) -> None:
    settings.ANONYMOUS_READS = False
    assert client.get("/api/health/live").json() == {"state": "up"}
    body = client.get(READY).json()
    assert body["state"] == "up"
    assert body["database"] == {"state": "up", "detail": connection.vendor}
    assert body["queue"]["state"] == "up"
    assert body["queue"]["detail"].startswith("0 waiting")
    assert body["cache"]["state"] == "up"


@pytest.mark.django_db(transaction=True)
def test_readiness_reports_a_lake_behind_the_record(client: Client, scanned: Any, sessions: list[date]) -> None:
    body = client.get(READY).json()["lake"]
    assert body == {"state": "up", "detail": f"kr until {sessions[-1]}"}
    LakePartition.objects.filter(month=date(2024, 3, 1)).update(written=0)
    response = client.get(READY)
    assert response.status_code == 200
    assert (response.json()["state"], response.json()["lake"]["state"]) == ("degraded", "degraded")
    assert "kr 1;" in response.json()["lake"]["detail"]


def test_the_queries_of_the_parts(scanned: Any) -> None:
    """Checks run in threads of their own, where the budgets of the addresses do not count."""
    with CaptureQueriesContext(connection) as made:
        for ask in (health.database, health.queue, health.lake):
            ask()
    assert len(made) == 5 + task_queue.in_database()  # the last: what waits; Redis has that elsewhere


@pytest.mark.django_db(transaction=True)
def test_a_record_that_ends_years_ago_is_degraded(client: Client, scanned: Any) -> None:
    response = client.get(READY)
    assert (response.status_code, response.json()["state"]) == (200, "degraded")
    body = response.json()["sessions"]
    assert body["state"] == "degraded"
    assert body["detail"].startswith("The record of market kr ends ")
    assert client.get("/api/health/live").json() == {"state": "up"}


def test_the_queries_of_the_sessions_do_not_grow_with_versions(scanned: Any) -> None:
    with CaptureQueriesContext(connection) as made:
        health.sessions()
    few = len(made)
    for name in "abcdefgh":
        ScannerVersion.objects.create(slug=f"more-{name}", engine="v2")
    with CaptureQueriesContext(connection) as made:
        health.sessions()
    assert len(made) == few


@pytest.mark.parametrize("kind", ["deaf", "silent"])
def test_a_database_that_is_not_there(kind: str, request: Any, tmp_path: Path) -> None:
    port = request.getfixturevalue(kind)
    url = f"postgres://seismo:hunter2@127.0.0.1:{port}/seismo"
    with served(tmp_path, DATABASE_URL=url) as address:
        body = readiness_body(address, 503)
        assert body["state"] == "down"
        assert states(body) == {**dict.fromkeys(PARTS, "down"), "cache": "up"}
        assert body["lake"]["detail"] == body["queue"]["detail"]
        assert "needs the database" in body["lake"]["detail"]


@pytest.mark.parametrize("kind", ["deaf", "silent"])
def test_a_redis_that_is_not_there(kind: str, request: Any, tmp_path: Path) -> None:
    """Answers are slower and nothing can be requested, but there are answers."""
    installed(tmp_path)
    url = f"redis://:hunter2@127.0.0.1:{request.getfixturevalue(kind)}"
    with served(tmp_path, REDIS_URL=url) as address:
        body = settled(address, database="up", queue="down", lake="up")
    assert body["state"] == "degraded"
    assert body["cache"]["state"] != "up"


def test_a_queue_without_and_with_a_worker_then_no_servers(servers: Servers, tmp_path: Path) -> None:
    urls = {"DATABASE_URL": servers.postgres(), "REDIS_URL": servers.redis()}
    enqueue = "from django_q.tasks import async_task; async_task('django.utils.text.slugify', 'done')"
    installed(tmp_path, **urls)
    run_in_shell(tmp_path, enqueue, **urls)
    with served(tmp_path, **urls) as address:
        body = settled(address, queue="degraded")
        assert body["state"] == "degraded"
        assert body["queue"]["detail"].startswith("1 waiting, the oldest for ")
        assert "no task worker is running" in body["queue"]["detail"]
        worker = subprocess.Popen(
            [sys.executable, "manage.py", "qcluster"],
            cwd=ROOT,
            env={**environment(tmp_path), **urls},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            until = time.monotonic() + UNTIL
            wanted = {"state": "up", "detail": "0 waiting; task workers running: 2"}
            while readiness_body(address, 200)["queue"] != wanted:
                assert worker.poll() is None
                assert time.monotonic() < until
                time.sleep(0.1)
        finally:
            worker.terminate()
            worker.wait(30)
        servers.stop()
        assert states(readiness_body(address, 503))["database"] == "down"


FRESH = """
import sys
from seismo_site.wsgi import application
from django.test import RequestFactory
before = set(sys.modules)
body = application(RequestFactory().get("/api/health/ready", headers={"host": "localhost"}).environ, lambda *_: None)
assert b'"database"' in b"".join(body)
print(*sorted(name for name in set(sys.modules) - before if "redis" in name.split(".")[0]))
"""


def test_a_servers_threads_find_the_client_of_redis_imported(tmp_path: Path, deaf: int) -> None:
    """Two that import it at once both fail: the first readiness of a third of all processes was false."""
    env = {**environment(tmp_path), "REDIS_URL": f"redis://127.0.0.1:{deaf}"}
    done = subprocess.run(
        [sys.executable, "-c", FRESH],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr


def test_readiness_reports_a_task_without_a_worker(client: Client, emptied: None) -> None:
    """In the database a worker is seen by its lease, or by a task that it has taken."""
    for _ in range(3):
        async_task("django.utils.text.slugify", "done")
    first = OrmQ.objects.order_by("pk").first()
    if task_queue.in_database():
        body = client.get(READY).json()["queue"]
        assert (body["state"], "no task worker is running" in body["detail"]) == ("degraded", True)
        now = timezone.now()
        OrmQ.objects.update(lock=now - timedelta(minutes=5))
        OrmQ.objects.filter(pk=first.pk).update(lock=now - timedelta(hours=3))
        body = client.get(READY).json()["queue"]
        assert body["detail"].startswith("3 waiting, the oldest for 3 hours, and no task worker")
        assert body["state"] == "degraded"
        get_broker().dequeue()
    body = client.get(READY).json()["queue"]
    if task_queue.in_database():
        assert body == {
            "state": "up",
            "detail": "2 waiting, the oldest for 5 minutes; task workers running: 0",
        }
    else:
        assert first is None
        assert body["state"] == "degraded"
        assert body["detail"].startswith("3 waiting, the oldest for ")


MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("queue", "neglected"),
    [
        (Queue(0, None, 0, None), False),
        (Queue(0, None, 0, 0), False),
        (Queue(2, None, 0, 0), True),
        (Queue(2, MINUTE, 0, 1), False),
        (Queue(2, MINUTE, 0, None), True),
        (Queue(2, MINUTE, 1, None), False),
        (Queue(2, timedelta(seconds=1), 0, None), False),
        (Queue(2, None, 0, None), False),
    ],
)
def test_whether_a_queue_is_neglected(queue: Queue, neglected: bool) -> None:
    assert queue.neglected is neglected
    assert ("manage.py qcluster" in str(queue)) is neglected


def test_many_who_ask_wait_for_one_answer() -> None:
    gate, calls = threading.Event(), []

    def ask() -> int:
        calls.append(1)
        gate.wait(UNTIL)
        return len(calls)

    probe = probes.Probe(ask, needs_database=False)
    begun = [probe.begin() for _ in range(5)]
    gate.set()
    assert [one.result(UNTIL) for one in begun] == [1] * 5
    assert probe.begin().result(UNTIL) == 2


def test_hanging_check_is_abandoned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "GIVE_UP", -1.0)
    never = threading.Event()
    answers: Iterator[Callable[[], Any]] = iter([lambda: never.wait(UNTIL), lambda: "here"])
    probe = probes.Probe(lambda: next(answers)(), needs_database=False)
    hanging = probe.begin()
    assert probe.begin().result(UNTIL) == "here"
    assert not hanging.done()
    never.set()


def test_error_of_a_check_reaches_every_caller() -> None:
    probe = probes.Probe(lambda: 1 // 0, needs_database=False)
    with pytest.raises(ZeroDivisionError):
        probe.begin().result(UNTIL)
