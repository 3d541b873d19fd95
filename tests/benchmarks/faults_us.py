"""What faults of KIS' US side do to a collection: the commands as a person runs them, against the imitation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date

from exchange_calendars import get_calendar

from tests.benchmarks import us_collection
from tests.benchmarks.fault_runs import run_command, spoiled_and_clean
from tests.benchmarks.installations import Bench
from tests.benchmarks.report import Line, Table
from tests.benchmarks.us_collection import Market
from tests.exchanges.kis_overseas import KisOverseasExchange, UsInstrument
from tests.exchanges.row_faults import ROW_FAULTS
from tests.exchanges.us_market import generated_bars, split

INSTRUMENTS = 12
SESSIONS = 250
RATE = 0.15
BURSTS = (("reset", 12), ("transient", 20), ("crowded", 30), ("busy", 20), ("html", 12), ("truncated", 12))

Prepare = Callable[[KisOverseasExchange], None]


def tables(bench: Bench) -> Iterator[Table]:
    """Rows and whole answers that are wrong, bursts, a server that goes."""
    lines = [_faulty(bench, text, prepare) for text, prepare in scenarios()]
    title = f"{INSTRUMENTS} US shares x {SESSIONS} sessions, one split; then again without faults"
    yield Table("faults", title, "manage.py collect_prices --market us", lines)


def scenarios() -> list[tuple[str, Prepare]]:
    return [
        *((f"{RATE:.0%} of answers: {kind}", _rate(kind)) for kind in (*ROW_FAULTS, "short", "other", "redirect")),
        *((f"{number} x {kind} in a row", _burst(kind, number)) for kind, number in BURSTS),
        ("2 bodies of 80 MB", _burst("huge", 2)),
        ("gone for 16 s", lambda exchange: exchange.die(16.0, after=20)),
    ]


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
        return spoiled_and_clean(
            text, installation, exchange, settings, command, lambda: us_collection.compare(installation, market)
        )
