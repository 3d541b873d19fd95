"""record-size: the table of bars at `--rows` rows (40 million by default), whole and partitioned by year.

1. A PostgreSQL of its own gets the rows by session, `SESSIONS` of them, with the product's indexes; then a table that
   is partitioned by year gets the same.
2. What the product reads and writes, in turns on both: a chart's window, the last bar of a stock, a session, a month
   for the lake, the bars of an evening, a corrected session, and the vacuum after them.
3. After how many evenings autovacuum looks at the table by itself, and what the planner expects of a session that was
   appended since it last did.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import psycopg

from tests.benchmarks.database import TABLE, write_bars
from tests.benchmarks.installations import Bench
from tests.benchmarks.report import Line, Table
from tests.servers import Servers

ROWS, SESSIONS, RUNS = 40_000_000, 5_000, 5
FIRST, LAST = "date '2006-01-01'", f"date '2006-01-01' + {SESSIONS - 1}"
BY_YEAR, YEARS = "bars_by_year", range(2006, 2021)
CODE = "000123"
READS = {
    "chart of a stock, 250 sessions": f"stock_code = '{CODE}' AND market = 'kr' AND date > {LAST} - 250 ORDER BY date",
    "last bar of a stock": f"stock_code = '{CODE}' AND market = 'kr' ORDER BY date DESC LIMIT 1",
    "one session": f"market = 'kr' AND date = {LAST} - 700",
    "one month": f"market = 'kr' AND date >= {LAST} - 730 AND date < {LAST} - 700",
}
"""Conditions of the product's statements."""
ADVICE = (
    f"ALTER TABLE {TABLE} SET (autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 50000, "
    "autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 100000, "
    "autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 100000)"
)
Connection = psycopg.Connection[tuple[object, ...]]


def section(bench: Bench) -> None:
    """Both tables, and autovacuum."""
    instruments = max((bench.rows or ROWS) // SESSIONS, 200)
    servers = Servers()
    try:
        database = servers.postgres()
        bench.fresh("record-size", database)
        with psycopg.connect(database, autocommit=True) as connection:
            bench.report.tell(f"writing {instruments * SESSIONS:,} bars twice ...")
            connection.execute("SET maintenance_work_mem = '512MB'")
            connection.execute(f"ALTER TABLE {TABLE} SET (autovacuum_enabled = off)")
            loading = [Line("rows and indexes of one table", [_seconds(lambda: _load(connection, instruments))])]
            loading.append(Line("the same by year", [_seconds(lambda: _partition(connection))]))
            for line, name in zip(loading, (TABLE, BY_YEAR), strict=True):
                line.work, line.note = instruments * SESSIONS, _sizes(connection, name)
            bench.report.table(
                Table("record-size", f"{instruments * SESSIONS:,} bars", "INSERT, CREATE INDEX", loading)
            )
            bench.report.table(_work(connection, bench.runs(RUNS), instruments))
            bench.report.table(_autovacuum(connection, instruments))
    finally:
        servers.stop()


def _load(connection: Connection, instruments: int) -> None:
    write_bars(connection, instruments=instruments, sessions=SESSIONS, first=FIRST)


def _partition(connection: Connection) -> None:
    """The same rows in a table with a partition a year and the product's indexes."""
    connection.execute(f"CREATE TABLE {BY_YEAR} (LIKE {TABLE}) PARTITION BY RANGE (date)")
    for year in YEARS:
        bounds = f"FROM ('{year}-01-01') TO ('{year + 1}-01-01')"
        part = f"{BY_YEAR}_{year}"
        connection.execute(f"CREATE UNLOGGED TABLE {part} PARTITION OF {BY_YEAR} FOR VALUES {bounds}")
        connection.execute(f"ALTER TABLE {part} SET (autovacuum_enabled = off)")
    connection.execute(f"INSERT INTO {BY_YEAR} SELECT * FROM {TABLE}")  # noqa: S608
    query = "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = %s AND indexname <> %s"
    for name, definition in connection.execute(query, [TABLE, f"{TABLE}_pkey"]).fetchall():
        text = str(definition).replace(f"public.{TABLE}", f"public.{BY_YEAR}")
        connection.execute(text.replace(f"INDEX {name} ", f"INDEX {name}_by_year "))
    connection.execute(f"VACUUM ANALYZE {BY_YEAR}")


def _work(connection: Connection, runs: int, instruments: int) -> Table:
    """Seconds of each read and write on both tables, in turns."""
    spent: dict[tuple[str, str], list[float]] = {}

    def measure(what: str, name: str, statement: str) -> None:
        spent.setdefault((what, name), []).append(_seconds(lambda: _execute(connection, statement)))

    for run in range(runs):
        for name in (TABLE, BY_YEAR):
            columns = "date, source, open, high, low, close, volume"
            for what, condition in READS.items():
                measure(what, name, f"SELECT {columns} FROM {name} WHERE {condition}")  # noqa: S608
            measure(f"an evening, {instruments:,} bars", name, _evening(connection, name, run))
            corrected = f"date = {LAST} - {run + 1}"
            measure("a corrected session", name, f"UPDATE {name} SET volume = volume + 1 WHERE {corrected}")  # noqa: S608
            written = name if name == TABLE else f"{name}_{YEARS[-2]}"  # the year of the last sessions
            measure("vacuum and analyze after both", name, f"VACUUM ANALYZE {written}")
    lines = []
    for what in dict.fromkeys(what for what, _ in spent):
        whole, parts = Line(what, spent[what, TABLE]), Line("  by year", spent[what, BY_YEAR])
        parts.ratio = parts.median / whole.median
        lines += [whole, parts]
    return Table("record-size", "one table, and one by year", "in turns, everything in memory that fits", lines)


def _evening(connection: Connection, name: str, run: int) -> str:
    """The statement that appends a session after the last one."""
    columns = [
        str(row[0])
        for row in connection.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_name = %s ORDER BY ordinal_position",
            [TABLE],
        )
    ]
    values = {"id": f"id + {(run + 1) * 1_000_000_000}", "date": f"date + {run + 1}"}
    chosen = ", ".join(values.get(column, column) for column in columns)
    return f"INSERT INTO {name} SELECT {chosen} FROM {TABLE} WHERE date = {LAST}"  # noqa: S608


