"""What faults of KIS do to a collection: the commands as a person runs them, against the imitation."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from tests.benchmarks.installations import Bench, Installation
from tests.benchmarks.measurement import ROOT
from tests.benchmarks.report import Line, Table
from tests.exchanges.kis import KisExchange
from tests.exchanges.kis_market import Instrument, generated_bars

INSTRUMENTS = 100
SESSIONS = 150
SPOILED = 0.15
SESSIONS_OF = (
    "import numpy as np; from marketdata.queries.market_calendar import get_sessions; days = get_sessions('kr'); "
    "print(*days[days <= np.datetime64('{last}')][-{number}:])"
)
Prepare = Callable[[KisExchange], None]


@dataclass(frozen=True, slots=True)
class Run:
    """How a command ended: its exit status, its last lines, seconds, the calls it reports, the calls that came."""

    status: int
    said: str
    seconds: float
    reported: int
    made: int


def tables(bench: Bench) -> Iterator[Table]:
    """Spoiled answers, bursts and a server that goes, two collections at once."""
    lines = [
        _faulty(bench, "15 % of answers lack values", lambda at: at.faults.rates.update(spoiled=SPOILED)),
        _faulty(bench, "12 resets in a row", lambda at: at.faults.burst("reset", 12)),
        _faulty(bench, "20 EGW00316 in a row", lambda at: at.faults.burst("transient", 20)),
        _faulty(bench, "30 OPSQ1002 in a row", lambda at: at.faults.burst("crowded", 30)),
        _faulty(bench, "gone for 16 s", lambda at: at.die(16.0, after=20)),
    ]  # fmt: skip
    title = f"{INSTRUMENTS} instruments x {SESSIONS} sessions, then again without faults"
    yield Table("faults", title, "manage.py collect_prices", lines)
    yield Table("faults", "gone for good, patience 10 s", "manage.py collect_prices", [_gone(bench)])
    yield Table("faults", "two at once for the same", "manage.py collect_prices, twice", [_two(bench)])


def _market(installation: Installation) -> tuple[dict[str, Instrument], list[date]]:
    """Made-up instruments up to the last session that can be collected now."""
    shown = installation.manage("shell", "--no-imports", "-c", SESSIONS_OF.format(last=_last(), number=SESSIONS))
    days = [date.fromisoformat(day) for day in shown.output.split()]
    return {
        f"{number:05d}0": Instrument(f"종목{number}", generated_bars(days, number))
        for number in range(1, INSTRUMENTS + 1)
    }, days


def _last() -> date:
    """The day before yesterday: its bars are settled at any hour."""
    return datetime.now(UTC).date() - timedelta(days=2)


def _exchange(market: dict[str, Instrument]) -> KisExchange:
    return KisExchange(market, per_second=100_000, token_every=0.0)


def _command(installation: Installation, exchange: KisExchange, days: list[date], **settings: str) -> Run:
    """`collect_prices` of everything since the first of `days`."""
    values = {
        "KIS_APP_KEY": exchange.keys[0],
        "KIS_APP_SECRET": exchange.keys[1],
        "KIS_HOST": exchange.url,
        "KIS_PER_SECOND": "200",
        "KIS_TOKEN_SECONDS": "0.01",
        **settings,
    }
    command = [sys.executable, "manage.py", "collect_prices", "--since", str(days[0]),
               "--codes", ",".join(exchange.market)]  # fmt: skip
    before, began = sum(exchange.calls.values()), time.perf_counter()
    done = subprocess.run(
        command, cwd=ROOT, env={**installation.env, **values}, capture_output=True, text=True, check=False
    )
    seconds = time.perf_counter() - began
    calls = re.search(r"rejected; ([0-9,]+) calls", done.stdout)
    reported = int(calls[1].replace(",", "")) if calls else -1
    result = done.stderr.strip().splitlines()
    return Run(
        done.returncode,
        result[-1] if result else "",
        seconds,
        reported,
        sum(exchange.calls.values()) - before,
    )


def _compared(installation: Installation, market: dict[str, Instrument]) -> tuple[int, int]:
    """Recorded bars that are not as served, and served ones that are not recorded whole."""
    served = {
        (code, str(b.session), b.open, b.high, b.low, b.close, b.volume, b.close * b.volume, b.base)
        for code, one in market.items()
        for b in one.bars
    }
    with sqlite3.connect(installation.folder / "seismo.sqlite3") as db:
        rows = set(
            db.execute(
                "SELECT stock_code, date, open, high, low, close, volume, amount, base_price FROM marketdata_stockprice"
            )
        )
    prices = {row[:7] for row in served}
    wrong = sum(row[:7] not in prices for row in rows)
    return wrong, len(served - rows)


def _faulty(bench: Bench, what: str, prepare: Prepare) -> Line:
    installation = bench.fresh("faults-kis")
    market, days = _market(installation)
    with _exchange(market) as exchange:
        prepare(exchange)
        first = _command(installation, exchange, days)
        wrong, lacking = _compared(installation, market)
        exchange.faults.rates.clear()
        again = _command(installation, exchange, days)
        wrong += _compared(installation, market)[0]
        missing = _compared(installation, market)[1]
    return Line(
        what,
        [first.seconds],
        note=(
            f"status {first.status}, {first.reported} calls reported and {first.made} made, {wrong} wrong bars, "
            f"{lacking} lacking; clean rerun: status {again.status}, {again.reported} reported and {again.made} "
            f"made, {missing} missing"
        ),
    )


def _gone(bench: Bench) -> Line:
    installation = bench.fresh("faults-kis")
    market, days = _market(installation)
    with _exchange(market) as exchange:
        exchange.die(float("inf"), after=20)
        done = _command(installation, exchange, days, SEISMO_SOURCE_PATIENCE="10")
    return Line("gone for good", [done.seconds], note=f"status {done.status}: {done.said}")


def _two(bench: Bench) -> Line:
    installation = bench.fresh("faults-kis")
    market, days = _market(installation)
    with _exchange(market) as exchange, ThreadPoolExecutor(2) as pool:
        runs = list(pool.map(lambda _: _command(installation, exchange, days), range(2)))
        made = sum(exchange.calls.values())
        wrong, missing = _compared(installation, market)
    needed = INSTRUMENTS * -(-SESSIONS // 100) + 1
    return Line(
        "both",
        [max(run.seconds for run in runs)],
        note=(
            f"status {' and '.join(str(run.status) for run in runs)}, {made} calls made, {needed} necessary, "
            f"{wrong} wrong bars, {missing} missing"
        ),
    )
