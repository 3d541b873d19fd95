"""database: the reads and the collection that an older plan measured, with its figures beside ours.

1. A PostgreSQL of its own gets 4,000,000 rows in the table of bars, with the product's indexes.
2. The window of one stock (250 sessions) is read as a chart reads it: by a scan of the whole table, and by the index.
3. The same answer through the cache on Redis: computed and stored, then from the cache.
4. One session of 50 instruments from the imitation of KIS: a call for each one after the other, and in batches.
"""

from __future__ import annotations

import time

import psycopg

from tests.benchmarks import collection
from tests.benchmarks.installations import Bench, Installation
from tests.benchmarks.report import Line, Table
from tests.exchanges.kis_market import small_market
from tests.servers import Servers

INSTRUMENTS, SESSIONS, WINDOW = 2_000, 2_000, 250
TABLE = "marketdata_stockprice"
FIRST = "date '2018-01-01'"
ROWS = """
INSERT INTO marketdata_stockprice
    (market, stock_code, date, source, open, high, low, close, volume, amount, created_at, updated_at)
SELECT 'kr', to_char(code, 'FM000000'), {first} + day, 'demo', 1000 + code % 7, 1010, 990,
    1000 + (code::bigint * day) % 13, 100 + day, 100000 + day, now(), now()
FROM generate_series(0, {sessions} - 1) AS day, generate_series(1, {instruments}) AS code
"""
"""By day and then by code, as evenings append them."""
CODE, RUNS = "001234", 5
STATEMENT = f"""
SELECT date, source, open, high, low, close, volume FROM marketdata_stockprice
WHERE market = 'kr' AND stock_code = '{CODE}' AND date >= {FIRST} + {SESSIONS - WINDOW} ORDER BY date, source
"""  # noqa: S608
CLAIMS = {"collection": (52.3, 12.1), "read": (8.5, 0.2), "cache": (0.485, 0.008)}
"""Seconds before and after, as the older plan has them."""


def section(bench: Bench) -> None:
    """The three comparisons, and one summary."""
    servers = Servers()
    try:
        database, cache = servers.postgres(), servers.redis()
        bench.report.tell(f"writing {INSTRUMENTS * SESSIONS:,} bars ...")
        seconds = {"read": _reads(bench, database)}
        installation = Installation(bench.folder / "rows", database, cache)
        done = installation.run_task("cached_history", market="kr", code=CODE, runs=RUNS)
        seconds["cache"] = done["misses"], done["hits"]
    finally:
        servers.stop()
    market = small_market(50, 300)
    days = sorted({bar.session for one in market.values() for bar in one.bars})
    lines = collection.evening_lines(bench, market, days)
    seconds["collection"] = list(lines[0].seconds), list(lines[1].seconds)
    bench.report.table(_table(seconds))


def _reads(bench: Bench, database: str) -> tuple[list[float], list[float]]:
    """Seconds of the window by a scan of the whole table and by the index, in turns."""
    bench.fresh("rows", database)
    with psycopg.connect(database, autocommit=True) as connection:
        write_bars(connection, instruments=INSTRUMENTS, sessions=SESSIONS, first=FIRST)
        scans: list[float] = []
        indexed: list[float] = []
        for _ in range(bench.runs(RUNS)):
            for is_indexed, times in ((False, scans), (True, indexed)):
                for name in ("enable_indexscan", "enable_bitmapscan", "enable_indexonlyscan"):
                    connection.execute(f"SET {name} = {'on' if is_indexed else 'off'}")
                began = time.perf_counter()
                rows = connection.execute(STATEMENT, prepare=False).fetchall()  # planned each time
                times.append(time.perf_counter() - began)
                assert len(rows) == WINDOW
    return scans, indexed


def write_bars(
    connection: psycopg.Connection[tuple[object, ...]], *, instruments: int, sessions: int, first: str
) -> None:
    """Write the bars, and build the product's indexes over them: quicker than to keep them meanwhile."""
    connection.execute(f"ALTER TABLE {TABLE} SET UNLOGGED")
    query = "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = %s AND indexname <> %s"
    indexes = connection.execute(query, [TABLE, f"{TABLE}_pkey"]).fetchall()
    connection.execute(f"ALTER TABLE {TABLE} DROP CONSTRAINT price_key")
    for name, _ in indexes:
        connection.execute(f"DROP INDEX IF EXISTS {name}")
    connection.execute(ROWS.format(instruments=instruments, sessions=sessions, first=first))
    for _, definition in indexes:
        connection.execute(str(definition))
    connection.execute(f"VACUUM ANALYZE {TABLE}")


def _table(seconds: dict[str, tuple[list[float], list[float]]]) -> Table:
    names = {
        "collection": ("one session of 50 instruments, one call after the other", "the same in batches"),
        "read": (f"window of one stock in {INSTRUMENTS * SESSIONS:,} rows, full scan", "the same by the index"),
        "cache": ("answer of one stock, computed and stored", "the same from the cache"),
    }
    lines, summary = [], []
    for key, texts in names.items():
        pair = [Line(text, times) for text, times in zip(texts, seconds[key], strict=True)]
        before, after = CLAIMS[key]
        ours = pair[0].median / pair[1].median
        pair[0].note, pair[1].note = f"  plan {before:g} s", f"  plan {after:g} s"
        pair[1].note += f", {before / after:.1f} times as quick; ours {ours:.1f} times"
        lines.extend(pair)
        summary.append(f"{key} {ours:.1f} x (plan {before / after:.1f} x)")
    return Table(
        "database",
        "the older plan's figures, and ours",
        "PostgreSQL, Redis, imitation of KIS",
        lines,
        [
            "in batches: with the plan, the record and its checks; one after the other records nothing",
            ", ".join(summary),
        ],
    )
