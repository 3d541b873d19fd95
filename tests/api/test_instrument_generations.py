"""A correction of one share: its own answers are computed anew, those of other shares are still served as they were."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pandas as pd
import pytest
from django.contrib.auth.models import User
from django.test import Client

from caching.stats import STATS
from marketdata.models import Generation
from marketdata.operations import generations
from tests.scans.conftest import AS_OF, CODES, Importer

SHARE, OTHER = CODES[0], CODES[1]


@pytest.fixture
def reader(client: Client, user: User) -> Client:
    client.force_login(user)
    STATS.reset()
    return client


def chart(reader: Client, code: str) -> dict[str, Any]:
    response = reader.get(f"/api/kr/stocks/{code}/chart")
    assert response.status_code == 200
    body: dict[str, Any] = response.json()
    return body


def hits_and_misses(what: str = "chart") -> tuple[float, float]:
    counts = STATS.snapshot()[what]
    return counts["hits"], counts["misses"]


def corrected(rows: pd.DataFrame, code: str, day: date) -> pd.DataFrame:
    row = rows[(rows.date == day) & (rows.code == code)].copy()
    row[["open", "high", "low", "close"]] += 100
    return row


def test_a_correction_of_one_share_keeps_the_charts_of_others(
    scanned: pd.DataFrame, sessions: list[date], bring: Importer, reader: Client
) -> None:
    before, other = chart(reader, SHARE), chart(reader, OTHER)
    changed_at = Generation.objects.get(name="kr").changed_at
    bring(corrected(scanned, SHARE, sessions[30]), AS_OF + timedelta(1))
    assert Generation.objects.get(name="kr").changed_at > changed_at

    assert chart(reader, OTHER) == other
    assert hits_and_misses() == (1, 2)
    after = chart(reader, SHARE)
    assert hits_and_misses() == (1, 3)
    recorded = scanned[(scanned.date == sessions[30]) & (scanned.code == SHARE)].close.item()
    closes = [
        next(bar["close"] for bar in body["bars"] if bar["date"] == str(sessions[30])) for body in (before, after)
    ]
    assert closes == [recorded, recorded + 100]


def test_an_answer_on_the_whole_market_follows_the_correction(
    scanned: pd.DataFrame, sessions: list[date], bring: Importer, reader: Client
) -> None:
    address = "/api/kr/scans/latest"
    reader.get(address), reader.get(address)
    assert hits_and_misses("scan") == (1, 1)
    bring(corrected(scanned, SHARE, sessions[30]), AS_OF + timedelta(1))
    reader.get(address)
    assert hits_and_misses("scan") == (1, 2)


def test_a_new_session_shows_in_every_chart(
    scanned: pd.DataFrame, sessions: list[date], bring: Importer, reader: Client
) -> None:
    chart(reader, OTHER)
    new = corrected(scanned, SHARE, sessions[-1])
    new["date"] = date(2024, 5, 2)  # the session after the recorded ones
    bring(new, AS_OF + timedelta(1))
    chart(reader, OTHER)
    assert hits_and_misses() == (0, 2)


def test_a_share_changed_twice_and_another_between(scanned: Any, reader: Client) -> None:
    for code in (SHARE, OTHER):
        chart(reader, code)
    generations.advance_instruments("kr", [SHARE])
    generations.advance_instruments("kr", [OTHER])
    generations.advance_instruments("kr", [SHARE])
    chart(reader, SHARE), chart(reader, OTHER)
    assert hits_and_misses() == (0, 4)
    chart(reader, SHARE), chart(reader, OTHER)
    assert hits_and_misses() == (2, 4)


def test_changes_of_many_shares_are_one_of_the_market(scanned: Any, reader: Client) -> None:
    chart(reader, OTHER)
    generations.advance_instruments("kr", [f"{number:06}" for number in range(1, generations.MOST_INSTRUMENTS + 2)])
    row = Generation.objects.get(name="kr")
    assert (row.shared_at, row.instruments) == (None, {})
    chart(reader, OTHER)
    assert hits_and_misses() == (0, 2)


def test_a_change_of_the_market_ends_those_of_shares(scanned: Any, reader: Client) -> None:
    generations.advance_instruments("kr", [SHARE])
    chart(reader, OTHER)
    generations.advance("kr")
    assert Generation.objects.get(name="kr").instruments == {}
    chart(reader, OTHER)
    assert hits_and_misses() == (0, 2)
