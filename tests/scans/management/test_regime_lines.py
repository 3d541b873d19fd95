"""The rule behind a regime in what commands print and in notifications, from an index of known answers."""

from __future__ import annotations

import io
import json
from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd
import pytest
from django.core.management import call_command

from scans.models import Notification
from scans.operations.evening import evening
from scans.operations.evening.evening import EveningRequest
from scans.operations.evening.notification_content import notification_body
from scans.operations.requests.queue import queue_request
from scans.operations.requests.worker import process_request
from tests.scans.conftest import AS_OF
from tests.scans.index_series import DAILY, TREND, levels, record_index

BOTH = ("--version=v1", "--version=v2")


@pytest.fixture
def index(market: pd.DataFrame, sessions: list[date], tmp_path: Path) -> None:
    record_index(levels(sessions), tmp_path)


def printed(*arguments: str) -> str:
    out = io.StringIO()
    call_command("run_scan", *arguments, stdout=out)
    return out.getvalue()


def test_headings_of_tables(index: None) -> None:
    text = " ".join(printed(*BOTH).split())
    assert f"no match, regime crash by KS11 [{DAILY}]: 0 matched" in text
    assert f", regime bull by KS11 [{TREND}]: " in text


def test_json(index: None) -> None:
    one, two = (json.loads(line) for line in printed(*BOTH, "--format=json").splitlines())
    assert (one["regime"], two["regime"]) == ("crash", "bull")
    assert one["regime_rule"] == {
        "kind": "daily",
        "sentence": DAILY,
        "measures": {"move_pct": -2.9},
    }
    assert two["regime_rule"]["sentence"] == TREND
    assert two["regime_rule"]["measures"]["mean_10_pct"] == pytest.approx(0.16)


def test_explanations(index: None) -> None:
    text = " ".join(printed(*BOTH, "--explain=005930").split())
    assert f"regime {DAILY}" in text
    assert f"regime {TREND}" in text
    lines = printed(*BOTH, "--explain=005930", "--format=json").splitlines()
    assert [json.loads(line)["regime_rule"]["sentence"] for line in lines] == [DAILY, TREND]


def test_notifications(index: None, sessions: list[date]) -> None:
    day = sessions[-1]
    at = datetime(day.year, day.month, day.day, 9, 10, tzinfo=UTC)
    queued = EveningRequest("kr", versions=("v1", "v2"), collects=False)
    evening.run_evening(queued, clock=lambda: at, warm_up=lambda *_: None)
    row = Notification.objects.get()
    daily = "Daily regime: the index \N{MINUS SIGN}2.9 % on the day (crash below \N{MINUS SIGN}2.5 %)"
    trend = (
        "Trend regime: +6.8 % over 20 sessions (bull kept above 2 %), "
        "mean of 10 sessions +0.16 % (above \N{MINUS SIGN}0.05 %)"
    )
    lines = notification_body(row)["text"].splitlines()
    assert lines[lines.index(daily) - 1] == "v1 · crash · 0 picks"
    assert lines[lines.index(trend) - 1].startswith("v2 · bull · ")
    for one in row.versions:  # as those of before the parts of rules were in messages
        del one["regime_parts"]
    assert DAILY in notification_body(row)["text"].splitlines()
    for one in row.versions:  # and of before rules were
        del one["regime_rule"]
    assert DAILY not in notification_body(row)["text"].splitlines()


def test_drafts(index: None, sessions: list[date]) -> None:
    from scans.api.serializers.requests import draft_body
    from scans.models import ScanDraft

    queued = queue_request(
        market="kr",
        versions=["v1"],
        first=sessions[-1],
        last=sessions[-1],
        publishes=False,
        as_of=AS_OF,
        requested_by="ann",
    )
    process_request(queued.request.pk, as_of=AS_OF)
    draft = ScanDraft.objects.get()
    assert draft_body(draft)["regime_rule"]["sentence"] == DAILY
    del draft.answer["regime_rule"]  # as those of before rules were in drafts
    assert draft_body(draft)["regime_rule"] is None
