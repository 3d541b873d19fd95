"""Tables that are their own primary key.

SQLite keeps a table with a composite key twice, as rows and as the key's index, unless the table has no rowid. Many
small rows (candles) are stored once: `WithoutRowid` follows the `CreateModel` of such a table in its migration."""

from __future__ import annotations

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState


class WithoutRowid(Operation):
    """Make the empty table of a model a WITHOUT ROWID one on SQLite; no operation on other databases."""

    reversible = True

    def __init__(self, name: str) -> None:
        self.name = name

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """The model is the same."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        if schema_editor.connection.vendor != "sqlite":
            return
        table = to_state.apps.get_model(app_label, self.name)._meta.db_table
        with schema_editor.connection.cursor() as cursor:
            cursor.execute("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = %s", [table])
            statement: str = cursor.fetchone()[0]
        schema_editor.execute(f"DROP TABLE {schema_editor.quote_name(table)}")
        schema_editor.execute(f"{statement} WITHOUT ROWID", params=None)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """The table goes with its model."""

    def describe(self) -> str:
        return f"Keep {self.name} by its key"
