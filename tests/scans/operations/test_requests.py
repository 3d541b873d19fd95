"""Scan requests: validated when queued, run once, with progress, cancelled whole, repeated."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pandas as pd
import pytest
from django.core.cache import cache

from marketdata.errors import DataProblem
from marketdata.models import LeaseRow, TaskRecord, TaskStatus
from marketdata.operations.lease import Lease, LeaseLost
from marketdata.operations.tasks import queueing
from scans.models import (
    Backfill,
    RequestStatus,
    ScanDraft,
    ScannerVersion,
    ScanRequest,
    ScanRun,
    ScanSession,
    Status,
)
from scans.operations.requests import checks, queue, worker
from scans.operations.requests.queue import (
    KeyReused,
    NotCancellable,
    QueueUnreachable,
    RequestRefused,
)
from scans.operations.scan import backfill
from scans.operations.scan.request import RunRequest
from scans.operations.scan.run import run_scan
from scans.queries.versions import UnknownVersion
from tests.scans.conftest import AS_OF
from tests.scans.probe import Probe
from tests.task_queues import queue_size

QueueScan = Callable[..., ScanRequest]


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(backfill, "PART", 7)
    cache.clear()  # with Redis the queue is there too
    yield
    cache.clear()


@pytest.fixture
def queue_scan(market: pd.DataFrame, probe: Probe, django_capture_on_commit_callbacks: Any) -> QueueScan:
    """Queues a request of `ann`; the request, new or not."""

    def queue_scan(**overrides: Any) -> ScanRequest:
        options = {"market": "kr", "as_of": AS_OF, "requested_by": "ann", **overrides}
        with django_capture_on_commit_callbacks(execute=True):
            return queue.queue_request(**options).request

    return queue_scan


def process(row: ScanRequest, as_of: datetime = AS_OF) -> ScanRequest:
    worker.process_request(row.pk, as_of=as_of)
    row.refresh_from_db()
    return row


def published(slug: str = "rises") -> list[date]:
    rows = ScanSession.objects.filter(scanner_version__slug=slug, published=True)
    return list(rows.order_by("date").values_list("date", flat=True))


def test_the_last_session_by_the_active_version(queue_scan: QueueScan, sessions: list[date]) -> None:
    row = queue_scan()
    assert (row.versions, row.first, row.last) == (["rises"], sessions[-1], sessions[-1])
    assert (row.status, row.sessions, queue_size()) == (RequestStatus.QUEUED, 1, 1)
    assert published() == []
    process(row)
    assert (row.status, row.reason, row.sessions_done) == (RequestStatus.DONE, "", 1)
    made = ScanRun.objects.get()
    assert row.outcomes == [
        {"scanner_version": "rises", "sessions": 1, "quarantined": 0, "runs": [made.pk], "error": ""}
    ]
    assert (made.started_by, made.status) == ("ann", Status.PUBLISHED)
    assert published() == [sessions[-1]]


def test_a_range_part_by_part(queue_scan: QueueScan, sessions: list[date]) -> None:
    row = queue_scan(versions=["rises", "rises-10"], first=sessions[10], last=sessions[29])
    assert row.sessions == 40
    process(row)
    assert (row.status, row.sessions_done, row.current_version) == (RequestStatus.DONE, 40, "")
    assert published("rises") == published("rises-10") == sessions[10:30]
    assert [len(one["runs"]) for one in row.outcomes] == [3, 3]
    ran = sorted(ScanRun.objects.values_list("pk", flat=True))
    assert sorted(number for one in row.outcomes for number in one["runs"]) == ran


@pytest.mark.parametrize(
    ("options", "error", "sentence"),
    [
        ({"versions": ["v9"]}, UnknownVersion, "Unknown scanner version 'v9'"),
        ({"first": date(2031, 1, 2), "last": date(2031, 1, 2)}, DataProblem, "no bars on"),
        ({"first": date(2024, 5, 4), "last": date(2024, 5, 4)}, DataProblem, "not a session"),
        ({"first": date(2024, 4, 5), "last": date(2024, 4, 1)}, DataProblem, "begins on"),
        ({"limits": {"NASDAQ": 5}}, RequestRefused, "Unknown segment 'NASDAQ': choose among KO"),
        ({"limits": {"KOSPI": 0}}, RequestRefused, "whole number from 1"),
        ({"limits": {"KOSPI": True}}, RequestRefused, "whole number from 1"),
        ({"top": 0}, RequestRefused, "top must be"),
        ({"executor": "cloud"}, RequestRefused, "Choose an executor among auto"),
        ({"pinned": {"rises": {"scale": -1}}}, RequestRefused, "rises cannot be run: scale is -1"),
    ],
)
def test_invalid_request_is_refused_when_queued(
    queue_scan: QueueScan, options: dict[str, Any], error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        queue_scan(**options)
    assert not ScanRequest.objects.exists()
    assert queue_size() == 0


def test_a_key_makes_it_once_for_each_user(queue_scan: QueueScan) -> None:
    first = queue_scan(key="monday", versions=["rises"])
    assert queue_scan(key="monday", versions=["rises"]).pk == first.pk
    assert queue_size() == 1
    with pytest.raises(KeyReused, match=f"used for request {first.pk}"):
        queue_scan(key="monday", versions=["rises-10"])
    assert queue_scan(key="monday", versions=["rises"], requested_by="bob").pk != first.pk
    assert queue_scan().pk != queue_scan().pk


def test_a_task_delivered_twice_runs_once(queue_scan: QueueScan) -> None:
    row = process(queue_scan())
    before = ScanRequest.objects.values().get()
    assert worker.process_request(row.pk, as_of=AS_OF) == f"request {row.pk} is not waiting"
    assert worker.process_request(row.pk + 1, as_of=AS_OF) == f"request {row.pk + 1} is not waiting"
    assert ScanRequest.objects.values().get() == before
    assert ScanRun.objects.count() == 1


@pytest.mark.parametrize("last", [19, 10], ids=["range", "one session"])
def test_one_version_failing_leaves_the_other(queue_scan: QueueScan, sessions: list[date], last: int) -> None:
    from scans.engines.registry import ENGINES

    broken = Probe()
    broken.failure = ZeroDivisionError("a hole in the engine")
    ENGINES["broken"] = broken
    try:
        ScannerVersion.objects.create(slug="broken", engine="broken")
        row = process(queue_scan(versions=["broken", "rises"], first=sessions[10], last=sessions[last]))
    finally:
        del ENGINES["broken"]
    assert row.status == RequestStatus.FAILED
    assert row.reason == "broken failed: ZeroDivisionError: a hole in the engine"
    assert [one["error"] != "" for one in row.outcomes] == [True, False]
    assert published("rises") == sessions[10 : last + 1]


def test_a_backfill_in_the_way_stops_that_version_alone(queue_scan: QueueScan, sessions: list[date]) -> None:
    with Lease("backfill of rises on market kr"):
        row = process(queue_scan(versions=["rises", "rises-10"], first=sessions[10], last=sessions[19]))
    assert row.status == RequestStatus.FAILED
    assert "Another backfill of rises on market kr is running" in row.reason
    assert published("rises") == []
    assert published("rises-10") == sessions[10:20]


def test_a_waiting_request_is_cancelled_at_once(queue_scan: QueueScan) -> None:
    row = queue.cancel_request(queue_scan().pk, as_of=AS_OF, who="bob")
    assert (row.status, row.reason) == (RequestStatus.CANCELLED, "cancelled by bob")
    process(row)
    assert (row.status, published()) == (RequestStatus.CANCELLED, [])
    with pytest.raises(NotCancellable, match="it is cancelled"):
        queue.cancel_request(row.pk, as_of=AS_OF, who="bob")


def test_a_running_request_is_cancelled_before_it_publishes(
    queue_scan: QueueScan, sessions: list[date], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cancelled while the second part is computed: the first part is published whole, the second not at all."""
    row = queue_scan(first=sessions[10], last=sessions[29])
    scored = Probe.score
    parts = []

    def score(self: Probe, universe: Any, *rest: Any) -> Any:
        parts.append(len(universe.sessions))
        if len(parts) == 2:
            queue.cancel_request(row.pk, as_of=AS_OF, who="bob")
        return scored(self, universe, *rest)

    monkeypatch.setattr(Probe, "score", score)
    process(row)
    assert (row.status, row.sessions_done, parts) == (RequestStatus.CANCELLED, 7, [7, 7])
    assert published() == sessions[10:17]
    assert len(row.outcomes[0]["runs"]) == 1
    runs = ScanRun.objects.order_by("pk").values_list("status", "sessions")
    assert list(runs) == [("published", 7), ("failed", 0)]
    assert not Backfill.objects.filter(status=Status.RUNNING).exists()


