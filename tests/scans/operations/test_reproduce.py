"""A recorded run, done again."""

from __future__ import annotations

import io
from datetime import date, timedelta

import pandas as pd
import pytest
from django.core.management import CommandError, call_command

from scans.models import ScannerVersion, ScanRun
from scans.operations import versions
from scans.operations.scan import reproduce
from scans.operations.scan.reproduce import NoSuchRun
from scans.operations.scan.request import RunRequest
from scans.operations.scan.run import run_scan
from tests.scans.conftest import AS_OF, Importer
from tests.scans.probe import Probe


@pytest.fixture
def recorded(market: pd.DataFrame, probe: Probe, sessions: list[date]) -> ScanRun:
    run_scan(
        RunRequest(
            market="kr",
            as_of=AS_OF,
            versions=["rises-10"],
            first=sessions[20],
            last=sessions[30],
            top=3,
        )
    )
    return ScanRun.objects.get()


def again(recorded: ScanRun) -> reproduce.Reproduction:
    return reproduce.reproduce_run(recorded.pk, as_of=AS_OF)


def test_the_same_data_give_an_identical_run(market: pd.DataFrame, probe: Probe, sessions: list[date]) -> None:
    run_scan(RunRequest(market="kr", as_of=AS_OF, versions=["rises"], first=sessions[20], last=sessions[30]))
    reproduction = again(ScanRun.objects.get())
    assert reproduction.identical
    out = io.StringIO()
    call_command("reproduce_run", str(ScanRun.objects.get().pk), stdout=out)
    assert "identical in data and ranks on all 11 sessions." in out.getvalue()


def test_the_parameters_are_those_of_the_run_not_of_today(recorded: ScanRun) -> None:
    version = ScannerVersion.objects.get(slug="rises-10")
    versions.change_version(version, settings={"scale": 500}, who="ann", at=AS_OF)
    assert again(recorded).identical


def test_a_correction_is_named_with_instrument_and_day(
    recorded: ScanRun, bring: Importer, market: pd.DataFrame, sessions: list[date]
) -> None:
    rows = market[(market["date"] == sessions[25]) & (market["code"] == "005930")]
    bring(rows.assign(close=rows["high"]), at=AS_OF + timedelta(days=1))
    reproduction = again(recorded)
    assert reproduction.data == sessions[25:31]
    assert not reproduction.unlike
    assert [(change.code, change.date) for change in reproduction.changes] == [("005930", sessions[25])]
    text = reproduce.sentence(reproduction)
    assert "the data differ on 6 of 11 sessions" in text
    assert f"005930 {sessions[25]}  bar corrected; before: close" in text


def test_later_data_change_nothing(
    recorded: ScanRun, bring: Importer, market: pd.DataFrame, sessions: list[date]
) -> None:
    bring(market[market["date"] == sessions[35]].assign(volume=5))
    assert again(recorded).identical


def test_an_engine_that_answers_otherwise_is_a_defect(recorded: ScanRun, probe: Probe, sessions: list[date]) -> None:
    probe.shift = 1.0
    reproduction = again(recorded)
    assert not reproduction.data
    assert reproduction.unlike == sessions[20:31]
    with pytest.raises(CommandError, match="The ranks differ although the data are the same"):
        call_command("reproduce_run", str(recorded.pk))


def test_run_that_cannot_be_repeated_is_refused(recorded: ScanRun) -> None:
    with pytest.raises(NoSuchRun, match=f"There is no run 999999: the newest is {recorded.pk}"):
        reproduce.reproduce_run(999_999, as_of=AS_OF)
    ScanRun.objects.update(revision=7)
    with pytest.raises(NoSuchRun, match="used engine probe revision 7, here is revision 1: check out"):
        again(recorded)


def test_a_corrected_event_and_another_membership_are_named_too(
    market: pd.DataFrame, probe: Probe, sessions: list[date], bring: Importer
) -> None:
    def event(ratio: float, days: int) -> None:
        rows = pd.DataFrame([(sessions[22], "005930", ratio)], columns=["date", "code", "ratio"])
        bring(rows, at=AS_OF + timedelta(days=days))

    event(0.9, -1)
    run_scan(RunRequest(market="kr", as_of=AS_OF, versions=["rises"], first=sessions[20], last=sessions[30]))
    event(0.8, 1)
    moved = market[(market["date"] == sessions[24]) & (market["code"] == "035720")]
    bring(moved.assign(segment="KONEX"), at=AS_OF + timedelta(days=1))
    reproduction = again(ScanRun.objects.get())
    assert reproduction.data[0] == sessions[22]
    named = {(change.code, change.date): change.what for change in reproduction.changes}
    assert named["005930", sessions[22]] == "factor event corrected to x0.8"
    assert "membership" in named["035720", sessions[24]]
