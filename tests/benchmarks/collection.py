"""collect: daily bars from the imitation of KIS, at the limit that the real one enforces.

Every call has to wait its turn, so what counts is how few calls are made and how near the limit they come. The
imitation runs here and counts; the collections are processes of their own, as they are in use.
"""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date
from typing import Any

from tests.benchmarks.installations import Bench, Installation
from tests.benchmarks.measurement import child
from tests.benchmarks.report import Line, Table
from tests.exchanges.kis import KisExchange
from tests.exchanges.kis_market import Market, small_market
from tests.exchanges.krx import real_market

LIMIT = 18  # calls a second, as KIS counts them
SESSIONS = 250
INSTRUMENTS = 2_500
LATENCY = 0.03


def section(bench: Bench) -> None:
    """An evening the old way and ours, a whole market, two processes at once."""
    market = real_market(since=date(2025, 6, 1), flows=False) or small_market(INSTRUMENTS, 300)
    market = {code: one for code, one in market.items() if len(one.bars) >= SESSIONS + 1}
    market = dict(list(market.items())[:INSTRUMENTS])
    days = sorted({bar.session for one in market.values() for bar in one.bars})
    _evening(bench, dict(list(market.items())[:50]), days)
    _two(bench, dict(list(market.items())[:200]), days)
    _whole(bench, market, days)


def evening_lines(bench: Bench, market: Market, days: list[date]) -> list[Line]:
    """One session of 50 instruments: a call for each, one after the other, against the quotes of many."""
    with _exchange(market, 100_000) as exchange:
        installation = bench.fresh("evening")
        exchange.today = days[-2]
        collect(installation, exchange, "collect", days[-2], market, since=days[-30])
        exchange.today = days[-1]
        lines = []
        for what, task, calls in (
            ("one call after the other", "sequential", 50),
            ("ours", "collect", 2),
        ):
            exchange.restrict(LIMIT)
            exchange.calls.clear()
            done = collect(installation, exchange, task, days[-1], market)
            assert sum(exchange.calls.values()) <= calls + 1
            lines.append(Line(what, [done["seconds"]], note=f"{sum(exchange.calls.values())} calls"))
        return lines


def _evening(bench: Bench, market: Market, days: list[date]) -> None:
    """The same, and how many calls an evening takes."""
    lines = evening_lines(bench, market, days)
    share = 1 - lines[1].median / lines[0].median
    with _exchange(market, 100_000) as exchange:
        plans = _plans(bench.fresh("plans"), exchange, days)
    bench.report.table(
        Table(
            "collect",
            f"one session of {len(market)} instruments at {LIMIT} calls a second, {LATENCY * 1000:.0f} ms an answer",
            "manage.py collect_prices",
            lines,
            [f"{share:.0%} less time", *plans],
        )
    )


def _plans(installation: Installation, exchange: KisExchange, days: list[date]) -> list[str]:
    """What an evening of 2,500 instruments is planned to cost, averaged over the sessions of a check."""
    done = collect(installation, exchange, "plans", days[-1], {}, instruments=INSTRUMENTS, days=days[-22:])
    return [
        f"an evening of {INSTRUMENTS:,} instruments: {INSTRUMENTS:,} calls the old way, {done['quotes']} in quotes "
        f"and {done['checks']:.0f} (on average) that check recorded bars"
    ]


def _two(bench: Bench, market: Market, days: list[date]) -> None:
    """Two processes at once, each with half of the instruments, under one limit."""
    since = days[-SESSIONS]
    with _exchange(market, LIMIT) as exchange:
        installation = bench.fresh("two")
        codes = list(market)
        halves = [codes[:100], codes[100:]]
        with ThreadPoolExecutor(2) as pool:
            done = list(
                pool.map(
                    lambda half: collect(
                        installation,
                        exchange,
                        "collect",
                        days[-1],
                        {c: market[c] for c in half},
                        since=since,
                    ),
                    halves,
                )
            )
        refused, calls = sum(exchange.refused.values()), sum(exchange.calls.values())
    seconds = max(one["seconds"] for one in done)
    bench.report.table(
        Table(
            "collect",
            f"two processes at once, {len(market)} instruments x {SESSIONS} sessions at {LIMIT} calls a second",
            "manage.py collect_prices, twice",
            [Line("both", [seconds], note=_pace(done, calls, refused))],
            [_compared(installation, market, since, days[-1])],
        )
    )


def _whole(bench: Bench, market: Market, days: list[date]) -> None:
    """A whole market's history."""
    since = days[-SESSIONS]
    with _exchange(market, LIMIT) as exchange:
        installation = bench.fresh("whole")
        done = collect(installation, exchange, "collect", days[-1], market, since=since)
        refused, calls = sum(exchange.refused.values()), sum(exchange.calls.values())
    bench.report.table(
        Table(
            "collect",
            f"{len(market):,} instruments x {SESSIONS} sessions at {LIMIT} calls a second",
            f"manage.py collect_prices --since {since}",
            [
                Line(
                    "all",
                    [done["seconds"]],
                    peak_mb=done["peak_mb"],
                    note=_pace([done], calls, refused),
                )
            ],
            [_compared(installation, market, since, days[-1])],
        )
    )


def _pace(done: list[dict[str, Any]], calls: int, refused: int) -> str:
    """What collections at the same time took, against what the limit allows."""
    seconds, allowed = max(one["seconds"] for one in done), (calls - refused) / LIMIT
    return (
        f"{calls:,} calls, {refused} refused, {seconds / allowed - 1:+.1%} of the time the limit allows, "
        f"CPU {sum(one['cpu'] for one in done):.0f} s"
    )


def _compared(installation: Installation, market: Market, since: date, until: date) -> str:
    """Whether the record holds the served bars and nothing else."""
    served = {
        (code, str(b.session), b.open, b.high, b.low, b.close, b.volume, b.close * b.volume, b.base)
        for code, one in market.items()
        for b in one.bars
        if since <= b.session <= until
    }
    with sqlite3.connect(installation.folder / "seismo.sqlite3") as db:
        rows = db.execute(
            "SELECT stock_code, date, open, high, low, close, volume, amount, base_price FROM marketdata_stockprice"
        ).fetchall()
    same = len(rows) == len(served) and set(rows) == served
    return f"{len(rows):,} bars recorded, {'all as served, none twice' if same else 'NOT WHAT WAS SERVED'}"


@contextmanager
def _exchange(market: Market, limit: int) -> Iterator[KisExchange]:
    with KisExchange(market, per_second=limit, latency=LATENCY, token_every=0.0) as exchange:
        yield exchange


def collect(
    installation: Installation, exchange: KisExchange, task: str, day: date, market: Market, **options: Any
) -> dict[str, Any]:
    """What `tests.benchmarks.task_process` answers to a collection on the evening of `day`."""
    values = {"day": day, "codes": list(market), **options}
    settings = {
        "KIS_APP_KEY": exchange.keys[0],
        "KIS_APP_SECRET": exchange.keys[1],
        "KIS_HOST": exchange.url,
        "KIS_PER_SECOND": str(min(exchange.limit.number, 1000)),
        "KIS_TOKEN_SECONDS": "0.01",
    }
    command = [
        sys.executable,
        "-m",
        "tests.benchmarks.task_process",
        task,
        json.dumps(values, default=str),
    ]
    done = child(command, {**installation.env, **settings})
    result: dict[str, Any] = json.loads(done.output.splitlines()[-1])
    return result | {"peak_mb": done.peak_mb, "cpu": done.cpu}
