"""Forty sessions of a small KRX market, scanned by two versions, read over HTTP by a user with the permission."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from django.test import Client

from tests.prepared import Prepared
from tests.scans.conftest import AS_OF, bring, market, probe, sessions
from tests.scans.probe import Probe

if TYPE_CHECKING:
    from django.contrib.auth.models import User

__all__ = ["bring", "market", "probe", "sessions"]

Get = Callable[..., Any]


def forget() -> None:
    """Empty the cache, and what this process holds: it is as new."""
    from django.core.cache import cache

    from marketdata.candles import queries
    from marketdata.queries.history import INSTRUMENT_TABLES
    from marketdata.web.api.access import COUNTED_AHEAD
    from scans.api.views.scans import SCAN_ANSWERS

    cache.clear()
    COUNTED_AHEAD.clear()
    INSTRUMENT_TABLES.clear()
    SCAN_ANSWERS.clear()
    queries.shared_cache.cache_clear()


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """What throttles counted and what was kept in one test is nothing to the next."""
    forget()
    yield
    forget()


@pytest.fixture
def user(db: None) -> User:
    from django.contrib.auth.models import User

    return User.objects.create_user("reader")


@pytest.fixture
def get(client: Client, user: User) -> Get:
    """Answers to a reader: the parsed body where the status is the one expected."""
    client.force_login(user)

    def get(path: str, status: int = 200, /, **query: Any) -> Any:
        response = client.get(f"/api/{path}", query)
        assert response.status_code == status, response.content
        return response.json()

    return get


@pytest.fixture
def scanned(
    market: pd.DataFrame, probe: Probe, sessions: list[date], prepared: Prepared, data_dir: Path
) -> pd.DataFrame:
    """Versions `rises` and `rises-10` over sessions 10 to 30."""
    from scans.operations.scan.request import RunRequest
    from scans.operations.scan.run import run_scan

    probe.plan = (0.02, -0.02, 6)
    request = RunRequest(
        market="kr",
        as_of=AS_OF,
        versions=["rises", "rises-10"],
        first=sessions[10],
        last=sessions[30],
    )
    prepared.state("scanned", data_dir, lambda: run_scan(request))
    return market


def risers(rows: pd.DataFrame, day: date) -> list[str]:
    """The codes that rose on `day`, the largest rise first."""
    close = rows.pivot_table(index="date", columns="code", values="close")
    rise = (close / close.shift(1) - 1).T[day]
    return list(rise[rise > 0].sort_values(ascending=False).index)
