"""Answers that build on a session in doubt say so until it is decided."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any

import pytest
from django.core.management import CommandError
from rest_framework.test import APIClient

from marketdata.models import CalendarOverride
from marketdata.operations.projection import project
from scans.management import freshness
from scans.models import ScanSession
from scans.operations.scan.request import RunRequest
from scans.operations.scan.run import run_scan
from scans.queries import readiness
from scans.queries.freshness import markets_freshness
from tests.scans.conftest import Importer
from tests.scans.operations.test_closed_days import TWELVE, bars
from tests.scans.probe import Probe

AT = 20
"""The session in doubt: five of twelve instruments have a bar."""


@pytest.fixture
def evening(bring: Importer, sessions: list[date], probe: Probe) -> datetime:
    """An hour after the close of the second session after the one in doubt, which ends the record."""
    rows = bars(sessions[: AT + 3])
    bring(rows[(rows.date != sessions[AT]) | rows.code.isin(TWELVE[:5])])
    project.project_bars("kr")
    return datetime.combine(sessions[AT + 2], time(7, 30), UTC)


def test_the_readiness_and_the_first_line_name_it_and_strict_refuses(evening: datetime, sessions: list[date]) -> None:
    (record,) = markets_freshness(["kr"], evening)
    why = "only 5 instruments have a bar, 12 had one the session before"
    assert record.undecided == ((sessions[AT], why),)
    assert (record.behind, record.complete) == (0, sessions[AT + 2])
    sentence = f"which no operator has decided about ({sessions[AT]}: {why})"
    assert sentence in record.sentence
    assert sentence in readiness.market_readiness("kr", evening).reason
    line = freshness.warning("kr", evening)
    assert line.startswith("WARNING: ")
    assert sentence in line
    with pytest.raises(CommandError, match=r"Nothing was done \(--strict-fresh\)"):
        freshness.warning("kr", evening, strict=True)


def test_the_answers_after_it_say_so_and_the_one_of_the_session_is_quarantined(
    evening: datetime, sessions: list[date]
) -> None:
    request = RunRequest(market="kr", as_of=evening, versions=["v2"], first=sessions[AT - 1], last=sessions[AT + 2])
    (scan,) = run_scan(request)
    assert [answer.status == "quarantined" for answer in scan.answers] == [
        False,
        True,
        False,
        False,
    ]
    notes = [answer.notes for answer in scan.answers]
    sentence = f"builds on {sessions[AT]}, in doubt: only 5 instruments have a bar"
    assert [note.startswith(sentence) for note in notes] == [False, False, True, True]
    kept = ScanSession.objects.get(date=sessions[AT + 1], published=True)
    assert kept.notes.startswith(sentence)


@pytest.mark.parametrize("is_open", [True, False])
def test_an_override_decides(evening: datetime, sessions: list[date], is_open: bool) -> None:
    CalendarOverride.objects.create(market="kr", date=sessions[AT], is_open=is_open)
    assert freshness.warning("kr", evening, strict=True) == ""
    (record,) = markets_freshness(["kr"], evening)
    assert record.undecided == ()
    (scan,) = run_scan(
        RunRequest(
            market="kr",
            as_of=evening,
            versions=["v2"],
            first=sessions[AT + 1],
            last=sessions[AT + 1],
        )
    )
    assert "in doubt" not in scan.answers[0].notes


def test_the_bars_that_were_missing_decide(evening: datetime, bring: Importer, sessions: list[date]) -> None:
    rows = bars(sessions[: AT + 3])
    bring(rows[rows.date == sessions[AT]])
    assert freshness.warning("kr", evening, strict=True) == ""


def test_the_api_lists_it(evening: datetime, sessions: list[date], client_of_kr: Any) -> None:
    body = client_of_kr.get("/api/kr/readiness").json()
    assert body["undecided_sessions"] == [str(sessions[AT])]


@pytest.fixture
def client_of_kr(django_user_model: Any) -> APIClient:
    client = APIClient()
    client.force_authenticate(django_user_model.objects.create_user("reader"))
    return client
