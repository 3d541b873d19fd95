"""An evening whose versions are a task group: each is scanned once, by whichever worker has it, with one message."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from marketdata.models import TaskRecord, TaskStatus
from marketdata.operations.lease import Lease, LeaseLost
from marketdata.operations.tasks import groups, queueing
from marketdata.operations.tasks.attempts import attempt, claim
from marketdata.operations.tasks.recovery import revive
from scans.models import Evening, EveningStatus, Notification, ScannerVersion, ScanRun, ScanSession
from scans.operations.evening import evening, version_scans
from scans.operations.evening.evening import EveningRequest
from scans.operations.evening.report import EveningReport
from scans.operations.evening.version_scans import DueScan, scan_member
from scans.operations.scan import run as scan_run
from scans.operations.scan.request import RunRequest
from tests.scans.probe import Probe
from tests.task_queues import as_worker, purge_queues

pytestmark = pytest.mark.django_db(transaction=True)
BOTH = ("rises", "rises-10")


@pytest.fixture(autouse=True)
def _worker(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(groups, "LOOK_AGAIN", 0.0)
    purge_queues()
    with as_worker(monkeypatch):
        yield
    purge_queues()


def night(day: date) -> datetime:
    """18:10 in Seoul."""
    return datetime(day.year, day.month, day.day, 9, 10, tzinfo=UTC)


def parent() -> TaskRecord:
    queueing.enqueue("evening", name="evening kr")
    row = TaskRecord.objects.get(kind="evening")
    assert claim(row)
    return row


def run(row: TaskRecord, at: datetime, *, parallel: bool = True) -> EveningReport:
    request = EveningRequest("kr", BOTH, collects=False, parallel=parallel)
    reports = []

    def call() -> str:
        reports.append(evening.run_evening(request, clock=lambda: at, warm_up=lambda market, slugs: None))
        return "done"

    attempt(row, call)
    return reports[0]


def members() -> list[tuple[str, str, int]]:
    rows = TaskRecord.objects.filter(kind="evening version").order_by("place")
    return [(row.kwargs["scanner_version"], row.status, row.attempts) for row in rows]


def runs() -> list[tuple[str, str]]:
    return list(ScanRun.objects.order_by("scanner_version__slug").values_list("scanner_version__slug", "status"))


def test_each_version_is_a_member_and_the_message_is_that_of_a_run_together(
    market: Any, probe: Probe, sessions: list[date]
) -> None:
    row, at = parent(), night(sessions[-1])
    report = run(row, at)
    assert (report.outcome, report.news) == ("done", True)
    assert members() == [("rises", "done", 1), ("rises-10", "done", 1)]
    assert runs() == [("rises", "published"), ("rises-10", "published")]
    sent = Notification.objects.get()
    Notification.objects.all().delete()
    ScanSession.objects.all().delete()
    assert revive_done(row)
    together = run(row, at, parallel=False)
    assert (together.versions, Notification.objects.get().digest) == (report.versions, sent.digest)
    assert Notification.objects.get().versions == sent.versions


def revive_done(row: TaskRecord) -> bool:
    """Have a task that is done claimed again."""
    TaskRecord.objects.filter(pk=row.pk).update(status=TaskStatus.DEAD)
    return revive(row, timezone.now()) and claim(row)


def test_version_that_fails_leaves_the_other_alone(market: Any, probe: Probe, sessions: list[date]) -> None:
    ScannerVersion.objects.filter(slug="rises-10").update(params={"scale": -1.0})
    report = run(parent(), night(sessions[-1]))
    assert (report.outcome, runs()) == ("partial", [("rises", "published")])
    assert [version.status for version in report.versions] == ["published", "failed"]
    assert "scale" in Notification.objects.get().versions[1]["reason"]


def test_failure_that_may_pass_is_attempted_again(
    market: Any, probe: Probe, sessions: list[date], monkeypatch: pytest.MonkeyPatch
) -> None:
    probe_scan, failures = scan_run.run_scan, [ConnectionError("away")]

    def run_scan(*args: Any, **kwargs: Any) -> Any:
        if failures:
            raise failures.pop()
        return probe_scan(*args, **kwargs)

    monkeypatch.setattr(version_scans, "run_scan", run_scan)
    kind = queueing.task_kind("evening version")
    monkeypatch.setitem(settings.TASK_KINDS, "evening version", type(kind)(kind.function, "low", (0, 0)))
    assert run(parent(), night(sessions[-1])).outcome == "done"
    assert members() == [("rises", "done", 2), ("rises-10", "done", 1)]


def test_failure_that_may_pass_is_the_reason_of_a_version_that_is_no_member(
    market: Any, probe: Probe, sessions: list[date], monkeypatch: pytest.MonkeyPatch
) -> None:
    def run_scan(*args: Any, **kwargs: Any) -> Any:
        raise ConnectionError("away")

    monkeypatch.setattr(version_scans, "run_scan", run_scan)
    report = run(parent(), night(sessions[-1]), parallel=False)
    assert {version.reason for version in report.versions} == {
        "rises was ended by ConnectionError: the log has more.",
        "rises-10 was ended by ConnectionError: the log has more.",
    }


def test_evening_that_is_done_again_scans_only_the_versions_that_are_left(
    market: Any, probe: Probe, sessions: list[date], monkeypatch: pytest.MonkeyPatch
) -> None:
    row, at, ends = parent(), night(sessions[-1]), [SystemExit("killed")]
    check = Lease.check

    def killed(lease: Any) -> None:
        check(lease)
        if ends and members()[:1] == [("rises", "done", 1)]:
            raise ends.pop()

    monkeypatch.setattr(Lease, "check", killed)
    with pytest.raises(SystemExit):
        run(row, at)
    assert runs() == [("rises", "published")]
    assert revive(row, timezone.now())
    assert claim(row)
    report = run(row, at)
    assert (report.outcome, Notification.objects.count()) == ("done", 1)
    assert members() == [("rises", "done", 1), ("rises-10", "done", 1)]
    assert runs() == [("rises", "published"), ("rises-10", "published")]


def test_version_whose_worker_is_lost_is_scanned_again(
    market: Any, probe: Probe, sessions: list[date], monkeypatch: pytest.MonkeyPatch
) -> None:
    make = queueing.create_members

    def lost(*args: Any, **kwargs: Any) -> None:
        make(*args, **kwargs)
        gone = {"status": TaskStatus.RUNNING, "attempts": 1, "worker": "task worker low of a host that is gone"}
        TaskRecord.objects.filter(kind="evening version", place=0).update(**gone)

    monkeypatch.setattr(groups, "create_members", lost)
    assert run(parent(), night(sessions[-1])).outcome == "done"
    assert members() == [("rises", "done", 2), ("rises-10", "done", 1)]
    assert runs() == [("rises", "published"), ("rises-10", "published")]


def test_member_publishes_nothing_after_the_evening(market: Any, probe: Probe, sessions: list[date]) -> None:
    last, at = sessions[-1], night(sessions[-1])
    Evening.objects.create(market="kr", session=last, started_at=at, status=EveningStatus.FAILED)
    due = DueScan(RunRequest("kr", at, ["rises"], last, last), last, 0)
    with pytest.raises(LeaseLost, match="has ended"):
        scan_member(due)
    assert not ScanSession.objects.exists()
