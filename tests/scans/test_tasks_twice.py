"""Each kind of task may run twice: the second run changes nothing that the first has published, recorded or sent."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.conf import settings
from django.utils.module_loading import import_string

from marketdata.queries.breaks import get_history_digests
from marketdata.queries.records import get_record
from scans.models import Evening, Notification, ScanRank, ScanRequest, ScanSession
from scans.operations.requests import queue
from scans.operations.scan.shard_group import ShardInputs
from tests.scans.conftest import AS_OF, CODES
from tests.task_queues import purge_queues

pytestmark = pytest.mark.django_db(transaction=True)


def state() -> Any:
    """What is published, requested and to be sent."""
    return (
        list(ScanSession.objects.filter(published=True).order_by("pk").values_list("date", "result_digest", "ranked")),
        ScanRank.objects.filter(published=True).count(),
        list(ScanRequest.objects.order_by("pk").values_list("status", "sessions_done")),
        list(Notification.objects.order_by("pk").values_list("digest", "outcome")),
    )


def _state(first: date, last: date) -> str:
    record = get_record("kr")
    days = record.between(first, last)
    return ShardInputs(record, days, [], None, get_history_digests(record, days)).state


@pytest.mark.parametrize("kind", settings.TASK_KINDS)
def test_a_second_run_changes_nothing(kind: str, market: Any, probe: Any, sessions: Any) -> None:
    first = sessions[-1] if kind == "scan" else sessions[-5]
    row = queue.queue_request(
        market="kr", as_of=AS_OF, requested_by="ann", versions=["rises"], first=first, last=sessions[-1]
    ).request
    arguments: dict[str, dict[str, Any]] = {
        "scan": {"number": row.pk},
        "range": {"number": row.pk},
        "range part": {"number": row.pk, "scanner_version": "rises", "first": str(first), "last": str(sessions[-1])},
        "scan shard": {
            "market": "kr",
            "first": str(first),
            "last": str(sessions[-1]),
            "tasks": [{"engine": "probe", "params": {}, "segments": ["KOSPI"], "limits": {}}],
            "state": _state(first, sessions[-1]),
            "low": 0,
            "high": 3,
            "instruments": len(CODES),
        },
        "delivery": {"number": 404},
        "warm-up": {"market": "kr", "versions": ["rises"]},
        "evening": {"market": "kr", "at": "15:43", "due": AS_OF.isoformat(), "collects": False},
        "evening version": {
            "market": "kr",
            "session": str(sessions[-1]),
            "scanner_version": "rises",
            "first": str(first),
            "last": str(sessions[-1]),
        },
        "settle": {"market": "kr", "at": "08:15"},
        "preclose": {"market": "kr", "at": "15:10"},
    }
    Evening.objects.create(market="kr", session=sessions[-1], started_at=AS_OF)
    assert arguments.keys() == settings.TASK_KINDS.keys()
    function = import_string(settings.TASK_KINDS[kind].function)
    function(**arguments[kind])
    once = state()
    function(**arguments[kind])
    assert state() == once
    purge_queues()
