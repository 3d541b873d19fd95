"""Two publish the same (market, version, session) at once: one after the other, and neither list is mixed or lost."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pandas as pd
import pytest
from django.db import connection

from scans.models import ScanRun, ScanSession, Status
from scans.operations.scan import run as running
from scans.operations.scan.answers import Scan
from scans.operations.scan.publish import publish
from scans.operations.scan.request import RunRequest
from scans.operations.scan.run import run_scan
from tests.api.conftest import risers
from tests.scans.conftest import AS_OF
from tests.scans.probe import Probe

pytestmark = pytest.mark.django_db(transaction=True)

ROUNDS = 6
PATIENCE = 60.0
ALL, BEST = {"scale": 1.0, "top": None}, {"scale": 10.0, "top": 2}


def scan(chosen: dict[str, Any]) -> Scan:
    pinned: dict[str, Any] = {"rises": {"segments": [], "limits": {}, **chosen}}
    return run_scan(RunRequest(market="kr", as_of=AS_OF, versions=["rises"], pinned=pinned))[0]


AtOnce = Callable[..., list[Scan]]


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> AtOnce:
    """Scans, each in a thread with its own connection; the results are published only once every scan has its own."""

    def at_once(*chosen: dict[str, Any]) -> list[Scan]:
        ready = Barrier(len(chosen))

        def together(*args: Any, **kwargs: Any) -> None:
            ready.wait(PATIENCE)
            publish(*args, **kwargs)

        def one(params: dict[str, Any]) -> Scan:
            try:
                return scan(params)
            finally:
                connection.close()

        with monkeypatch.context() as patched, ThreadPoolExecutor(len(chosen)) as pool:
            patched.setattr(running, "publish", together)
            return list(pool.map(one, chosen))

    return at_once


def codes(session: ScanSession) -> list[str]:
    """The instruments of a recorded answer, all of whose ranks are as public as it is."""
    ranks = list(session.ranks.order_by("rank"))
    assert [one.rank for one in ranks] == list(range(1, session.ranked + 1))
    assert {one.published for one in ranks} == {session.published}
    return [one.code for one in ranks]


def test_one_list_is_published_and_the_other_remains(market: pd.DataFrame, probe: Probe, at_once: AtOnce) -> None:
    """In the first round nothing is published yet, in every other one a list is there to be replaced."""
    rising = risers(market, market["date"].max())
    wanted = {1.0: rising, 10.0: rising[:2]}
    assert len(rising) > 2
    for n in range(1, ROUNDS + 1):
        scans = at_once(ALL, BEST) if n % 2 else at_once(BEST, ALL)
        assert not [one.error for one in scans if one.error]
        standing = ScanSession.objects.get(published=True)
        assert standing.run_id in {one.run for one in scans}
        kept = list(ScanSession.objects.select_related("run").order_by("pk"))
        # A list that stood already when its turn came was unchanged, and nothing was written.
        assert [one.run_id for one in kept] == list(
            ScanRun.objects.exclude(status=Status.UNCHANGED).order_by("pk").values_list("pk", flat=True)
        )
        assert n + 1 <= len(kept) <= 2 * n
        for one in kept:
            assert codes(one) == wanted[one.run.params["scale"]]
            assert one.run.status == Status.PUBLISHED


def test_the_same_list_is_published_once(market: pd.DataFrame, probe: Probe, at_once: AtOnce) -> None:
    scans = at_once(ALL, ALL, ALL)
    assert sorted(one.unchanged for one in scans) == [False, True, True]
    session = ScanSession.objects.get()
    assert {one.run for one in scans} == {session.run_id}
    assert codes(session) == risers(market, session.date)