def _autovacuum(connection: Connection, instruments: int) -> Table:
    """The evenings after which PostgreSQL vacuums and analyzes by its defaults, and with the advice."""

    def number(name: str) -> float:
        ((value,),) = connection.execute("SELECT setting FROM pg_settings WHERE name = %s", [name]).fetchall()
        return float(str(value))

    rows = instruments * SESSIONS
    insert = "autovacuum_vacuum_insert_threshold", "autovacuum_vacuum_insert_scale_factor"
    lines = [
        Line(what, note=f"{(number(base) + number(scale) * rows) / instruments:,.0f} evenings by the defaults, "
                        f"{advised / instruments:,.0f} with the advice")
        for what, base, scale, advised in (
            ("analyze", "autovacuum_analyze_threshold", "autovacuum_analyze_scale_factor", 50_000),
            ("vacuum of inserts", *insert, 100_000),
            ("vacuum of updates", "autovacuum_vacuum_threshold", "autovacuum_vacuum_scale_factor", 100_000),
        )
    ]  # fmt: skip
    connection.execute(_evening(connection, TABLE, 60))
    before = _expected(connection)
    connection.execute(f"VACUUM ANALYZE {TABLE}")
    note = f"{before:,} rows before ANALYZE, {_expected(connection):,} after, {instruments:,} in truth"
    lines.append(Line("expected of a session since", note=note))
    return Table("record-size", "autovacuum", ADVICE, lines)


def _expected(connection: Connection) -> int:
    """The rows that the planner expects of the newest session."""
    plan = connection.execute(
        f"EXPLAIN (FORMAT JSON) SELECT * FROM {TABLE} WHERE market = 'kr' AND date = {LAST} + 61"  # noqa: S608
    ).fetchall()
    rows: int = plan[0][0][0]["Plan"]["Plan Rows"]  # type: ignore[index]
    return rows


def _sizes(connection: Connection, name: str) -> str:
    tree = "SELECT relid FROM pg_partition_tree(%s) UNION SELECT %s::regclass"
    (row,) = connection.execute(
        f"SELECT sum(pg_table_size(relid)), sum(pg_indexes_size(relid)) FROM ({tree}) AS parts",  # noqa: S608
        [name, name],
    ).fetchall()
    table, indexes = (float(str(size)) / 1e6 for size in row)
    return f"{table:,.0f} MB of rows, {indexes:,.0f} MB of indexes"


def _execute(connection: Connection, statement: str) -> None:
    cursor = connection.execute(statement, prepare=False)
    if cursor.description:
        cursor.fetchall()


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
