"""An evening from schedule to receiver, by a task worker of each queue, on either set of servers: what was due while
no worker ran is done once, and the notification that failed at first arrives by a later try."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.exchanges.server import Response
from tests.scans.receiver import Receiver
from tests.seismo_site.running import installed, manage, run_in_shell
from tests.servers import postgres_and_redis

pytestmark = pytest.mark.slow

ASK = """
import pathlib
from datetime import timedelta
from zoneinfo import ZoneInfo
from django.utils import timezone
from django_q.models import Schedule
from marketdata.queries.market_calendar import get_sessions
from marketdata.operations.imports.prices import import_prices
from scans.operations.evening import schedule
from scans.operations import versions
from tests.scans.conftest import frame
now, file = timezone.now(), pathlib.Path("{file}")
days, local = get_sessions("kr-own"), now.astimezone(ZoneInfo("Asia/Seoul"))
closed = days[days <= days.dtype.type((local - timedelta(hours=15, minutes=31)).date())][-40:].tolist()
frame(closed).to_csv(file, index=False)
import_prices(files=[file], market="kr-own", as_of=now)
up = dict(match="close > ema(close, 3)", min_bars=5)
versions.create_version(slug="up", engine="formula", settings=up, who="", at=now)
versions.create_version(slug="never", engine="formula", settings=dict(match="close < 0", min_bars=5), who="", at=now)
schedule.set_schedule("kr-own", as_of=now, versions=["up", "never"])
Schedule.objects.update(next_run=now - timedelta(days=2))
print(closed[-1])
"""
TELL = """
import json
from django.utils import timezone
from django_q.models import Schedule, Task
from scans.models import Delivery, Notification, ScanSession
print(json.dumps(dict(
    tasks=[(task.func, task.success) for task in Task.objects.order_by("started")],
    notifications=[(str(one.session), one.outcome, [(v["scanner_version"], v["status"]) for v in one.versions])
          for one in Notification.objects.all()],
    published=[str(one.date) for one in ScanSession.objects.filter(scanner_version__slug="up", published=True)],
    deliveries=[(one.attempts, one.sent_at is not None) for one in Delivery.objects.all()],
    due=[one.func for one in Schedule.objects.filter(next_run__lt=timezone.now())],
)))
"""
LATER = """
from django_q.models import Schedule
Schedule.objects.filter(func="scans.tasks.deliver").update(next_run="2024-01-01T00:00:00Z")
"""
DUE = """
from django.conf import settings
from django_q.brokers import get_broker
from django_q.conf import Conf
from django_q.scheduler import scheduler
for Conf.CLUSTER_NAME in settings.TASK_QUEUES.values():
    scheduler(get_broker(Conf.CLUSTER_NAME))
"""
"""What the cluster of each queue does with what is due there; with --run-once it looks at no schedule itself."""


def worked(folder: Path, **servers: str) -> None:
    data = installed(folder / "data", **servers)

    def work() -> str:
        done = manage(data, "qcluster", "--run-once", **servers)
        assert done.returncode == 0, done.stderr
        return done.stderr

    with Receiver() as receiver:
        servers |= {
            "SEISMO_NOTIFY_URL": f"{receiver.url}/a-secret-path",
            "SEISMO_LOG_LEVEL": "INFO",
        }
        receiver.answers = [Response(503)]
        last = run_in_shell(data, ASK.format(file=folder / "prices.csv") + DUE, **servers).strip()
        log = work()
        first: Any = json.loads(run_in_shell(data, TELL + LATER + DUE, **servers))
        log += work()
        second: Any = json.loads(run_in_shell(data, TELL, **servers))
    assert first["tasks"] == [["scans.tasks.evening", True]]
    assert first["notifications"] == [[last, "done", [["never", "no_match"], ["up", "published"]]]]
    assert first["published"] == [last]
    assert (first["deliveries"], first["due"]) == ([[1, False]], [])
    assert [func for func, _ in second["tasks"]] == ["scans.tasks.evening", "scans.tasks.deliver"]
    assert second["deliveries"] == [[2, True]]
    assert [body["session"] for body in receiver.received] == [last]
    assert "a-secret-path" not in log


def test_in_the_database(tmp_path: Path) -> None:
    worked(tmp_path)


def test_with_postgresql_and_redis(tmp_path: Path) -> None:
    with postgres_and_redis() as servers:
        worked(tmp_path, **servers)