def test_a_lost_worker_is_noticed_and_may_not_publish_any_more(queue_scan: QueueScan, sessions: list[date]) -> None:
    row = queue_scan(first=sessions[10], last=sessions[29])
    ScanRequest.objects.update(status=RequestStatus.RUNNING, started_at=AS_OF)
    late = AS_OF + timedelta(seconds=1)
    with Lease(queue.lease_name(row.pk)) as lease:
        queue.recover_requests(as_of=late)
        row.refresh_from_db()
        assert row.status == RequestStatus.RUNNING
        LeaseRow.objects.update(process_started=1)  # as if its process had ended
        queue.recover_requests(as_of=late)
        row.refresh_from_db()
        assert (row.status, row.reason) == (RequestStatus.QUEUED, "Its worker was lost: it is done again.")
        ScanRequest.objects.update(status=RequestStatus.RUNNING)
        TaskRecord.objects.update(status=TaskStatus.DEAD)  # its task was attempted as often as its kind may be
        queue.recover_requests(as_of=late)
        row.refresh_from_db()
        assert (row.status, row.finished_at) == (RequestStatus.FAILED, late)
        assert row.reason.startswith("The worker was lost")
        with pytest.raises(worker.RequestStopped):  # it comes back, and wants to go on
            worker.RequestWorker(row, lease, AS_OF).process()
        assert published() == []
        ScanRequest.objects.update(status=RequestStatus.RUNNING)
        LeaseRow.objects.update(fence="of another worker")
        with pytest.raises(LeaseLost):
            worker.RequestWorker(row, lease, AS_OF).process()
        assert published() == []


