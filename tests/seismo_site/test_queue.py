"""A task put into the queue is worked by `manage.py qcluster`, on either set of servers."""

from __future__ import annotations

import logging
from pathlib import Path

from tests.seismo_site.running import installed, manage, managed
from tests.servers import Servers

ENQUEUE = (
    "from django_q.tasks import async_task; async_task('django.utils.text.slugify', 'It was done')"
)
FETCH = (
    "from django_q.models import Task; print([(t.success, t.result) for t in Task.objects.all()])"
)


def work_one_task(data: Path, **settings: str) -> None:
    installed(data, **settings)
    managed(data, "shell", "--no-imports", "-c", ENQUEUE, **settings)
    worked = manage(data, "qcluster", "--run-once", **settings)
    assert worked.returncode == 0, worked.stderr
    assert "Traceback" not in worked.stderr
    assert manage(data, "shell", "--no-imports", "-c", FETCH, **settings).stdout == (
        "[(True, 'it-was-done')]\n"
    )


def test_in_the_database(tmp_path: Path) -> None:
    work_one_task(tmp_path)


def test_with_postgresql_and_redis(tmp_path: Path) -> None:
    servers = Servers()
    try:
        urls = {"DATABASE_URL": servers.postgres(), "REDIS_URL": servers.redis()}
        work_one_task(tmp_path, **urls)
    finally:
        servers.stop()


def test_what_a_worker_logs_carries_the_identifier_of_the_request(tmp_path: Path) -> None:
    """The task is queued by a request that names itself; a task of nobody has an identifier of its own."""
    task = "tests.seismo_site.test_queue.logged"
    ask = (
        "from django.test import RequestFactory\n"
        "from django.http import HttpResponse\n"
        "from django_q.tasks import async_task\n"
        "from seismo_site.middleware import RequestId\n"
        f"view = lambda request: HttpResponse(async_task('{task}', 'by a request'))\n"
        "RequestId(view)(RequestFactory().get('/', headers={'X-Request-ID': 'caller-0123'}))\n"
        f"print(async_task('{task}', 'by nobody'))\n"
    )
    installed(tmp_path)
    number = managed(tmp_path, "shell", "--no-imports", "-c", ask).strip()
    worked = [manage(tmp_path, "qcluster", "--run-once").stderr for _ in range(2)]
    lines = [line for one in worked for line in one.splitlines() if "Worked" in line]
    assert sorted(line.partition("WARNING ")[2] for line in lines) == sorted(
        [
            "tests.seismo_site.test_queue [caller-0123] Worked by a request",
            f"tests.seismo_site.test_queue [{number}] Worked by nobody",
        ]
    )


def logged(what: str) -> None:
    """A task that says something."""
    logging.getLogger(__name__).warning("Worked %s", what)
