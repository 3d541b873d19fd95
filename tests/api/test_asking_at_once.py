"""The same request sent several times at once, each over a connection of its own: one request is made of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pandas as pd
import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from scans.models import ScanRequest
from tests.people import scan_chief
from tests.scans.probe import Probe
from tests.task_queues import purge_queues, queue_size

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

PATIENCE = 60.0
ONE, OTHER = {"scanner_version": "rises"}, {"scanner_version": "rises-10"}


@pytest.fixture
def chief(market: pd.DataFrame, probe: Probe, settings: Any) -> Iterator[User]:
    """One of the staff; what was put into the queue is taken out again."""
    settings.USER_RATE = 1_000_000
    purge_queues()
    yield scan_chief()
    purge_queues()


def sent(user: User, bodies: Sequence[dict[str, Any]], key: str) -> list[Any]:
    """The answers to all bodies, sent at the same moment with one key."""
    ready = Barrier(len(bodies))
    clients = [Client() for _ in bodies]
    for client in clients:
        client.force_login(user)

    def send(client: Client, body: dict[str, Any]) -> Any:
        try:
            ready.wait(PATIENCE)
            return client.post(
                "/api/kr/scans",
                body,
                content_type="application/json",
                headers={"Idempotency-Key": key},
            )
        finally:
            connection.close()

    with ThreadPoolExecutor(len(bodies)) as pool:
        return list(pool.map(send, clients, bodies))


@pytest.mark.parametrize("senders", [2, 8])
def test_one_key_makes_one_request(chief: User, senders: int) -> None:
    for n in range(1, 4):
        result = sent(chief, [ONE] * senders, f"day-{n}")
        assert [one.status_code for one in result] == [202] * senders
        made = ScanRequest.objects.get(key=f"day-{n}")
        assert {one.json()["id"] for one in result} == {made.pk}
        assert {one.headers["Location"] for one in result} == {f"/api/kr/scan-requests/{made.pk}"}
        assert ScanRequest.objects.count() == queue_size() == n


def test_one_key_for_two_bodies_is_the_first_ones(chief: User) -> None:
    for n in range(1, 4):
        result = sent(chief, [ONE, OTHER] * 4, f"day-{n}")
        made = ScanRequest.objects.get(key=f"day-{n}")
        accepted = [one for one in result if one.status_code == 202]
        refused = [one for one in result if one.status_code == 422]
        assert (len(accepted), len(refused)) == (4, 4)
        assert {one.json()["id"] for one in accepted} == {made.pk}
        assert {tuple(one.json()["versions"]) for one in accepted} == {tuple(made.versions)}
        assert {one.json()["code"] for one in refused} == {"idempotency_key_reused"}
        assert ScanRequest.objects.count() == queue_size() == n


def test_a_key_is_its_users_own(chief: User) -> None:
    deputy = scan_chief("deputy")
    (response,), (theirs,) = sent(chief, [ONE], "day"), sent(deputy, [OTHER], "day")
    assert response.status_code == theirs.status_code == 202
    assert response.json()["id"] != theirs.json()["id"]
