"""The report on PostgreSQL, from its own statistics (PostgreSQL manual, "The Cumulative Statistics System")."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from seismo_site.database_report.section import SHOWN, Section, fetch, megabytes

LARGE = 100_000
"""Rows from which on a table is large: reading all of it is slower than an index."""


def sections() -> Iterator[Section]:
    """Every section."""
    yield _settings()
    yield _statements()
    yield _sequential_scans()
    yield _unused_indexes()
    yield _duplicate_indexes()
    yield _bloat()
    yield _cache_hits()


def _settings() -> Section:
    names = ("server_version", "shared_preload_libraries", "log_min_duration_statement", "shared_buffers", "work_mem")
    rows = fetch("SELECT name, setting, unit FROM pg_settings WHERE name = ANY(%s) ORDER BY name", [list(names)])
    values = {name: setting for name, setting, _ in rows}
    missing = [] if values["log_min_duration_statement"] != "-1" else ["log_min_duration_statement = 100"]
    if "pg_stat_statements" not in values["shared_preload_libraries"]:
        missing.append("shared_preload_libraries = 'pg_stat_statements' (and a restart)")
    note = f"Missing: {'; '.join(missing)}." if missing else ""
    return Section("Settings", ("name", "value", "unit"), rows, note)


def _statements() -> Section:
    """The slowest statements; without the extension those that are running."""
    if fetch("SELECT 1 FROM pg_extension WHERE extname = 'pg_stat_statements'") and _is_loaded():
        rows = fetch(
            "SELECT calls, mean_exec_time, max_exec_time, total_exec_time, left(query, 110) FROM pg_stat_statements "
            "WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) "
            "ORDER BY total_exec_time DESC LIMIT %s",
            [SHOWN],
        )
        return Section("Slowest statements", ("calls", "mean ms", "most ms", "sum ms", "statement"), rows)
    available = fetch("SELECT 1 FROM pg_available_extensions WHERE name = 'pg_stat_statements'")
    advice = (
        "run CREATE EXTENSION pg_stat_statements with the library preloaded"
        if available
        else "this server has no such extension (the wheel of the tests has none): read its slow log with --log"
    )
    rows = fetch(
        "SELECT extract(epoch FROM clock_timestamp() - query_start) * 1000, state, left(query, 110) "
        "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle' "
        "ORDER BY 1 DESC LIMIT %s",
        [SHOWN],
    )
    return Section(
        "Running statements",
        ("ms so far", "state", "statement"),
        [(float(ms), *rest) for ms, *rest in rows],
        f"Past ones are not known without pg_stat_statements: {advice}.",
    )


def _is_loaded() -> bool:
    ((libraries,),) = fetch("SELECT current_setting('shared_preload_libraries')")
    return "pg_stat_statements" in libraries


def _sequential_scans() -> Section:
    rows = fetch(
        "SELECT relname, n_live_tup, seq_scan, seq_tup_read, idx_scan FROM pg_stat_user_tables "
        "WHERE seq_scan > 0 AND n_live_tup >= %s ORDER BY seq_tup_read DESC LIMIT %s",
        [LARGE, SHOWN],
    )
    title = f"Sequential scans of tables with {LARGE:,} rows or more"
    return Section(title, ("table", "rows", "scans", "rows read", "by index"), rows, "" if rows else "None.")


def _unused_indexes() -> Section:
    rows = fetch(
        "SELECT s.relname, s.indexrelname, pg_relation_size(s.indexrelid) FROM pg_stat_user_indexes s "
        "JOIN pg_index i USING (indexrelid) WHERE s.idx_scan = 0 AND NOT i.indisunique AND NOT i.indisprimary "
        "ORDER BY 3 DESC LIMIT %s",
        [SHOWN],
    )
    ((since,),) = fetch("SELECT stats_reset FROM pg_stat_database WHERE datname = current_database()")
    note = f"Counted since {since:%Y-%m-%d %H:%M} UTC." if since else "Counted since the server was made."
    shown = [(table, index, megabytes(size)) for table, index, size in rows]
    return Section("Unused indexes", ("table", "index", "MB"), shown, note)


def _duplicate_indexes() -> Section:
    """Indexes that have the same leading columns as another of the same table, without a condition or expression."""
    rows = fetch(
        "SELECT t.relname, a.relname, b.relname, pg_relation_size(a.oid) FROM pg_index i "
        "JOIN pg_index j ON i.indrelid = j.indrelid AND i.indexrelid <> j.indexrelid "
        "JOIN pg_class a ON a.oid = i.indexrelid JOIN pg_class b ON b.oid = j.indexrelid "
        "JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace n ON n.oid = t.relnamespace "
        "WHERE n.nspname = current_schema() AND NOT i.indisunique AND i.indpred IS NULL AND j.indpred IS NULL "
        "AND i.indexprs IS NULL AND j.indexprs IS NULL AND a.relam = b.relam "
        "AND (j.indkey::text || ' ') LIKE (i.indkey::text || ' %%') "
        "AND (j.indclass::text || ' ') LIKE (i.indclass::text || ' %%') "
        "AND (i.indkey::text <> j.indkey::text OR j.indisunique OR i.indexrelid > j.indexrelid) "
        "ORDER BY 4 DESC LIMIT %s",
        [SHOWN],
    )
    shown = [(table, index, other, megabytes(size)) for table, index, other, size in rows]
    return Section("Duplicate indexes", ("table", "index", "covered by", "MB"), shown, "" if rows else "None.")


def _bloat() -> Section:
    rows: list[Any] = fetch(
        "SELECT relname, n_live_tup, n_dead_tup, 100.0 * n_dead_tup / greatest(n_live_tup + n_dead_tup, 1), "
        "pg_total_relation_size(relid), greatest(last_vacuum, last_autovacuum), "
        "greatest(last_analyze, last_autoanalyze) FROM pg_stat_user_tables ORDER BY 5 DESC LIMIT %s",
        [SHOWN],
    )
    shown = [
        (table, live, dead, float(share), megabytes(size), _day(vacuum), _day(analyze))
        for table, live, dead, share, size, vacuum, analyze in rows
    ]
    columns = ("table", "rows", "dead rows", "dead %", "MB", "vacuumed", "analyzed")
    return Section("Largest tables and their bloat", columns, shown, "Dead rows are an estimate of the server's.")


def _cache_hits() -> Section:
    ((hit, read),) = fetch("SELECT blks_hit, blks_read FROM pg_stat_database WHERE datname = current_database()")
    rows = fetch(
        "SELECT relname, heap_blks_read + coalesce(idx_blks_read, 0), heap_blks_hit + coalesce(idx_blks_hit, 0) "
        "FROM pg_statio_user_tables WHERE heap_blks_read + heap_blks_hit > 0 ORDER BY 2 DESC LIMIT %s",
        [SHOWN],
    )
    shown = [(table, read, 100.0 * float(found) / float(found + read or 1)) for table, read, found in rows]
    share = 100 * hit / (hit + read or 1)
    note = f"{share:.1f} % of all blocks were in the server's memory" + (
        "." if share >= 99 else ": below 99 % a larger shared_buffers is worth a try."
    )
    return Section("Cache of the server", ("table", "blocks read", "hit %"), shown, note)


def _day(when: Any) -> str | None:
    return f"{when:%Y-%m-%d %H:%M}" if when else None