def test_a_lost_task_is_put_into_the_queue_again(queue_scan: QueueScan) -> None:
    row = queue_scan()
    cache.clear()
    from django_q.models import OrmQ

    OrmQ.objects.all().delete()
    TaskRecord.objects.all().delete()
    queue.recover_requests(as_of=AS_OF + queue.REQUEUE_AFTER)
    assert queue_size() == 0
    late = AS_OF + queue.REQUEUE_AFTER + timedelta(seconds=1)
    queue.recover_requests(as_of=late)
    queue.recover_requests(as_of=late)
    assert queue_size() == 1
    assert process(row).status == RequestStatus.DONE


def test_request_is_not_saved_if_the_queue_is_unreachable(
    queue_scan: QueueScan, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise ConnectionError("no such host: queue:hunter2@there")

    monkeypatch.setattr(queueing, "async_task", refuse)
    with pytest.raises(QueueUnreachable, match="nothing was saved") as error:
        queue_scan()
    assert "hunter2" not in str(error.value)
    assert not ScanRequest.objects.exists()


def test_unexpected_error_is_reported_without_details(queue_scan: QueueScan, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("the password is swordfish")

    monkeypatch.setattr("scans.operations.requests.worker.run_scan", fail)
    row = process(queue_scan())
    assert row.status == RequestStatus.FAILED
    assert row.reason == "It was ended by RuntimeError: the log has more."


def test_time_limit_ends_a_request_and_is_reported(queue_scan: QueueScan, probe: Probe) -> None:
    probe.failure = SystemExit("Task exceeded maximum timeout value")
    row = queue_scan()
    with pytest.raises(SystemExit):
        worker.process_request(row.pk, as_of=AS_OF)
    row.refresh_from_db()
    assert (row.status, published()) == (RequestStatus.FAILED, [])
    probe.failure = None


def test_a_run_once_more_has_its_own_parameters(queue_scan: QueueScan, sessions: list[date]) -> None:
    done = process(queue_scan(versions=["rises-10"], limits={"KOSPI": 2}, top=3))
    recorded = ScanRun.objects.get(pk=done.outcomes[0]["runs"][0])
    ScannerVersion.objects.filter(slug="rises-10").update(params={"scale": 3.0}, limits={})
    row = queue.repeat_run(recorded, as_of=AS_OF, requested_by="bob").request
    process(row)
    assert (row.status, row.outcomes[0]["runs"]) == (RequestStatus.DONE, [recorded.pk])
    assert ScanRun.objects.latest("pk").status == "unchanged"  # data and parameters were the same: it stands
    ScannerVersion.objects.filter(slug="rises-10").update(engine="v2", params={})
    recorded.scanner_version.refresh_from_db()
    with pytest.raises(RequestRefused, match="version rises-10 has v2 now"):
        queue.repeat_run(recorded, as_of=AS_OF, requested_by="bob")


def test_a_request_once_more_does_the_rest(
    queue_scan: QueueScan, sessions: list[date], monkeypatch: pytest.MonkeyPatch
) -> None:
    run_scan(RunRequest(market="kr", as_of=AS_OF, versions=["rises"], first=sessions[10], last=sessions[16]))
    row = queue_scan(first=sessions[10], last=sessions[29])
    queue.cancel_request(row.pk, as_of=AS_OF, who="bob")
    other = queue.repeat_request(row, as_of=AS_OF, requested_by="bob").request
    assert other.pk != row.pk
    process(other)
    assert (other.status, published()) == (RequestStatus.DONE, sessions[10:30])
    assert ScanRun.objects.filter(status="published").count() == 3  # of seven, seven and six sessions: the first stood


def test_unpublished_answers_are_stored_as_drafts(queue_scan: QueueScan, sessions: list[date]) -> None:
    row = queue_scan(versions=["rises", "rises-10"], first=sessions[28], last=sessions[29], publishes=False)
    process(row)
    assert (row.status, row.sessions_done, published()) == (RequestStatus.DONE, 4, [])
    assert not ScanRun.objects.exists()
    kept = ScanDraft.objects.get(scanner_version="rises-10", date=sessions[29]).answer
    shown = run_scan(
        RunRequest(
            market="kr",
            as_of=AS_OF,
            versions=["rises-10"],
            first=sessions[29],
            last=sessions[29],
            save=False,
        )
    )[0].answers[0]
    assert kept["ranks"] == shown.ranks
    assert kept["result_digest"] == shown.result_digest
    worker.delete_old_drafts(AS_OF + worker.DRAFT_LIFETIME)
    assert ScanDraft.objects.count() == 4
    worker.delete_old_drafts(AS_OF + worker.DRAFT_LIFETIME + timedelta(seconds=1))
    assert not ScanDraft.objects.exists()


def test_drafts_are_bounded(queue_scan: QueueScan, sessions: list[date], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "MAX_DRAFT_REQUESTS", 2)
    rows = [process(queue_scan(publishes=False)) for _ in range(3)]
    kept = set(ScanDraft.objects.values_list("request_id", flat=True))
    assert kept == {rows[1].pk, rows[2].pk}
    monkeypatch.setattr(worker, "MAX_DRAFT_RANKS", 0)
    row = process(queue_scan(publishes=False))
    assert row.status == RequestStatus.FAILED
    assert "ask for fewer sessions, or for a top" in row.reason
    monkeypatch.setattr(checks, "MAX_DRAFT_SESSIONS", 3)
    with pytest.raises(RequestRefused, match="at most 3 in all"):
        queue_scan(versions=["rises", "rises-10"], first=sessions[0], last=sessions[1], publishes=False)
