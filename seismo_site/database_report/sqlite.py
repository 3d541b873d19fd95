"""The report on SQLite: sizes, free pages, indexes that others cover, statistics of the planner. SQLite counts neither
statements nor uses of indexes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection

from seismo_site.database_report.section import SHOWN, Section, fetch, megabytes


def sections() -> Iterator[Section]:
    """Every section that applies."""
    yield _file()
    yield _largest_tables()
    yield _duplicate_indexes()
    yield Section(
        "Slow statements, sequential scans, unused indexes, cache hits",
        note="SQLite keeps no statistics of these, PostgreSQL does; `manage.py slow_endpoints` names slow routes.",
    )


def _file() -> Section:
    ((pages,),), ((free,),), ((size,),) = (
        fetch("PRAGMA page_count"),
        fetch("PRAGMA freelist_count"),
        fetch("PRAGMA page_size"),
    )
    ((mode,),) = fetch("PRAGMA journal_mode")
    log = Path(f"{settings.DATABASES['default']['NAME']}-wal")
    rows: list[tuple[str, Any]] = [
        ("database, MB", megabytes(pages * size)),
        ("free pages, MB", megabytes(free * size)),
        ("write-ahead log, MB", megabytes(log.stat().st_size if log.exists() else 0)),
        ("journal mode", mode),
    ]
    note = "VACUUM gives the free pages back to the disk." if free * 5 > pages else ""
    return Section("File", ("what", "value"), rows, note)


def _largest_tables() -> Section:
    tables = [
        name for (name,) in fetch("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%%'")
    ]
    quote = connection.ops.quote_name
    counts = [(name, fetch(f"SELECT count(*) FROM {quote(name)}")[0][0]) for name in tables]  # noqa: S608 - its own names
    analyzed = bool(fetch("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_stat1'"))
    note = "" if analyzed else "The planner has no statistics yet: run ANALYZE, or import again."
    return Section("Largest tables", ("table", "rows"), sorted(counts, key=lambda row: -row[1])[:SHOWN], note)


def _duplicate_indexes() -> Section:
    """Indexes whose columns are the leading ones of another of the same table."""
    rows = []
    for (table,) in fetch("SELECT name FROM sqlite_master WHERE type = 'table'"):
        columns: dict[str, list[str]] = {}
        unique = set()
        for _, index, is_unique, _, partial in fetch(f"PRAGMA index_list({connection.ops.quote_name(table)})"):
            parts = fetch(f"PRAGMA index_info({connection.ops.quote_name(index)})")
            if not partial and all(name for _, _, name in parts):
                columns[index] = [name for _, _, name in parts]
                unique |= {index} if is_unique else set()
        rows += [
            (table, index, other)
            for index, own in columns.items()
            for other, others in columns.items()
            if index not in unique
            and index != other
            and others[: len(own)] == own
            and (len(others) > len(own) or other in unique or index > other)
        ]
    return Section("Duplicate indexes", ("table", "index", "covered by"), rows, "" if rows else "None.")
