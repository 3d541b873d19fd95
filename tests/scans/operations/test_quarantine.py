"""Quarantined answers: a person publishes or discards them, once, and it is kept who and when."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from scans.models import QuarantineDecision, ScanRank, ScanRun, ScanSession, Status, Verdict
from scans.operations.requests import queue, worker
from scans.operations.scan.quarantine import (
    NotQuarantined,
    discard_quarantined,
    publish_quarantined,
)
from scans.operations.scan.request import RunRequest
from scans.operations.scan.run import run_scan
from tests.scans.conftest import AS_OF, Importer
from tests.scans.probe import Probe

THIN = date(2024, 5, 2)


def scan() -> ScanSession:
    run_scan(RunRequest(market="kr", as_of=AS_OF, versions=["rises"], first=THIN, last=THIN))
    return ScanSession.objects.get(date=THIN, run=ScanRun.objects.latest("pk"))


def later(rows: pd.DataFrame) -> pd.DataFrame:
    """The same instruments a little higher on the thin session."""
    close = rows["close"] + 50
    return rows.assign(date=THIN, close=close, high=close + 5)


@pytest.fixture
def quarantined(market: pd.DataFrame, bring: Importer, probe: Probe, sessions: list[date]) -> ScanSession:
    """The answer for a session on which three of six instruments have a bar."""
    last = market[market["date"] == sessions[-1]]
    bring(later(last[last["code"] < "035720"]))
    return scan()


def decided() -> list[tuple[str, str]]:
    return list(QuarantineDecision.objects.order_by("pk").values_list("verdict", "who"))


def test_published_by_a_person(quarantined: ScanSession) -> None:
    assert (quarantined.status, quarantined.ranked) == (Status.QUARANTINED, 3)
    publish_quarantined(session=quarantined, who="ann", at=AS_OF)
    row = ScanSession.objects.get(pk=quarantined.pk)
    assert (row.published, row.status, row.run.status) == (True, "published", "published")
    assert row.notes.startswith("published by ann though only 3 instruments have a bar")
    assert ScanRank.objects.filter(session=row, published=True).count() == 3
    assert decided() == [(Verdict.PUBLISHED, "ann")]
    run_scan(RunRequest(market="kr", as_of=AS_OF, versions=["rises"], first=THIN, last=THIN))
    runs = ScanRun.objects.order_by("pk").values_list("status", flat=True)
    assert list(runs) == ["published", "unchanged"]  # the same once more changes nothing


def test_discarded_by_a_person(quarantined: ScanSession) -> None:
    discard_quarantined(session=quarantined, who="ann", at=AS_OF)
    row = ScanSession.objects.get(pk=quarantined.pk)
    assert (row.published, row.status, row.run.status) == (False, "quarantined", "quarantined")
    assert decided() == [(Verdict.DISCARDED, "ann")]


def test_a_decision_is_made_once(quarantined: ScanSession) -> None:
    stale = ScanSession.objects.get(pk=quarantined.pk)  # as another person has it on the screen
    discard_quarantined(session=quarantined, who="ann", at=AS_OF)
    with pytest.raises(NotQuarantined, match="was discarded by ann on 2024-06-01 09:00 UTC"):
        publish_quarantined(session=stale, who="bob", at=AS_OF)
    assert decided() == [(Verdict.DISCARDED, "ann")]
    assert not ScanSession.objects.filter(date=THIN, published=True).exists()


def test_what_is_published_is_no_matter_of_decision(market: pd.DataFrame, probe: Probe, sessions: list[date]) -> None:
    run_scan(RunRequest(market="kr", as_of=AS_OF, versions=["rises"]))
    with pytest.raises(NotQuarantined, match="is not quarantined: it is published"):
        discard_quarantined(session=ScanSession.objects.get(), who="ann", at=AS_OF)


def test_the_published_answer_makes_room(
    quarantined: ScanSession, market: pd.DataFrame, bring: Importer, sessions: list[date]
) -> None:
    """Two quarantined answers of one day: the later decision replaces what the earlier one published."""
    publish_quarantined(session=quarantined, who="ann", at=AS_OF)
    last = market[market["date"] == sessions[-1]]
    bring(later(last[last["code"] < "035720"]).assign(volume=3))
    second = scan()
    assert (second.status, second.ranked) == (Status.QUARANTINED, 3)
    publish_quarantined(session=second, who="bob", at=AS_OF)
    assert ScanSession.objects.get(date=THIN, published=True).pk == second.pk
    ranks = ScanRank.objects.filter(date=THIN, published=True)
    assert set(ranks.values_list("session_id", flat=True)) == {second.pk}


def test_an_old_answer_does_not_replace_a_later_one(
    quarantined: ScanSession, market: pd.DataFrame, bring: Importer, sessions: list[date]
) -> None:
    bring(later(market[market["date"] == sessions[-1]]))
    full = scan()
    assert full.published
    with pytest.raises(NotQuarantined, match=f"Run {full.run_id} has published"):
        publish_quarantined(session=quarantined, who="ann", at=AS_OF)
    assert decided() == []
    assert ScanSession.objects.get(date=THIN, published=True).pk == full.pk
    discard_quarantined(session=quarantined, who="ann", at=AS_OF)


def test_a_run_that_publishes_says_which_of_its_sessions_are_quarantined(
    market: pd.DataFrame, bring: Importer, probe: Probe, sessions: list[date]
) -> None:
    last = market[market["date"] == sessions[-1]]
    bring(later(last[last["code"] < "035720"]))
    run_scan(RunRequest(market="kr", as_of=AS_OF, versions=["rises"], first=sessions[-1], last=THIN))
    made = ScanRun.objects.get()
    assert (made.status, made.reason) == ("published", "1 of 2 sessions quarantined: 2024-05-02")
    row = made.answers.get(date=sessions[-1])
    assert (row.published, row.reason) == (True, "")


def test_a_request_counts_its_quarantined_sessions(
    market: pd.DataFrame, bring: Importer, probe: Probe, sessions: list[date]
) -> None:
    last = market[market["date"] == sessions[-1]]
    bring(later(last[last["code"] < "035720"]))
    for first, n in ((THIN, 1), (sessions[-1], 2)):  # one session, and a range
        row = queue.queue_request(market="kr", as_of=AS_OF, requested_by="ann", first=first, last=THIN).request
        worker.process_request(row.pk, as_of=AS_OF)
        row.refresh_from_db()
        assert [(one["sessions"], one["quarantined"]) for one in row.outcomes] == [(n, 1)]
