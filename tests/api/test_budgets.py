"""How many queries each endpoint makes, whatever the size of the page."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from scans.operations import signals
from tests.scans.conftest import AS_OF

SESSION_AND_USER = 2
ONE_STOCK = "/api/kr/stocks/005930"
BUDGETS = {
    "/api/kr/scans/latest": 5,
    "/api/kr/scans/{day}": 5,
    "/api/kr/scans": 2,
    "/api/kr/scans/dates": 3,
    "/api/kr/scans/changes": 4,
    "/api/kr/scans/compare?versions=rises,rises-10": 5,
    "/api/kr/stocks": 2,
    ONE_STOCK: 4,
    "/api/kr/stocks/005930/scans": 4,
    "/api/kr/stocks/005930/chart": 8,
    "/api/kr/stocks/005930/explain": 7,
    "/api/kr/signals": 2,
    "/api/kr/active-version": 2,
    "/api/kr/evaluation?versions=rises,rises-10": 7,
    "/api/kr/analysis/005930": 13,
    "/api/versions": 3,
    "/api/versions/rises": 3,
}
WHOLE = (
    "/api/kr/active-version",
    "/api/versions",
    "/api/kr/scans/changes",
    "/api/kr/scans/compare",
    "/api/kr/stocks/005930/chart",
    "/api/kr/stocks/005930/explain",
    "/api/kr/evaluation",
    "/api/kr/analysis",
)
"""Without pages."""


@pytest.mark.parametrize("path", BUDGETS)
def test_the_queries_of_an_endpoint(
    scanned: Any,
    client: Client,
    user: Any,
    sessions: Any,
    django_assert_num_queries: Any,
    path: str,
) -> None:
    signals.update(market="kr", versions=["rises"], as_of=AS_OF)
    client.force_login(user)
    address = path.format(day=sessions[30])
    client.get(address)  # the calendar is read from its file once
    whole = path.startswith(WHOLE) or path == ONE_STOCK
    sizes = [""] if whole else ["", "limit=1", "limit=500"]
    for size in sizes:
        with django_assert_num_queries(BUDGETS[path] + SESSION_AND_USER):
            found = client.get(f"{address}?{size}" if size else address)
        assert found.status_code == 200
