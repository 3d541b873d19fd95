"""The plans of the hot queries of API, pages and scans on PostgreSQL 18, the version of the tests' wheel: the indexes
by which they read the tables that grow, as query_plans.json says. A plan without any index fails.

    RECORD_QUERY_PLANS=1 pytest --backend postgres tests/api/test_query_plans.py

Tables are small here, so that sequential scans are disabled: what is read without an index has none that fits.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from marketdata.models import StockPrice
from scans.operations.scan.request import RunRequest
from scans.operations.scan.run import run_scan
from tests.api.conftest import forget
from tests.api.test_budgets import READS, addresses, names
from tests.scans.conftest import AS_OF

__all__ = ["names"]

PLANS = Path(__file__).parent / "query_plans.json"
GROWING = (
    "marketdata_stockprice",
    "marketdata_barcorrection",
    "marketdata_institutionalflow",
    "scans_scanrank",
    "scans_scanrun",
    "scans_scansession",
    "scans_signal",
)
"""Tables that grow with each session."""
PAGES = ("/kr/", "/kr/signals", "/kr/stocks/005930", "/kr/review")


def scans_of(plan: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Each table that a plan reads, and the index by which it does."""
    parts = plan.get("Plans", [])
    if table := plan.get("Relation Name"):
        indexes = [part["Index Name"] for part in _below(plan) if "Index Name" in part and "Relation Name" not in part]
        yield table, plan.get("Index Name") or " + ".join(sorted(indexes)) or plan["Node Type"]
    for part in parts:
        yield from scans_of(part)


def _below(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for part in plan.get("Plans", []):
        yield part
        yield from _below(part)


def statements_of(work: Callable[[], object]) -> list[str]:
    """The SELECT statements of `work` on growing tables, with their values."""
    import psycopg

    statements: dict[str, str] = {}

    def keep(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if (
            sql.lstrip().startswith("SELECT")
            and "FOR NO KEY UPDATE" not in sql
            and any(name in sql for name in GROWING)
        ):
            statements.setdefault(sql, psycopg.ClientCursor(connection.connection).mogrify(sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(keep):
        work()
    return list(statements.values())


def plans_of(work: Callable[[], object]) -> dict[str, list[str]]:
    """Growing table -> the indexes by which the statements of `work` read it."""
    plans: defaultdict[str, set[str]] = defaultdict(set)
    statements = statements_of(work)
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute("EXPLAIN (FORMAT JSON) " + statement.replace("%", "%%"), ())
            ((rows,),) = cursor.fetchall()
            for table, index in scans_of(rows[0]["Plan"]):
                if table in GROWING:
                    plans[table].add(index)
    return {table: sorted(indexes) for table, indexes in sorted(plans.items())}


@pytest.fixture
def planner(names: dict[str, str]) -> dict[str, str]:
    """The values of the paths; tables are analyzed, and read by an index where one fits."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        for table in GROWING:
            cursor.execute(f"ANALYZE {table}")
    return names


def plans_of_page(client: Client, address: str) -> dict[str, list[str]]:
    forget()
    return plans_of(lambda: client.get(address))


@pytest.mark.skipif("connection.vendor != 'postgresql'")
def test_hot_queries_keep_their_indexes(planner: dict[str, str], client: Client, sessions: list[date]) -> None:
    plans = {path: plans_of_page(client, addresses(path, planner)[0]) for path in READS}
    plans |= {page: plans_of_page(client, page) for page in PAGES}
    request = RunRequest(market="kr", as_of=AS_OF, versions=["rises"], first=sessions[20], last=sessions[20])
    plans["run_scan"] = plans_of(lambda: run_scan(request))
    plans = {name: tables for name, tables in plans.items() if tables}
    if "RECORD_QUERY_PLANS" in os.environ:
        PLANS.write_text(json.dumps(plans, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    golden = json.loads(PLANS.read_text(encoding="utf-8"))
    assert {name: sorted(tables) for name, tables in plans.items()} == {
        name: sorted(tables) for name, tables in golden.items()
    }
    assert not whole_tables(plans)


def whole_tables(plans: dict[str, dict[str, list[str]]]) -> list[tuple[str, str]]:
    """The tables that a plan reads without an index, with the statement's name. Which of several indexes that fit a
    small table is read by is the planner's choice from run to run."""
    return [
        (name, table)
        for name, tables in plans.items()
        for table, indexes in tables.items()
        if any(index.endswith("Scan") for index in indexes)
    ]


@pytest.mark.skipif("connection.vendor != 'postgresql'")
def test_query_without_an_index_is_noticed(planner: dict[str, str]) -> None:
    plans = {"by volume": plans_of(lambda: list(StockPrice.objects.filter(volume=1)))}
    assert whole_tables(plans) == [("by volume", "marketdata_stockprice")]


def test_no_hot_query_reads_a_growing_table_whole() -> None:
    assert not whole_tables(json.loads(PLANS.read_text(encoding="utf-8")))
