"""What faults of KIS' US side do to a collection: the commands as a person runs them, against the imitation."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import date
from typing import NamedTuple

from exchange_calendars import get_calendar

from tests.benchmarks import us_collection
from tests.benchmarks.installations import Bench, Installation
from tests.benchmarks.measurement import ROOT
from tests.benchmarks.report import Line, Table
from tests.benchmarks.us_collection import Market
from tests.exchanges.kis_overseas import KisOverseasExchange, UsInstrument
from tests.exchanges.row_faults import ROW_FAULTS
from tests.exchanges.server import Exchange
from tests.exchanges.us_market import generated_bars, split

INSTRUMENTS = 12
SESSIONS = 250
RATE = 0.15
BURSTS = (("reset", 12), ("transient", 20), ("crowded", 30), ("busy", 20), ("html", 12), ("truncated", 12))
CALLS = re.compile(r"rejected; ([0-9,]+) calls")

Prepare = Callable[[KisOverseasExchange], None]


class Run(NamedTuple):
    """How a command ended: its exit status, seconds, the calls it reports, the calls that came, its last line."""

    status: int
    seconds: float
    reported: int
    made: int
    text: str


def tables(bench: Bench) -> Iterator[Table]:
    """Rows and whole answers that are wrong, bursts, a server that goes, damaged lists."""
    prepared: list[tuple[str, Prepare]] = [
        *((f"{RATE:.0%} of answers: {kind}", _rate(kind)) for kind in (*ROW_FAULTS, "short", "other", "redirect")),
        *((f"{number} x {kind} in a row", _burst(kind, number)) for kind, number in BURSTS),
        ("2 bodies of 80 MB", _burst("huge", 2)),
        ("gone for 16 s", lambda exchange: exchange.die(16.0, after=20)),
    ]
    lines = [_faulty(bench, text, prepare) for text, prepare in prepared]
    title = f"{INSTRUMENTS} US shares x {SESSIONS} sessions, one split; then again without faults"
    yield Table("faults", title, "manage.py collect_prices --market us", lines)


def _rate(kind: str) -> Prepare:
    def prepare(exchange: KisOverseasExchange) -> None:
        exchange.faults.only = "dailyprice"
        exchange.faults.rates[kind] = RATE

    return prepare


def _burst(kind: str, number: int) -> Prepare:
    def prepare(exchange: KisOverseasExchange) -> None:
        exchange.faults.only = "dailyprice"
        exchange.faults.burst(kind, number)

    return prepare


def run_command(installation: Installation, exchange: Exchange, settings: dict[str, str], *arguments: str) -> Run:
    """`manage.py ...` to its end, with whatever status."""
    before, began = sum(exchange.calls.values()), time.perf_counter()
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={**installation.env, **settings},
        capture_output=True,
        text=True,
        check=False,
    )
    calls = CALLS.search(done.stdout)
    return Run(
        done.returncode,
        time.perf_counter() - began,
        int(calls[1].replace(",", "")) if calls else 0,
        sum(exchange.calls.values()) - before,
        (done.stderr.strip().splitlines() or [""])[-1],
    )


def _market() -> Market:
    days: list[date] = list(get_calendar("XNYS", start="2025-01-02", end="2026-08-21").sessions.date[-SESSIONS:])
    symbols = [f"S{chr(65 + number // 26)}{chr(65 + number % 26)}" for number in range(INSTRUMENTS - 1)]
    market = {
        symbol: UsInstrument(("NAS", "NYS", "AMS")[number % 3], f"{symbol} Inc.", generated_bars(days, number))
        for number, symbol in enumerate((*symbols, us_collection.CLASS_SHARE))
    }
    split(market[symbols[5]], days[120], 0.25)
    return market


def _faulty(bench: Bench, text: str, prepare: Prepare) -> Line:
    installation, market = bench.fresh("faults-us"), _market()
    first_session = str(next(iter(market.values())).bars[0].session)
    with us_collection.us_exchange(market) as exchange:
        settings = dict(us_collection.settings(exchange))
        lists = ("sync_instruments", "--market", "us")
        run_command(installation, exchange, settings, *lists)
        prepare(exchange)
        command = ("collect_prices", "--market", "us", "--since", first_session)
        first = run_command(installation, exchange, settings, *command)
        wrong, lacking = us_collection.compare(installation, market)
        exchange.faults.rates.clear()
        again = run_command(installation, exchange, settings, *command)
        more_wrong, missing = us_collection.compare(installation, market)
    return Line(
        text,
        [first.seconds],
        note=(
            f"status {first.status}, {first.reported} calls reported and {first.made} made, {wrong} wrong bars, "
            f"{lacking} lacking; clean rerun: status {again.status}, {again.reported} reported and {again.made} made, "
            f"{more_wrong} wrong, {missing} missing"
        ),
    )
