"""A task put into the queue is worked by `manage.py qcluster`, on either set of servers."""

from __future__ import annotations

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
