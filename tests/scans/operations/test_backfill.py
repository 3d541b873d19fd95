"""Backfills: part by part, resumable, one at a time, the same answers as daily runs."""

from __future__ import annotations

import io
from datetime import date

import pandas as pd
import pytest
from django.core.management import CommandError, call_command

from marketdata.models import LeaseRow
from marketdata.operations.lease import Lease, LeaseLost
from scans.models import Backfill, ScannerVersion, ScanRank, ScanSession, Status
from scans.operations.scan import backfill
from scans.operations.scan.backfill import BackfillRefused
from scans.operations.scan.request import RunRequest
from scans.operations.scan.run import run_scan
from tests.scans.conftest import AS_OF
from tests.scans.probe import Probe


def fill(first: date, last: date, *, resume: bool = False, overwrite: bool = False) -> list[backfill.BackfillResult]:
    request = RunRequest(market="kr", as_of=AS_OF, versions=["rises"], first=first, last=last)
    return backfill.run_backfill(request, resume=resume, overwrite=overwrite)


def published(slug: str = "rises") -> list[tuple[date, str]]:
    rows = ScanSession.objects.filter(scanner_version__slug=slug, published=True)
    return list(rows.order_by("date").values_list("date", "result_digest"))


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backfill, "PART", 7)


def test_a_backfill_gives_what_daily_runs_give(market: pd.DataFrame, probe: Probe, sessions: list[date]) -> None:
    done = fill(sessions[10], sessions[-1])
    assert (done[0].published, done[0].unchanged) == (len(sessions) - 10, 0)
    assert [day for day, _ in published()] == sessions[10:]
    for day, digest in published():
        daily = run_scan(RunRequest(market="kr", as_of=AS_OF, versions=["rises"], first=day, last=day, save=False))
        assert daily[0].answers[0].result_digest == digest


def test_published_sessions_are_replaced_only_on_request(
    market: pd.DataFrame, probe: Probe, sessions: list[date]
) -> None:
    fill(sessions[10], sessions[12])
    with pytest.raises(BackfillRefused, match="3 of 11 sessions of rises are published already: --resume"):
        fill(sessions[5], sessions[15])
    assert len(published()) == 3
    before = {row.date: row.run_id for row in ScanSession.objects.filter(published=True)}
    done = fill(sessions[5], sessions[15], resume=True)
    assert (done[0].published, done[0].unchanged) == (8, 3)
    after = {row.date: row.run_id for row in ScanSession.objects.filter(published=True)}
    assert {day: after[day] for day in before} == before
    assert [day for day, _ in published()] == sessions[5:16]


def test_another_version_is_never_touched(market: pd.DataFrame, probe: Probe, sessions: list[date]) -> None:
    run_scan(RunRequest(market="kr", as_of=AS_OF, versions=["rises-10"], first=sessions[8], last=sessions[14]))
    before = list(ScanRank.objects.filter(scanner_version__slug="rises-10").order_by("pk").values())
    fill(sessions[5], sessions[15])
    fill(sessions[5], sessions[15], overwrite=True)
    assert list(ScanRank.objects.filter(scanner_version__slug="rises-10").order_by("pk").values()) == before


def test_an_interrupted_backfill_leaves_whole_parts_and_resumes(
    market: pd.DataFrame, probe: Probe, sessions: list[date]
) -> None:
    def stop(state: backfill.BackfillProgress) -> None:
        if state.done >= 14:
            raise KeyboardInterrupt

    request = RunRequest(market="kr", as_of=AS_OF, versions=["rises"], first=sessions[5], last=sessions[-1])
    with pytest.raises(KeyboardInterrupt):
        backfill.run_backfill(request, resume=False, overwrite=False, progress=stop)
    assert [day for day, _ in published()] == sessions[5:19]
    assert Backfill.objects.get().status == Status.FAILED
    done = fill(sessions[5], sessions[-1], resume=True)
    assert done[0].unchanged == 14
    assert [day for day, _ in published()] == sessions[5:]


def test_two_at_once_are_refused_and_a_dead_one_is_taken_over(
    market: pd.DataFrame, probe: Probe, sessions: list[date]
) -> None:
    version = ScannerVersion.objects.get(slug="rises")
    other = Backfill.objects.create(
        scanner_version=version, market="kr", first=sessions[0], last=sessions[9], started_at=AS_OF
    )
    with Lease("backfill of rises on market kr"):
        with pytest.raises(
            BackfillRefused,
            match=r"Another backfill of rises on market kr is running since .* UTC \(process \d+ on",
        ):
            fill(sessions[5], sessions[15])
        assert not published()
        LeaseRow.objects.update(process_started=1)  # as if its process had ended
        assert fill(sessions[5], sessions[15])[0].published == 11
    other.refresh_from_db()
    assert other.status == Status.FAILED


def test_a_backfill_that_was_taken_over_publishes_nothing_more(
    market: pd.DataFrame, probe: Probe, sessions: list[date]
) -> None:
    def taken_over(state: backfill.BackfillProgress) -> None:
        LeaseRow.objects.update(fence="of another process")

    request = RunRequest(market="kr", as_of=AS_OF, versions=["rises"], first=sessions[5], last=sessions[24])
    with pytest.raises(LeaseLost, match="backfill of rises on market kr was silent for too long"):
        backfill.run_backfill(
            request,
            resume=False,
            overwrite=False,
            progress=taken_over,
        )
    assert [day for day, _ in published()] == sessions[5:12]
    assert Backfill.objects.get().status == Status.FAILED


def test_one_that_begins_while_another_runs_is_refused_and_writes_nothing(
    market: pd.DataFrame, probe: Probe, sessions: list[date]
) -> None:
    states: list[backfill.BackfillProgress] = []

    def meanwhile(state: backfill.BackfillProgress) -> None:
        states.append(state)
        before = published()
        with pytest.raises(BackfillRefused, match="Another backfill of rises on market kr"):
            fill(sessions[0], sessions[-1], overwrite=True)
        assert published() == before

    request = RunRequest(market="kr", as_of=AS_OF, versions=["rises"], first=sessions[5], last=sessions[24])
    backfill.run_backfill(request, resume=False, overwrite=False, progress=meanwhile)
    assert [(state.done, state.total) for state in states] == [(7, 20), (14, 20), (20, 20)]
    for state in states:  # what is left takes as long a session as what is done
        assert state.remaining == pytest.approx(state.seconds / state.done * (state.total - state.done))
    assert fill(sessions[0], sessions[-1], overwrite=True)[0].published == len(sessions)


def test_the_command_line(market: pd.DataFrame, probe: Probe, sessions: list[date]) -> None:
    out = io.StringIO()
    call_command("backfill", "--version=rises", f"--from={sessions[5]}", f"--to={sessions[15]}", stdout=out)
    assert out.getvalue().startswith("rises: 11 sessions published, 0 already published")
    for arguments, sentence in (
        ((), "Name the first session"),
        ((f"--from={sessions[5]}", "--no-save"), "A backfill publishes"),
        ((f"--from={sessions[5]}", "--version=v9"), "Unknown scanner version 'v9'"),
        ((f"--from={sessions[5]}", "--version=rises"), "are published already"),
        (
            (f"--from={sessions[5]}", "--resume", "--replace"),
            "--replace and --resume exclude each other",
        ),
        (("--version=rises", "--from=2031-01-06"), "has no bars on 2031-01-06: it has them from"),
    ):
        with pytest.raises(CommandError, match=sentence):
            call_command("backfill", *arguments)
