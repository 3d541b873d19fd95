"""How many queries each endpoint makes: the same whatever the size of the page, and the number that query_counts.json
says, those that say who asks among them. Where one changed for a reason, write it anew:

    RECORD_QUERY_COUNTS=1 pytest tests/api/test_budgets.py
"""

from __future__ import annotations

import json
import os
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from marketdata.candles.models import CandleSeries
from scans.operations import signals
from tests.api.conftest import forget
from tests.api.openapi import SCHEMA
from tests.people import scan_chief
from tests.scans.conftest import AS_OF
from tests.scans.preclose_quotes import scan_before_close
from tests.sweeps import make_sweep

HERE = Path(__file__).parent
COUNTS = HERE / "query_counts.json"
LIVE = "/api/{market}/quotes"
"""Its answers depend on the hour and on a source."""
READS = {path: each["get"] for path, each in SCHEMA["paths"].items() if "get" in each and path != LIVE}
TWO_VERSIONS = ("scans/compare", "evaluation", "evaluation/differences")
QUERY = {f"/api/{{market}}/{path}": "versions=rises,rises-10" for path in TWO_VERSIONS}


def counted(client: Client, address: str) -> int:
    """The queries of an answer that nothing is kept of."""
    forget()
    with CaptureQueriesContext(connection) as made:
        response = client.get(address)
    wanted = 404 if address.endswith("/answer") else 200  # drafts are kept in the cache alone
    assert response.status_code == wanted, (address, response.content)
    return len(made)


def addresses(path: str, names: dict[str, str]) -> list[str]:
    """The endpoint with pages of several sizes, and as a table, where it has them."""
    address = re.sub(r"{(\w+)}", lambda match: names[match[1]], path)
    query = [QUERY[path]] if path in QUERY else []
    parameters = {one["name"] for one in READS[path].get("parameters", [])}
    sizes = ["limit=1", "limit=500"] if "limit" in parameters else []
    return ["?".join([address, "&".join([*query, *size])]).rstrip("?") for size in ([], *([one] for one in sizes))]


@pytest.fixture
def names(scanned: Any, client: Client, sessions: list[date]) -> dict[str, str]:
    """The values of the paths; read by staff."""
    signals.update_signals(market="kr", versions=["rises"], as_of=AS_OF)
    scan_before_close(scanned, sessions[30])
    client.force_login(scan_chief())
    body = {"versions": ["rises"], "first": sessions[10], "last": sessions[11], "save": False}
    made = client.post("/api/kr/scans", body, content_type="application/json")
    assert made.status_code == 202, made.content
    client.put("/api/kr/marks/005930", {"tag": "buy"}, content_type="application/json")
    CandleSeries.objects.create(exchange="upbit", market="005930", timeframe="1m")
    make_sweep("rises")
    values = {"market": "kr", "source": "upbit", "code": "005930", "slug": "rises", "date": str(sessions[30])}
    return {**values, "number": str(made.json()["id"])}


BULK = {"{source}/candles/{code}": 4, "{source}/candles/{code}/coverage": 3}
"""Queries of the bulk reader of candles, which are Django's on PostgreSQL alone."""


def test_the_queries_of_every_endpoint(names: dict[str, str], client: Client) -> None:
    values: dict[str, int] = {}
    for path in READS:
        each = {address: counted(client, address) for address in addresses(path, names)}
        assert len(set(each.values())) == 1, each
        values[path.removeprefix("/api/")] = next(iter(each.values()))
    if "RECORD_QUERY_COUNTS" in os.environ:
        COUNTS.write_text(json.dumps(values, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    wanted = json.loads(COUNTS.read_text(encoding="utf-8"))
    if connection.vendor == "postgresql":
        wanted |= {path: wanted[path] + more for path, more in BULK.items()}
    assert values == wanted
