"""A collection of daily bars by a task group: each part once, that of a killed worker again, one report."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from marketdata.operations.collect import CollectionOptions, CollectionReport, group
from marketdata.operations.record.corrections import Counts
from marketdata.operations.tasks.groups import GroupMember
from tests.exchanges.kis import KisExchange
from tests.marketdata.operations.collect.kis_installation import install, listed
from tests.seismo_site.running import killed_in_shell, manage, managed, run_in_shell
from tests.servers import postgres_and_redis

PARTS, LISTED, PAGES = 3, 12, 3
DIE = """
import os, signal
from marketdata.models import TaskRecord
from marketdata.operations.collect import prices
from marketdata.operations.tasks import attempts
from scans import tasks
prices.BATCH_ANSWERS = 2
record, batches = prices._PlanExecution._record, []
def die(self, *arguments):  # after the first batch of the second part
    counts = record(self, *arguments)
    batches.append(self._plan.options.part)
    if batches.count(1):
        os.kill(os.getpid(), signal.SIGKILL)
    return counts
prices._PlanExecution._record = die
row = TaskRecord.objects.get(kind="collection")
assert attempts.claim(row)
attempts.attempt(row, lambda: tasks.collect.__wrapped__(**row.kwargs))
"""
STATE = """
import json
from marketdata.models import StockPrice, TaskRecord
bars = StockPrice.objects.order_by("stock_code", "date")
print(json.dumps(dict(
    members=list(TaskRecord.objects.filter(kind="collection part").order_by("place").values_list("status", "attempts")),
    result=TaskRecord.objects.get(kind="collection").result,
    bars=[(bar.stock_code, str(bar.date), bar.close) for bar in bars],
)))
"""


def result(**values: Any) -> dict[str, Any]:
    """A member's result, as a worker writes and the parent reads it."""
    written: dict[str, Any] = json.loads(json.dumps(group._report_json(CollectionReport(**values))))
    return written


def test_each_instrument_is_in_one_part() -> None:
    codes = [f"{number:05d}0" for number in range(2_500)]
    parts = [CollectionOptions(parts=4, part=part) for part in range(4)]
    assert all(sum(part.has(code) for part in parts) == 1 for code in codes)
    assert all(500 < sum(part.has(code) for code in codes) < 750 for part in parts)
    assert all(CollectionOptions().has(code) for code in codes)


def test_options_come_back_from_a_task() -> None:
    options = CollectionOptions(codes=("000010",), since=date(2024, 1, 2), check_every=0, refetch=True, parts=4, part=3)
    assert group.options_of(json.loads(json.dumps(group.options_json(options)))) == options


def test_the_join_is_one_report_and_names_what_was_given_up() -> None:
    one = result(
        counts=Counts(5, 1, 2), calls=3, planned=3, failures={"000020": "refused"}, rejected={"no price": 1}, settled=1
    )
    other = result(
        counts=Counts(1, 0, 4),
        calls=2,
        planned=1,
        refused="Not yet.",
        rejected={"no price": 2, "a copy": 1},
        absent=(("000030", date(2024, 1, 2)),),
        reject_file=Path("rows.csv"),
        notices=("A day.",),
    )
    members = [GroupMember({}, one, ""), GroupMember({}, None, "its worker was lost"), GroupMember({}, other, "")]
    assert group._join(members) == CollectionReport(
        counts=Counts(6, 1, 6),
        calls=5,
        planned=4,
        failures={"000020": "refused"},
        stopped="Part 2 of 3 was given up: its worker was lost",
        refused="Not yet.",
        settled=1,
        absent=(("000030", date(2024, 1, 2)),),
        rejected={"a copy": 1, "no price": 3},
        reject_file=Path("rows.csv"),
        notices=("A day.",),
    )


@pytest.fixture(scope="module")
def exchange() -> Iterator[KisExchange]:
    with KisExchange(listed(LISTED), per_second=100_000, token_every=0.0) as running:
        yield running


def killed(exchange: KisExchange, folder: Path, **servers: str) -> None:
    data, env, first = install(exchange, folder, **servers)
    served = [[code, str(bar.session), bar.close] for code, one in exchange.market.items() for bar in one.bars]

    printed = managed(data, "collect_prices", "--since", str(first), "--tasks", str(PARTS), **env)
    assert re.match(rf"Queued as task \w+ in {PARTS} parts: ", printed)
    exchange.calls.clear()
    killed_in_shell(data, DIE, **env)
    left = json.loads(run_in_shell(data, STATE, **env))
    assert left["members"] == [["done", 1], ["running", 1], ["waiting", 0]]
    sizes = [sum(CollectionOptions(parts=PARTS, part=part).has(code) for code in exchange.market) for part in (0, 1, 2)]
    assert 0 < len(left["bars"]) - 250 * sizes[0] < 250 * sizes[1]  # some of the second part
    worked = manage(data, "qcluster", "--run-once", **env)
    assert worked.returncode == 0, worked.stderr
    done = json.loads(run_in_shell(data, STATE, **env))
    assert done["members"] == [["done", 1], ["done", 2], ["done", 1]]
    assert done["bars"] == served
    assert " 0 corrected, " in done["result"]
    assert done["result"].startswith(f"kr from kis: {250 * LISTED - (len(left['bars']) - 250 * sizes[0]):,} new, ")
    calls = exchange.calls["/uapi/domestic-stock/v1/quotations/inquire-daily-itemchartprice"]
    # The two that were recorded are not requested again.
    assert PAGES * LISTED <= calls <= PAGES * (LISTED + sizes[1] - 2)


@pytest.mark.slow
def test_a_killed_part_is_done_again_and_no_other_in_the_database(exchange: KisExchange, tmp_path: Path) -> None:
    killed(exchange, tmp_path)


@pytest.mark.slow
def test_a_killed_part_is_done_again_and_no_other_with_postgresql_and_redis(
    exchange: KisExchange, tmp_path: Path
) -> None:
    with postgres_and_redis() as servers:
        killed(exchange, tmp_path, **servers)
