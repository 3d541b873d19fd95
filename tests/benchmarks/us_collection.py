"""us: two years of 500 US shares from the imitation of KIS, bar by bar those of the file, and scans as from the file.

A share is split in between and one is a class share, which the recorded file has not. Where the file is missing, the
shares are made up.
"""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from exchange_calendars import get_calendar

from tests.benchmarks.installations import Bench, Installation
from tests.benchmarks.measurement import Child, child
from tests.benchmarks.report import Line, Table
from tests.exchanges.kis import KisExchange
from tests.exchanges.kis_overseas import KisOverseasExchange, UsInstrument
from tests.exchanges.us_market import generated_bars, real_market, split

INSTRUMENTS = 500
SESSIONS = 503
VERSIONS = ("v1", "v2", "v3", "seismograph", "vcp")
CLASS_SHARE = "BRK/B"
COLUMNS = "stock_code, date, open, high, low, close, volume"
RESULTS = (
    "SELECT v.slug, s.result_digest, s.ranked FROM scans_scansession s JOIN scans_scannerversion v "
    "ON v.id = s.scanner_version_id WHERE s.market = ? AND s.published ORDER BY 1"
)

Market = dict[str, UsInstrument]


def section(bench: Bench) -> None:
    """Collect, compare, scan both."""
    market = us_market(INSTRUMENTS)
    installation = bench.fresh("us")
    days = [bar.session for bar in next(iter(market.values())).bars]
    file = _adjusted_file(market, installation.folder / "prices.parquet")
    symbols = sorted(market)
    split(market[symbols[7]], days[250], 0.2)
    split(market[CLASS_SHARE], days[100], 0.02)
    with us_exchange(market) as exchange:
        manage(installation, exchange, "sync_instruments", "--market", "us")
        before = sum(exchange.calls.values())
        collected = manage(installation, exchange, "collect_prices", "--market", "us", "--since", str(days[0]))
        made = sum(exchange.calls.values()) - before
    wrong, missing = compare(installation, market)
    installation.manage("import_prices", str(file), "--market", "us-file")
    versions = [text for version in VERSIONS for text in ("--version", version)]
    answers = []
    for name in ("us", "us-file"):
        installation.manage("run_scan", "--market", name, "--date", str(days[-1]), *versions)
        answers.append(_results(installation, name))
    equal = sum(one == other for one, other in zip(*answers, strict=True))
    note = f"{made} calls made; {wrong} wrong bars, {missing} missing of {len(market) * len(days):,}"
    ranks = f"{equal} of {len(answers[0])} versions with equal digests, {sum(row[2] for row in answers[0])} ranks"
    bench.report.table(
        Table(
            "us",
            f"{len(market)} shares x {len(days)} sessions, two of them split",
            "manage.py collect_prices --market us; run_scan of both",
            [Line("collection", [collected.seconds], peak_mb=collected.peak_mb, note=note), Line("scan", note=ranks)],
        )
    )


def us_market(size: int) -> Market:
    """The recorded shares, or made-up ones, and a class share."""
    market = real_market(size - 1)
    days: list[date] = [bar.session for bar in next(iter(market.values())).bars] if market else []
    days = days or list(get_calendar("XNYS", start="2023-01-02", end="2026-08-21").sessions.date[-SESSIONS:])
    for number in range(0 if market else size - 1):
        symbol = "S" + "".join(chr(65 + number // 26**place % 26) for place in (2, 1, 0))
        market[symbol] = UsInstrument("NAS", f"{symbol} Inc.", generated_bars(days, number))
    market[CLASS_SHARE] = UsInstrument("NYS", "Berkshire Hathaway", generated_bars(days, 1, 300.0))
    return market


def us_exchange(market: Market) -> KisOverseasExchange:
    return KisOverseasExchange(market, per_second=100_000, token_every=0.0)


def settings(exchange: KisExchange) -> Mapping[str, str]:
    """The environment of an installation that collects from `exchange`."""
    return {
        "KIS_APP_KEY": exchange.keys[0],
        "KIS_APP_SECRET": exchange.keys[1],
        "KIS_HOST": exchange.url,
        "KIS_MASTER_HOST": f"{exchange.url}/common/master",
        "KIS_PER_SECOND": "1000",
        "KIS_TOKEN_SECONDS": "0.01",
    }


def manage(installation: Installation, exchange: KisExchange, *arguments: str) -> Child:
    """`manage.py ...` over `exchange`."""
    return child([sys.executable, "manage.py", *arguments], {**installation.env, **settings(exchange)})


def compare(installation: Installation, market: Market) -> tuple[int, int]:
    """Recorded bars that are not as served, and served ones that are not recorded."""
    served = {
        (symbol.replace("/", "."), str(bar.session), *bar[1:6]) for symbol, each in market.items() for bar in each.bars
    }
    with sqlite3.connect(installation.folder / "seismo.sqlite3") as db:
        rows = set(db.execute(f"SELECT {COLUMNS} FROM marketdata_stockprice WHERE market = 'us'"))  # noqa: S608
    return len(rows - served), len(served - rows)


def _results(installation: Installation, market: str) -> list[tuple[str, str, int]]:
    with sqlite3.connect(installation.folder / "seismo.sqlite3") as db:
        return list(db.execute(RESULTS, (market,)))


def _adjusted_file(market: Market, path: Path) -> Path:
    """The prices before any split is undone."""
    rows = [(symbol.replace("/", "."), *bar[:6]) for symbol, each in market.items() for bar in each.bars]
    names = ("code", "date", "open", "high", "low", "close", "volume")
    columns = map(list, zip(*rows, strict=True))
    pq.write_table(pa.table(dict(zip(names, columns, strict=True))), path)
    return path
