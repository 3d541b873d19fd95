"""Runs, answers, ranks and requests in the admin: what is shown, and what an operator does with them."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pandas as pd
import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django_q.models import OrmQ
from django_q.tasks import async_task

from scans.models import (
    QuarantineDecision,
    RequestStatus,
    ScanRank,
    ScanRequest,
    ScanRun,
    ScanSession,
    Status,
)
from scans.operations.requests import queue, worker
from scans.operations.scan.request import RunRequest
from scans.operations.scan.run import run_scan
from tests.admin.views import page, sentences
from tests.api.conftest import risers
from tests.scans.conftest import AS_OF, CODES, frame
from tests.task_queues import purge_queues

SESSIONS = "/admin/scans/scansession/"


def where(row: Any) -> str:
    return reverse(f"admin:scans_{row._meta.model_name}_change", args=[row.pk])


def codes(session: ScanSession) -> list[str]:
    return list(session.ranks.order_by("rank").values_list("code", flat=True))


def test_a_run_shows_its_counts_its_cost_and_the_ranks_of_its_last_session(scanned: Any, console: Client) -> None:
    made = ScanRun.objects.get(scanner_version__slug="rises")
    text = page(console, where(made))
    for fact in (made.data_digest, made.params_hash, made.executor, "read", "features", "score"):
        assert fact in text
    assert f"{made.peak_memory_mb:,} MB" in text
    last = made.answers.order_by("-date")[0]
    shown = [text.index(f">{code}</a>") for code in codes(last)]
    assert shown == sorted(shown)


def test_a_session_shows_who_entered_left_and_moved(
    scanned: pd.DataFrame, console: Client, sessions: list[date]
) -> None:
    """Derived from the bars themselves: the probe picks what rose, the largest rise first."""
    before, now = (risers(scanned, day) for day in (sessions[19], sessions[20]))
    moved = [code for code in now if code in before and now.index(code) != before.index(code)]
    row = ScanSession.objects.get(scanner_version__slug="rises", date=sessions[20])
    text = page(console, where(row))
    assert f"{len(set(now) - set(before))} entered, {len(set(before) - set(now))} left, {len(moved)} moved" in text
    assert text.count('<span class="pill good">new</span>') == len(set(now) - set(before))


def test_a_run_again_goes_through_the_queue_with_the_parameters_it_recorded(scanned: Any, console: Client) -> None:
    made = ScanRun.objects.get(scanner_version__slug="rises-10")
    again = reverse("admin:scans_run_rerun", args=[made.pk])
    assert "Run rises-10 again?" in page(console, again)
    assert "Run rises-10 again?" in console.post(again).content.decode()
    assert not ScanRequest.objects.exists()
    response = console.post(again, {"confirmed": "yes"}, follow=True)
    queued = ScanRequest.objects.get()
    assert sentences(response)[0].startswith("Queued: rises-10 on market kr")
    assert (queued.first, queued.last) == (made.first, made.last)
    assert queued.pinned["rises-10"]["scale"] == 10.0
    worker.process_request(queued.pk, as_of=AS_OF)
    queued.refresh_from_db()
    assert queued.status == RequestStatus.DONE
    runs = ScanRun.objects.filter(scanner_version=made.scanner_version).order_by("pk")
    assert [run.status for run in runs] == ["published", "unchanged"]  # the same came out


def test_request_is_cancelled_once_and_repeated(market: Any, probe: Any, console: Client) -> None:
    queued = queue.queue_request(market="kr", as_of=AS_OF, requested_by="ann").request
    cancel = reverse("admin:scans_request_cancel", args=[queued.pk])
    assert f"Cancel request {queued.pk}?" in page(console, cancel)
    response = console.post(cancel, {"confirmed": "yes"}, follow=True)
    assert sentences(response) == [f"Cancelled request {queued.pk}."]
    queued.refresh_from_db()
    assert (queued.status, queued.reason) == (RequestStatus.CANCELLED, "cancelled by operator")
    assert LogEntry.objects.get().change_message == f"Cancelled request {queued.pk}."
    twice = console.post(cancel, {"confirmed": "yes"}, follow=True)
    assert "has ended already" in sentences(twice)[0]
    again = reverse("admin:scans_request_again", args=[queued.pk])
    console.post(again, {"confirmed": "yes"})
    fresh = ScanRequest.objects.exclude(pk=queued.pk).get()
    assert (fresh.versions, fresh.status) == (["rises"], RequestStatus.QUEUED)


@pytest.fixture
def thin(bring: Any, probe: Any, sessions: list[date]) -> ScanSession:
    """An answer in quarantine: on its session only four of six instruments have a bar."""
    rows = frame(sessions)
    bring(rows[(rows.date != sessions[30]) | rows.code.isin(CODES[:4])])
    run_scan(RunRequest(market="kr", as_of=AS_OF, versions=["rises"], first=sessions[29], last=sessions[30]))
    return ScanSession.objects.get(status=Status.QUARANTINED)


@pytest.mark.parametrize(("verb", "published"), [("publish", True), ("discard", False)])
def test_a_quarantined_answer_is_decided_about_once(
    thin: ScanSession, console: Client, verb: str, published: bool
) -> None:
    assert "1 quarantined session waits for a decision" in page(console, "/admin/")
    shown = page(console, where(thin))
    assert 'value="publish"' in shown
    sent = {"action": verb, "_selected_action": [thin.pk]}
    queued = console.post(SESSIONS, sent)
    assert f"Quarantined answers to {verb}: 1. {verb.capitalize()} them?" in queued.content.decode()
    assert not QuarantineDecision.objects.exists()
    response = console.post(SESSIONS, {**sent, "confirmed": "yes"}, follow=True)
    assert len(sentences(response)) == 1
    decision = QuarantineDecision.objects.get()
    assert (decision.session, decision.who) == (thin, "operator")
    thin.refresh_from_db()
    assert thin.published is published
    assert ScanRank.objects.filter(session=thin, published=True).exists() is published
    assert LogEntry.objects.get().object_id == str(thin.pk)
    assert 'value="publish"' not in page(console, where(thin))
    assert "quarantined session" not in page(console, "/admin/")
    twice = console.post(SESSIONS, {**sent, "confirmed": "yes"}, follow=True)
    assert sentences(twice)
    assert QuarantineDecision.objects.count() == 1


def test_the_console_tells_the_last_run_of_each_version(scanned: Any, console: Client) -> None:
    text = page(console, "/admin/")
    for slug in ("rises", "rises-10"):
        made = ScanRun.objects.get(scanner_version__slug=slug)
        row = text[text.index(f">{slug}</a>") :]
        row = row[: row.index("</tr>")]
        last = made.answers.get(date=made.last)
        opens = f'<a href="{where(last)}">'
        assert f"{opens}<strong>{made.last}</strong></a>" in row
        assert "published" in row
        listed = len(codes(last))  # the probe lists all that rose
        assert f"{opens}{listed} matched, {listed} listed</a>" in row
    assert "no task worker is running" not in text
    assert "the queue does not answer" not in text


def test_console_shows_tasks_without_a_worker(scanned: Any, console: Client) -> None:
    async_task("django.utils.text.slugify", "done")
    OrmQ.objects.update(lock=timezone.now() - timedelta(hours=3))  # where it is in the database
    try:
        text = page(console, "/admin/")
    finally:
        purge_queues()
    assert "1 task waits, and no task worker is running" in text
    assert "no worker</span>" in text
