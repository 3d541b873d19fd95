"""What faults of Yahoo Finance do to a collection by yfinance: the commands as a person runs them, on an imitation.

The library is optional (requirements/yfinance.txt); without it there is no table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from importlib.util import find_spec

from exchange_calendars import get_calendar

from tests.benchmarks import us_collection
from tests.benchmarks.fault_runs import run_command, spoiled_and_clean
from tests.benchmarks.installations import Bench
from tests.benchmarks.report import Line, Table
from tests.exchanges.row_faults import ROW_FAULTS
from tests.exchanges.yahoo import YahooExchange, yahoo_market

INSTRUMENTS = 24
SESSIONS = 120
RATE = 0.3
BURSTS = (("reset", 4), ("error", 4), ("crowded", 2), ("html", 4), ("truncated", 4), ("huge", 1))

Prepare = Callable[[YahooExchange], None]


def tables(bench: Bench) -> Iterator[Table]:
    """Rows and whole answers that are wrong, bursts, a server that goes."""
    if find_spec("yfinance") is None:
        return
    lines = [_faulty(bench, text, prepare) for text, prepare in scenarios()]
    lines.append(_faulty(bench, "gone for 16 s", lambda exchange: exchange.die(16.0, after=3), per_second="1"))
    title = f"{INSTRUMENTS} US shares x {SESSIONS} sessions, one split; then again without faults"
    yield Table("faults", title, "manage.py collect_prices --market us --source yfinance", lines)


def scenarios() -> list[tuple[str, Prepare]]:
    return [
        *((f"{RATE:.0%} of answers: {kind}", _rate(kind)) for kind in (*ROW_FAULTS, "other")),
        *((f"{number} x {kind} in a row", _burst(kind, number)) for kind, number in BURSTS),
    ]


def _rate(kind: str) -> Prepare:
    return lambda exchange: exchange.faults.rates.update({kind: RATE})


def _burst(kind: str, number: int) -> Prepare:
    return lambda exchange: exchange.faults.burst(kind, number)


def _faulty(bench: Bench, text: str, prepare: Prepare, *, per_second: str = "1000") -> Line:
    installation = bench.fresh("faults-yfinance")
    days: list[date] = list(get_calendar("XNYS", start="2025-01-02", end="2026-08-21").sessions.date[-SESSIONS:])
    symbols = [f"S{chr(65 + number)}" for number in range(INSTRUMENTS - 1)]
    with YahooExchange(yahoo_market(days, *symbols, "BRK-B")) as exchange:
        codes = ",".join(symbol.replace("-", ".") for symbol in exchange.listed)
        settings = {"YFINANCE_ENABLED": "1", "YFINANCE_SYMBOLS": codes, "YFINANCE_HOST": exchange.url}
        settings["YFINANCE_PER_SECOND"] = per_second
        lists = ("sync_instruments", "--market", "us", "--source", "yfinance")
        run_command(installation, exchange, settings, *lists)
        prepare(exchange)
        command = ("collect_prices", "--market", "us", "--source", "yfinance", "--since", str(days[0]))
        market = {symbol.replace("-", "/"): instrument for symbol, instrument in exchange.listed.items()}
        return spoiled_and_clean(
            text, installation, exchange, settings, command, lambda: us_collection.compare(installation, market)
        )
