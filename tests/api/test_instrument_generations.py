"""A correction of one share, or a list that is published again: answers on these shares are computed anew, those on
other shares are still served as they were."""

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
from scans.operations.scan.request import RunRequest
from scans.operations.scan.run import run_scan
from scans.operations.signals import update_signals
from tests.api.conftest import risers
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


def page(reader: Client, code: str) -> str:
    response = reader.get(f"/kr/s/{code}")
    assert response.status_code == 200
    return response.content.decode()


def publish(session: date, **options: Any) -> None:
    request = RunRequest(market="kr", as_of=AS_OF, versions=["rises"], first=session, last=session, **options)
    (scan,) = run_scan(request)
    assert (scan.error, scan.unchanged) == ("", False)


def test_a_correction_of_one_share_keeps_the_pages_of_others(
    scanned: pd.DataFrame, sessions: list[date], bring: Importer, reader: Client
) -> None:
    page(reader, SHARE), page(reader, OTHER)
    before = hits_and_misses("html")
    bring(corrected(scanned, SHARE, sessions[-1]), AS_OF + timedelta(1))
    page(reader, OTHER)
    assert hits_and_misses("html") == (before[0] + 1, before[1])
    recorded = scanned[(scanned.date == sessions[-1]) & (scanned.code == SHARE)].close.item()
    assert f"{recorded + 100:,}" in page(reader, SHARE)
    assert hits_and_misses("html") == (before[0] + 1, before[1] + 1)


def test_a_list_that_is_published_again_keeps_the_charts_of_shares_that_it_never_had(
    scanned: pd.DataFrame, sessions: list[date], reader: Client
) -> None:
    listed = risers(scanned, sessions[30])
    others = [code for code in CODES if code not in listed]
    assert listed
    assert others
    for code in CODES:
        chart(reader, code)
    publish(sessions[30], top=1)
    for code in others:
        chart(reader, code)
    assert hits_and_misses() == (len(others), len(CODES))
    marked = [code for code in listed if str(sessions[30]) in [mark["date"] for mark in chart(reader, code)["marks"]]]
    assert len(marked) == len(listed)  # the other version still has them all
    assert hits_and_misses() == (len(others), len(CODES) + len(listed))


def test_a_list_that_is_published_again_changes_the_pages_of_the_list_after_it(
    scanned: pd.DataFrame, sessions: list[date]
) -> None:
    publish(sessions[29], top=1)
    changed = set(Generation.objects.get(name="kr").instruments)
    assert changed == {*risers(scanned, sessions[29]), *risers(scanned, sessions[30])}


def test_signals_without_a_change_change_no_answer(scanned: Any, reader: Client) -> None:
    update_signals(market="kr", versions=[], as_of=AS_OF)
    changed_at = Generation.objects.get(name="kr").changed_at
    update_signals(market="kr", versions=[], as_of=AS_OF)
    assert Generation.objects.get(name="kr").changed_at == changed_at
