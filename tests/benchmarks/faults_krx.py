"""What faults of the exchange's Open API do to a collection: the command as a person runs it, against the imitation."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from exchange_calendars import get_calendar

from marketdata.sources.krx.client import PUBLISHED
from tests.benchmarks.fault_runs import spoiled_and_clean
from tests.benchmarks.installations import Bench, Installation
from tests.benchmarks.report import Line, Table
from tests.exchanges.krx_open_api import KEY, KrxOpenApi, daily_row, recorded_days
from tests.exchanges.row_faults import ROW_FAULTS

SESSIONS = 3
RATE = 0.5
BURSTS = (("reset", 12), ("busy", 12), ("limited", 12), ("html", 12), ("truncated", 12), ("error", 12))
COLUMNS = "date, stock_code, open, high, low, close, volume, amount, base_price"

Days = dict[date, dict[str, list[dict[str, str]]]]
Prepare = Callable[[KrxOpenApi], None]


def tables(bench: Bench) -> Iterator[Table]:
    """Rows and whole answers that are wrong, bursts, a server that goes."""
    days = _redated(dict(sorted(recorded_days().items())[:SESSIONS]) or _generated_days())
    rows = sum(len(segment) for segments in days.values() for segment in segments.values())
    yield Table(
        "faults",
        f"{len(days)} sessions of KRX, {rows:,} rows; then again without faults until nothing is requested",
        "manage.py collect_prices --market kr --source krx",
        [_faulty(bench, days, text, prepare) for text, prepare in scenarios()],
    )


def scenarios() -> list[tuple[str, Prepare]]:
    return [
        *(
            (f"{RATE:.0%} of answers: {kind}", _rate(kind))
            for kind in (*ROW_FAULTS, "other day", "columns", "redirect")
        ),
        *((f"{number} x {kind} in a row", _burst(kind, number)) for kind, number in BURSTS),
        ("2 bodies of 80 MB", _burst("huge", 2)),
        ("gone for 16 s", lambda exchange: exchange.die(16.0, after=3)),
    ]


def _rate(kind: str) -> Prepare:
    return lambda exchange: exchange.faults.rates.update({kind: RATE})


def _burst(kind: str, number: int) -> Prepare:
    return lambda exchange: exchange.faults.burst(kind, number)


def _faulty(bench: Bench, days: Days, text: str, prepare: Prepare) -> Line:
    installation = bench.fresh("faults-krx")
    command = ("collect_prices", "--market", "kr", "--source", "krx", "--since", str(min(days)))
    with KrxOpenApi(days) as exchange:
        settings = {"KRX_API_KEY": KEY, "KRX_HOST": exchange.url, "KRX_PER_SECOND": "1000", "KRX_CALLS_A_DAY": "100000"}
        prepare(exchange)
        return spoiled_and_clean(text, installation, exchange, settings, command, lambda: _compare(installation, days))


def _compare(installation: Installation, days: Days) -> tuple[int, int]:
    """Recorded values that are not as served, and served bars that are not recorded whole."""
    served = {_bar(row) for segments in days.values() for rows in segments.values() for row in rows}
    with sqlite3.connect(installation.folder / "seismo.sqlite3") as db:
        rows = set(db.execute(f"SELECT {COLUMNS} FROM marketdata_stockprice WHERE market = 'kr'"))  # noqa: S608
    by_key = {bar[:2]: bar for bar in served}
    wrong = sum(
        any(value is not None and value != other for value, other in zip(row, by_key.get(row[:2], ()), strict=False))
        or row[:2] not in by_key
        for row in rows
    )
    return wrong, len(served - rows)


def _bar(row: dict[str, str]) -> tuple[str | float | None, ...]:
    day, close, volume = row["BAS_DD"], float(row["TDD_CLSPRC"]), float(row["ACC_TRDVOL"])
    prices = (float(row[name]) for name in ("TDD_OPNPRC", "TDD_HGPRC", "TDD_LWPRC"))
    base, amount = close - float(row["CMPPREVDD_PRC"]), float(row["ACC_TRDVAL"])
    values = (*prices, close, volume, amount, base)
    return (f"{day[:4]}-{day[4:6]}-{day[6:]}", row["ISU_CD"], *values)


def _redated(days: Days) -> Days:
    """The same rows as those of the last published sessions, after which nothing else is requested."""
    business = datetime.now(ZoneInfo("Asia/Seoul")) - timedelta(hours=PUBLISHED.hour, minutes=PUBLISHED.minute)
    end = business.date()
    # The last of these is published on the business day after it.
    last = get_calendar("XKRX", start=end - timedelta(days=60), end=end).sessions.date[-len(days) - 1 : -1]
    return {
        session: {
            segment: [{**row, "BAS_DD": f"{session:%Y%m%d}"} for row in rows] for segment, rows in segments.items()
        }
        for session, segments in zip(last, days.values(), strict=True)
    }


def _generated_days() -> Days:
    draw, days = random.Random(1), Days()
    sessions = get_calendar("XKRX", start="2026-01-02", end="2026-08-21").sessions.date[:SESSIONS]
    closes = {f"{number:05d}0": 10_000 + 10 * number for number in range(1, 2_001)}
    for session in sessions:
        rows: dict[str, list[dict[str, str]]] = {"KOSPI": [], "KOSDAQ": []}
        for number, (code, before) in enumerate(closes.items()):
            close = before + draw.randint(-90, 90)
            prices = (before, max(before, close) + 40, min(before, close) - 40)
            segment = "KOSPI" if number < 750 else "KOSDAQ"
            row = daily_row(session, code, close=close, change=close - before, prices=prices, market=segment)
            rows[segment].append(row)
            closes[code] = close
        days[session] = rows
    return days
