"""run_evening and schedule as a person runs them, and the task that the schedule calls."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from django_q.models import Schedule

from scans import tasks
from scans.models import Notification, ScannerVersion
from tests.scans.probe import Probe


def ran(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    call_command(*arguments)
    return capsys.readouterr().out


@pytest.fixture
def that_evening(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock stands on the evening of the record's last session, which is not behind then."""
    moment = datetime(2024, 4, 30, 9, tzinfo=UTC)
    monkeypatch.setattr("django.utils.timezone.now", lambda: moment)


@pytest.mark.usefixtures("that_evening")
def test_an_evening(market: pd.DataFrame, probe: Probe, capsys: pytest.CaptureFixture[str]) -> None:
    command = ("run_evening", "--no-collect", "--version", "rises", "--date", "2024-04-30")
    shown = ran(capsys, *command).splitlines()
    (version,) = Notification.objects.get().versions
    count = version["matched"]
    assert shown[0] == f"Seismo KRX 2024-04-30 (Tue): rises {count} picks"
    best = version["picks"][0]
    assert shown[1] == f"rises · {count} picks"
    assert shown[2] == "Its first list: there is none before to compare it with."
    assert shown[3].startswith(f"- 1. {best['code']}")
    assert "no notification was sent again" in ran(capsys, *command)


@pytest.mark.usefixtures("that_evening")
def test_an_evening_on_which_something_fails(
    market: pd.DataFrame, probe: Probe, capsys: pytest.CaptureFixture[str]
) -> None:
    probe.failure = RuntimeError("boom")
    command = ("run_evening", "--version", "rises", "--version", "v2", "--date", "2024-04-30")
    with pytest.raises(CommandError, match="RuntimeError: boom"):
        call_command(*command)
    out = capsys.readouterr().out
    assert out.startswith("Seismo KRX 2024-04-30 (Tue): v2 0 picks, rises failed\n")
    assert "\nv2 · neutral · 0 picks\n" in out


def test_nothing_to_do_is_no_failure(market: pd.DataFrame, probe: Probe, capsys: pytest.CaptureFixture[str]) -> None:
    shown = ran(capsys, "run_evening", "--no-collect", "--date", "2024-04-10")
    assert shown.startswith("2024-04-10 is no session of market kr: nothing to do. The record ")
    with pytest.raises(CommandError, match="Unknown market"):
        call_command("run_evening", "--market", "mars")
    with pytest.raises(CommandError, match="Unknown scanner version 'v9'"):
        call_command("run_evening", "--version", "v9")


@pytest.mark.django_db
def test_a_schedule(capsys: pytest.CaptureFixture[str]) -> None:
    assert ran(capsys, "schedule", "--list") == "No market has a schedule.\n"
    shown = ran(capsys, "schedule", "--at", "18:20", "--version", "v2", "--no-collect")
    assert shown.startswith("kr: every day at 18:20 Asia/Seoul, by v2, without collecting; next 20")
    assert " 18:20 KST (" in shown
    assert " 09:20 UTC)" in shown
    assert ran(capsys, "schedule", "--list") == shown
    assert ran(capsys, "schedule", "--remove") == "Market kr has no schedule any more.\n"
    with pytest.raises(CommandError, match="Market kr has no schedule"):
        call_command("schedule", "--remove")
    with pytest.raises(CommandError, match="write it as 15:43"):
        call_command("schedule", "--at", "6pm")


@pytest.mark.django_db
def test_a_schedule_says_which_ones_it_replaces(capsys: pytest.CaptureFixture[str]) -> None:
    ran(capsys, "schedule", "--at", "15:42", "--version", "v2")
    assert "no longer" not in ran(capsys, "schedule", "--at", "15:43", "--version", "v3", "--add")
    shown = ran(capsys, "schedule")
    assert shown.startswith("kr: no longer at 15:42, by v2\nkr: no longer at 15:43, by v3\nkr: every day at 15:35")
    assert "no longer" not in ran(capsys, "schedule")


@pytest.mark.django_db
def test_a_time_in_utc_stands_once(capsys: pytest.CaptureFixture[str]) -> None:
    (line,) = ran(capsys, "schedule", "--market", "upbit").splitlines()
    assert line.startswith("upbit: every day at 00:10 UTC, by every version that fits; next 20")
    assert line.endswith(" 00:10 UTC")


def test_the_task_sets_its_next_run_and_makes_up_for_what_was_due(
    market: pd.DataFrame, probe: Probe, capsys: pytest.CaptureFixture[str]
) -> None:
    """No process ran from 2024-04-30 on: the session of that day is the latest that the record has, and it is not
    that of yesterday, so that it is reported."""
    long_ago = timezone.now().astimezone(ZoneInfo("Asia/Seoul")) - timedelta(hours=12)
    at = f"{long_ago:%H:%M}"
    ran(capsys, "schedule", "--no-collect", "--version", "rises", "--at", at)
    Schedule.objects.update(next_run=timezone.now() + timedelta(hours=23, minutes=59))
    due = datetime(2024, 4, 30, 9, 10, tzinfo=UTC)
    result = tasks.evening("kr", at, due=due.isoformat(), versions=["rises"], collects=False)
    assert result.endswith(": incomplete")
    row = Notification.objects.get()
    assert (row.outcome, "no instrument has a bar" in row.reason) == ("incomplete", True)
    upcoming: Any = Schedule.objects.get().next_run
    assert f"{upcoming.astimezone(ZoneInfo('Asia/Seoul')):%H:%M}" == at
    assert timedelta() < upcoming - timezone.now() <= timedelta(hours=12)


@pytest.mark.django_db
def test_the_task_of_a_version_that_is_gone_says_so() -> None:
    result = tasks.evening("kr", "18:10", due="2026-08-21T09:10:00+00:00", versions=["v9"])
    assert result.startswith("Unknown scanner version 'v9'")
    assert ScannerVersion.objects.exists()
