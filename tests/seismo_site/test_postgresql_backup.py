"""Backup and restore of an installation on PostgreSQL, by the pg_dump and pg_restore of its server's version."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.seismo_site.running import installed, manage, managed
from tests.servers import Servers, postgres_programs

pytestmark = pytest.mark.slow

TABLES = ("marketdata_stockprice", "marketdata_instrument", "scans_scannerversion", "scans_scanrun",
          "scans_scansession", "scans_scanrank")  # fmt: skip
RANKS = """
    SELECT version.slug, session.date, session.result_digest, session.input_digest, count(ranks.id),
           md5(string_agg(ranks::text, ' ' ORDER BY ranks.rank))
    FROM scans_scansession session
    JOIN scans_scannerversion version ON version.id = session.scanner_version_id
    LEFT JOIN scans_scanrank ranks ON ranks.session_id = session.id
    WHERE session.published
    GROUP BY version.slug, session.id ORDER BY version.slug, session.date
"""
Rows = list[tuple[object, ...]]


@pytest.fixture
def env() -> Iterator[dict[str, str]]:
    servers = Servers()
    path = f"{postgres_programs()}{os.pathsep}{os.environ['PATH']}"
    yield {"DATABASE_URL": servers.postgres(), "PATH": path}
    servers.stop()


def query_rows(env: dict[str, str], *statements: str) -> list[Rows]:
    """What the database answers to SQL, without Django."""
    with psycopg.connect(env["DATABASE_URL"], autocommit=True) as connection:
        return [connection.execute(one.encode()).fetchall() for one in statements]


def contents(env: dict[str, str]) -> list[Rows]:
    """A digest of all rows of each table."""
    digest = "SELECT count(*), md5(string_agg(t::text, ' ' ORDER BY t.id)) FROM {} t"
    return query_rows(env, *(digest.format(table) for table in TABLES))


def test_the_programs_are_of_the_servers_version(env: dict[str, str]) -> None:
    [[(server,)]] = query_rows(env, "SHOW server_version")
    for name in ("pg_dump", "pg_restore"):
        shown = subprocess.run([name, "--version"], env=os.environ | env, capture_output=True, text=True, check=True)
        assert shown.stdout.split()[:3] == [name, "(PostgreSQL)", str(server).split()[0]]


def test_a_scanned_market_comes_back_after_its_database_is_dropped(env: dict[str, str], tmp_path: Path) -> None:
    data, folder, file = tmp_path / "data", tmp_path / "backup", tmp_path / "prices.parquet"
    installed(data, DATABASE_URL=env["DATABASE_URL"])
    managed(data, "make_demo_prices", "--output", str(file), "--end", "2026-08-21",
            "--instruments", "60", "--sessions", "400", **env)  # fmt: skip
    managed(data, "import_prices", str(file), "--source", "demo", **env)
    scan = ("run_scan", "--version", "v1", "--version", "v2")
    managed(data, *scan, **env)
    [ranks], before = query_rows(env, RANKS), contents(env)
    assert {row[0] for row in ranks} == {"v1", "v2"}
    assert sum(int(str(row[4])) for row in ranks) > 0

    managed(data, "backup", str(folder), **env)
    assert {path.stat().st_mode & 0o077 for path in [folder, *folder.rglob("*")]} == {0}
    with psycopg.connect(env["DATABASE_URL"], autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    managed(data, "restore", str(folder), **env)
    assert query_rows(env, RANKS) == [ranks]
    assert contents(env) == before
    assert "agrees with the record" in managed(data, "verify_lake", **env)
    managed(data, *scan, **env)  # computed again from the restored bars
    assert query_rows(env, RANKS) == [ranks]

    with psycopg.connect(env["DATABASE_URL"], autocommit=True) as connection:
        connection.execute("UPDATE marketdata_stockprice SET close = close + 1")
    refused = manage(data, "restore", str(folder), **env)
    assert (refused.returncode, "--force" in refused.stderr) == (1, True)
    managed(data, "restore", str(folder), "--force", **env)
    assert contents(env) == before
    (kept,) = (data / "kept-databases").glob("*/seismo.dump")
    listing = subprocess.run(
        ["pg_restore", "--list", str(kept)],
        env=os.environ | env,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "TABLE DATA public marketdata_stockprice" in listing.stdout
