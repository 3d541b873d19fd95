"""A reader during a publication sees the one list or the other, whole: never the head of the one over the
ranks of the other, and never pages of both."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Condition
from typing import Any

import pandas as pd
import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from scans.operations.scan.request import RunRequest
from scans.operations.scan.run import run_scan
from scans.queries import results
from tests.scans.conftest import AS_OF
from tests.scans.probe import Probe

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

LATEST = "/api/kr/scans/latest"
READERS = 3
PUBLICATIONS = 8
LISTS: tuple[dict[str, Any], ...] = ({"scale": 1.0, "top": None}, {"scale": 10.0, "top": 2})
"""All that rose, and the best two under other scores."""


def publish(n: int, save: bool = True) -> str:
    """Publish the n-th list in turn for the last session; its digest."""
    pinned: dict[str, Any] = {"rises": {"segments": [], "limits": {}, **LISTS[n % 2]}}
    wanted = RunRequest(market="kr", as_of=AS_OF, versions=["rises"], pinned=pinned, save=save)
    return run_scan(wanted)[0].answers[0].result_digest


def digest(ranks: list[dict[str, Any]]) -> str:
    """The result digest as the README tells it: of rank, code, score, label and strategy."""
    body = [[one[name] for name in ("rank", "code", "score", "label", "strategy")] for one in ranks]
    text = json.dumps(body, separators=(",", ":"), ensure_ascii=False)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def whole(client: Client) -> str:
    body = client.get(LATEST, {"limit": 500}).json()
    assert body["counts"]["ranked"] == len(body["results"])
    assert digest(body["results"]) == body["result_digest"]
    return str(body["result_digest"])


def page_by_page(client: Client) -> str:
    """One rank a page, from the first to the last, whatever is published meanwhile."""
    ranks: list[dict[str, Any]] = []
    digests = set()
    where = f"{LATEST}?limit=1"
    while where:
        body = client.get(where).json()
        ranks += body["results"]
        digests.add(body["result_digest"])
        where = body["next"]
    assert digests == {digest(ranks)}
    return str(digests.pop())


def beside_another(client: Client) -> str:
    """In a comparison, where the ranks of several lists come from one query."""
    body = client.get("/api/kr/scans/compare", {"versions": "rises,rises-10"}).json()
    rows = [{"code": row["code"], **row["versions"]["rises"]} for row in body["rows"] if "rises" in row["versions"]]
    head = next(one for one in body["answers"] if one["scanner_version"] == "rises")
    assert digest(sorted(rows, key=lambda one: int(one["rank"]))) == head["result_digest"]
    return str(head["result_digest"])


@pytest.fixture
def lists(market: pd.DataFrame, probe: Probe, user: User, settings: Any) -> tuple[str, str]:
    """The digests of the two lists; the first is published, so is another version."""
    settings.USER_RATE = 1_000_000
    run_scan(RunRequest(market="kr", as_of=AS_OF, versions=["rises-10"]))
    first, second = publish(0), publish(1, save=False)
    assert first != second
    return first, second


@pytest.mark.parametrize("read", [whole, page_by_page, beside_another])
def test_one_list_or_the_other(lists: tuple[str, str], user: User, read: Callable[[Client], str]) -> None:
    seen: list[str] = []
    news = Condition()
    over: list[bool] = []

    def reader(_: int) -> None:
        client = Client()
        client.force_login(user)
        try:
            while not over:
                result = read(client)
                with news:
                    seen.append(result)
                    news.notify_all()
        finally:
            with news:
                over.append(True)
                news.notify_all()
            connection.close()

    def publisher() -> None:
        try:
            for n in range(1, PUBLICATIONS + 1):
                publish(n)
                with news:  # each list is there for at least one whole read
                    enough = len(seen) + 2 * READERS
                    while not over and len(seen) < enough:
                        news.wait()
        finally:
            over.append(True)
            connection.close()

    with ThreadPoolExecutor(READERS + 1) as pool:
        working = [pool.submit(publisher), *(pool.submit(reader, n) for n in range(READERS))]
        for one in working:
            one.result()
    assert set(seen) == set(lists)


def test_published_between_the_head_and_the_ranks(
    lists: tuple[str, str], user: User, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same by force: the head has been read, then the list is replaced, then the ranks are read."""
    ranks = results.session_ranks

    def late(query: Any, **filters: Any) -> Any:
        def other() -> None:
            publish(1)
            connection.close()

        with ThreadPoolExecutor(1) as pool:
            pool.submit(other).result()
        return ranks(query, **filters)

    client.force_login(user)
    with monkeypatch.context() as patched:
        patched.setattr(results, "session_ranks", late)
        assert whole(client) == lists[0]
    assert whole(client) == lists[1]
