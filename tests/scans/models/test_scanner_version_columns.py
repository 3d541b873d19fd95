"""The migration that renames the columns of versions keeps every index and every row."""

from __future__ import annotations

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

BEFORE = ("scans", "0003_marks")
TABLES = ("scanrun", "scansession", "signal", "backfill", "scandraft")


def constraints() -> dict[str, dict[str, list[str]]]:
    """Table -> index, constraint or key -> its columns."""
    with connection.cursor() as cursor:
        tables = {name: connection.introspection.get_constraints(cursor, f"scans_{name}") for name in TABLES}
    return {table: {name: about["columns"] for name, about in rows.items()} for table, rows in tables.items()}


@pytest.mark.django_db(transaction=True)
def test_the_renamed_columns_keep_their_indexes_and_rows() -> None:
    now = constraints()
    MigrationExecutor(connection).migrate([BEFORE])
    try:
        before = constraints()
        old = MigrationExecutor(connection).loader.project_state([BEFORE]).apps
        version = old.get_model("scans", "ScannerVersion").objects.create(slug="kept", engine="v1")
        row = old.get_model("scans", "Backfill").objects.create(
            version=version, market="kr", first="2024-05-02", last="2024-05-31", started_at="2024-06-01T00:00:00Z"
        )
    finally:
        executor = MigrationExecutor(connection)
        executor.migrate(executor.loader.graph.leaf_nodes())
    assert constraints() == now
    for table, rows in before.items():
        names = {"version": "scanner_version", "version_id": "scanner_version_id"}
        kept = {name: [names.get(c, c) for c in columns] for name, columns in rows.items()}
        assert kept == {name: now[table][name] for name in rows}
    with connection.cursor() as cursor:
        cursor.execute("SELECT scanner_version_id FROM scans_backfill WHERE id = %s", [row.pk])
        assert cursor.fetchone() == (version.pk,)
