"""Indexes built while the table is being written to.

`AddIndexOnline` is Django's `AddIndexConcurrently` on PostgreSQL and an ordinary `AddIndex` on a database that
has no such thing, so that one migration serves both. Its migration says `atomic = False`.
"""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations import AddIndex


class AddIndexOnline(AddIndexConcurrently):
    """Add an index without blocking writers where the database can."""

    def database_forwards(self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, *states: Any) -> None:
        self._kind(schema_editor).database_forwards(self, app_label, schema_editor, *states)

    def database_backwards(self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, *states: Any) -> None:
        self._kind(schema_editor).database_backwards(self, app_label, schema_editor, *states)

    @staticmethod
    def _kind(schema_editor: BaseDatabaseSchemaEditor) -> Any:
        concurrent = schema_editor.connection.vendor == "postgresql"
        return AddIndexConcurrently if concurrent else AddIndex
