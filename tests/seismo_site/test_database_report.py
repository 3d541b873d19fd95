"""The report on the database: its slow log by hand, SQLite, and a PostgreSQL with known faults."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection

from seismo_site.database_report import sqlite
from seismo_site.database_report.slow_log import normalized, slow_statements
from tests.seismo_site.running import installed, managed, run_in_shell
from tests.servers import Servers

LOG = """\
2026-11-30 00:00:01.000 UTC [7] LOG:  duration: 100.500 ms  statement: SELECT * FROM bars WHERE code = '005930'
2026-11-30 00:00:02.000 UTC [7] LOG:  duration: 300.000 ms  execute <unnamed>: SELECT * FROM bars
\tWHERE code = 'O''Neil' /*request_id='caller-0123'*/
2026-11-30 00:00:02.000 UTC [7] DETAIL:  parameters: $1 = '5'
2026-11-30 00:00:03.000 UTC [7] LOG:  duration: 150.000 ms  statement: SELECT 1 FROM runs WHERE id IN (1, 2, 3)
2026-11-30 00:00:04.000 UTC [7] LOG:  checkpoint starting: time
"""
FAULTS = """
from django.db import connection
with connection.cursor() as cursor:
    cursor.execute("CREATE TABLE large (id int PRIMARY KEY, a int, b int)")
    cursor.execute("INSERT INTO large SELECT n, n, n FROM generate_series(1, 120000) n")
    cursor.execute("CREATE INDEX large_a ON large (a)")
    cursor.execute("CREATE INDEX large_a_b ON large (a, b)")
    cursor.execute("SELECT pg_stat_force_next_flush()")  # rows reported after ANALYZE counted them would count twice
    cursor.execute("ANALYZE large")
    cursor.execute("SELECT count(*) FROM large WHERE b > 3")
    cursor.execute("SELECT pg_stat_force_next_flush()")
    cursor.execute("SELECT 1")
"""


def test_slow_log_is_summed_up_by_statement() -> None:
    section = slow_statements(LOG.splitlines(keepends=True))
    assert list(section.rows) == [
        (2, 200.25, 300.0, 400.5, "SELECT * FROM bars WHERE code = ?"),
        (1, 150.0, 150.0, 150.0, "SELECT ? FROM runs WHERE id IN (?, ...)"),
    ]


def test_log_without_durations_says_what_to_set() -> None:
    assert "set log_min_duration_statement = 100" in slow_statements(["2026-11-30 00:00:04 LOG:  ready\n"]).text()


def test_statements_that_differ_in_values_are_one() -> None:
    assert normalized("SELECT a FROM t WHERE b = $1 AND c = 2.5") == normalized(
        "SELECT a FROM t  WHERE b = 7 AND c = 3"
    )


def test_missing_log_is_one_sentence(db: None, tmp_path: Path) -> None:
    from django.core.management.base import CommandError

    with pytest.raises(CommandError, match=r"The log .*nothing.log cannot be read: No such file"):
        call_command("db_report", log=tmp_path / "nothing.log")


@pytest.mark.skipif("connection.vendor != 'sqlite'")
def test_sqlite_names_covered_indexes_and_says_what_it_lacks(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE large (id integer PRIMARY KEY, a int, b int)")
        cursor.execute("CREATE INDEX large_a ON large (a)")
        cursor.execute("CREATE INDEX large_a_b ON large (a, b)")
        cursor.execute("CREATE INDEX large_b ON large (b)")
    duplicates = {section.title: section for section in sqlite.sections()}["Duplicate indexes"]
    assert [row for row in duplicates.rows if row[0] == "large"] == [("large", "large_a", "large_a_b")]
    out = StringIO()
    call_command("db_report", stdout=out)
    assert "SQLite keeps no statistics of these" in out.getvalue()


@pytest.mark.slow
def test_postgresql_names_faults(tmp_path: Path) -> None:
    servers = Servers()
    try:
        settings = {"DATABASE_URL": servers.postgres()}
        installed(tmp_path, **settings)
        run_in_shell(tmp_path, FAULTS, **settings)
        report = managed(tmp_path, "db_report", **settings)
    finally:
        servers.stop()
    sections = dict(part.partition("\n")[::2] for part in report.split("\n\n"))
    assert "log_min_duration_statement = 100" in sections["Settings"]
    assert "this server has no such extension" in sections["Running statements"]
    scans = sections["Sequential scans of tables with 100,000 rows or more"].splitlines()
    assert scans[1].split()[:2] == ["large", "120,000"]
    unused = [line.split()[:2] for line in sections["Unused indexes"].splitlines()]
    assert ["large", "large_a"] in unused
    covered = [line.split()[:3] for line in sections["Duplicate indexes"].splitlines()]
    assert ["large", "large_a", "large_a_b"] in covered
    assert "% of all blocks" in sections["Cache of the server"]
