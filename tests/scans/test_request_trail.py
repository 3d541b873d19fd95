"""One identifier from a click to the task, the run and the statements in the database; messages sent again keep it."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django_q.brokers import get_broker
from django_q.signing import SignedPackage

from marketdata.models import TaskRecord
from marketdata.operations.task_queue import queue_key
from marketdata.operations.tasks import queueing
from marketdata.request_id import request_id
from scans.models import ScanRequest, ScanRun
from seismo_site import task_log
from seismo_site.sql_comments import add_comment
from tests.task_queues import purge_queues

pytestmark = pytest.mark.django_db(transaction=True)
CLICK = "click-0123"


def message() -> dict[str, Any]:
    """The message that waits in the queue; it is taken out."""
    broker = get_broker(queue_key("high"))
    ((identity, text),) = broker.dequeue()
    broker.acknowledge(identity)
    task: dict[str, Any] = SignedPackage.loads(text)
    return task


def test_the_identifier_of_a_click(market: Any, probe: Any, sessions: Any, admin_client: Client) -> None:
    from scans import tasks

    statements: list[str] = []

    def keep(execute: Any, sql: str, *rest: Any) -> Any:
        statements.append(sql)
        return execute(sql, *rest)

    purge_queues()
    token = request_id.set("-")
    try:
        answer = admin_client.post(
            "/api/kr/scans",
            {"versions": ["rises"], "first": str(sessions[-1]), "last": str(sessions[-1])},
            content_type="application/json",
            headers={"X-Request-ID": CLICK},
        )
        assert (answer.status_code, answer["X-Request-ID"]) == (202, CLICK), answer.content
        first = message()
        row = TaskRecord.objects.get()
        queueing.send(row)  # as recovery does where the first was lost
        again = message()
        assert (row.request_id, first["request_id"], again["request_id"]) == (CLICK, CLICK, CLICK)
        assert request_id.get() == "-"
        with connection.execute_wrapper(add_comment), connection.execute_wrapper(keep):
            task_log.begin(again)
            tasks.process_scan_request(*again["args"])
            task_log.end()
        assert (ScanRequest.objects.get().request_id, ScanRun.objects.get().request_id) == (CLICK, CLICK)
        inserted = [sql for sql in statements if 'INSERT INTO "scans_scanrun"' in sql]
        assert inserted
        assert all(sql.endswith(f"/*request_id='{CLICK}'*/") for sql in inserted)
    finally:
        request_id.reset(token)
        purge_queues()


def test_a_command_has_an_identifier_of_its_own(market: Any, probe: Any, sessions: Any) -> None:
    for _ in range(2):
        call_command("run_scan", version=["rises"], date=sessions[-1], stdout=StringIO())
    first, second = ScanRun.objects.order_by("pk").values_list("request_id", flat=True)
    assert len(first) == len(second) == 32
    assert first != second
    assert request_id.get() == "-"
