"""The plans of the hot queries of API, pages, scans and tasks on PostgreSQL 18, the version of the tests' wheel: the
indexes by which they read the tables that grow, as query_plans.json says. A plan without any index fails.

    RECORD_QUERY_PLANS=1 pytest --backend postgres tests/api/test_query_plans.py

Tables are small here, so that sequential scans are disabled: what is read without an index has none that fits.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.utils.module_loading import import_string

from marketdata.models import StockPrice
from marketdata.operations.projection.project import project_bars
from scans.models import ScanRequest
from scans.operations import signals
from scans.operations.scan.request import RunRequest
from scans.operations.scan.run import run_scan
from tests.api.conftest import forget
from tests.api.test_budgets import READS, addresses, names
from tests.browser.visits import page_addresses
from tests.scans.conftest import AS_OF, Importer

__all__ = ["names"]

PLANS = Path(__file__).parent / "query_plans.json"
GROWING = (
    "candles_candle",
    "candles_candlechunk",
    "marketdata_barcorrection",
    "marketdata_flowcorrection",
    "marketdata_indexbar",
    "marketdata_institutionalflow",
    "marketdata_instrumentvaluation",
    "marketdata_stockprice",
    "marketdata_taskrecord",
    "scans_delivery",
    "scans_evening",
    "scans_notification",
    "scans_precloseanswer",
    "scans_preclosescan",
    "scans_scanrank",
    "scans_scanrun",
    "scans_scansession",
    "scans_signal",
)
"""Tables that grow with each session or task."""
PAGES = {"sweep": "/kr/research/rises", "candle-market": "/upbit/candles/005930?timeframe=1m"}
"""Addresses of this market for pages that the browser visits with rows of its own."""
READING = ("SELECT", "WITH", "UPDATE", "DELETE")


def scans_of(plan: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Each table that a plan reads, and the index by which it does."""
    parts = plan.get("Plans", [])
    if (table := plan.get("Relation Name")) and plan["Node Type"] != "ModifyTable":
        indexes = [part["Index Name"] for part in _below(plan) if "Index Name" in part and "Relation Name" not in part]
        yield table, plan.get("Index Name") or " + ".join(sorted(indexes)) or plan["Node Type"]
    for part in parts:
        yield from scans_of(part)


def _below(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for part in plan.get("Plans", []):
        yield part
        yield from _below(part)


def plans_of(work: Callable[[], object]) -> dict[str, list[str]]:
    """Growing table -> the indexes by which the statements of `work` read it. A statement is explained before it is
    executed, since it may name a table that the transaction drops."""
    import psycopg

    plans: defaultdict[str, set[str]] = defaultdict(set)
    statements: set[str] = set()

    def explain(sql: str, params: Any) -> None:
        if not sql.lstrip("(").startswith(READING) or "FOR NO KEY UPDATE" in sql or sql in statements:
            return
        if not any(name in sql for name in GROWING):
            return
        statements.add(sql)
        with psycopg.ClientCursor(connection.connection) as cursor:
            ((rows,),) = cursor.execute("EXPLAIN (FORMAT JSON) " + sql, params).fetchall()
        for table, index in scans_of(rows[0]["Plan"]):
            if table in GROWING:
                plans[table].add(index)

    def execute(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        explain(sql.lstrip(), params)
        return execute(sql, params, many, context)

    def copy(cursor: Any, statement: str, params: Any = None, **options: Any) -> Any:
        if statement.startswith("COPY (SELECT"):
            explain(statement.removeprefix("COPY (").rpartition(") TO STDOUT")[0], params)
        return original(cursor, statement, params, **options)

    with connection.execute_wrapper(execute), pytest.MonkeyPatch.context() as patch:
        original = psycopg.Cursor.copy
        patch.setattr(psycopg.Cursor, "copy", copy)
        work()
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

    def visit() -> None:
        response = client.get(address)
        expected = 404 if address.endswith("/answer") else 200  # drafts are in the cache alone
        assert response.status_code == expected, (address, response.content)

    return plans_of(visit)


def page_paths(names: dict[str, str]) -> dict[str, str]:
    """The address of each page and part of a page, which `test_page_list` proves to be all."""
    paths = page_addresses(day=names["date"], code=names["code"], version="rises", text="00") | PAGES
    own = ("messages", "channel", "settings", "delete-own-data", "help", "collections")
    return {f"page {name}": path for name, path in paths.items() if name not in own}


def jobs(rows: pd.DataFrame, bring: Importer, sessions: list[date]) -> dict[str, Callable[[], object]]:
    """What reads the record besides: scans, imports, the lake, signals, tasks."""

    def scan(first: date, last: date) -> object:
        return run_scan(RunRequest(market="kr", as_of=AS_OF, versions=["rises"], first=first, last=last))

    corrected = rows[rows.date == sessions[20]].assign(volume=77)
    number = ScanRequest.objects.latest("pk").pk
    tasks: dict[str, dict[str, Any]] = {
        "range": {"number": number},
        "delivery": {"number": 404},
        "evening": {"market": "kr", "at": "15:43", "due": AS_OF.isoformat(), "collects": False},
        "settle": {"market": "kr", "at": "08:15"},
        "preclose": {"market": "kr", "at": "15:10"},
    }
    return {
        "import_prices": lambda: bring(corrected, AS_OF + timedelta(1)),
        "project_lake": lambda: project_bars("kr"),
        "run_scan": partial(scan, sessions[20], sessions[20]),
        "run_scan of a range": partial(scan, sessions[20], sessions[25]),
        "update_signals": lambda: signals.update_signals(market="kr", versions=["rises"], as_of=AS_OF),
        **{
            f"task {kind}": partial(import_string(settings.TASK_KINDS[kind].function), **arguments)
            for kind, arguments in tasks.items()
        },
    }


@pytest.mark.skipif("connection.vendor != 'postgresql'")
def test_hot_queries_keep_their_indexes(
    planner: dict[str, str], client: Client, scanned: pd.DataFrame, bring: Importer, sessions: list[date]
) -> None:
    plans = {path: plans_of_page(client, addresses(path, planner)[0]) for path in READS}
    plans |= {name: plans_of_page(client, path) for name, path in page_paths(planner).items()}
    plans |= {name: plans_of(work) for name, work in jobs(scanned, bring, sessions).items()}
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
