"""Creation of a backup (see `archive`)."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from seismo_site.backup import archive, pg_dump
from seismo_site.backup.archive import BackupProblem, Manifest


def back_up(folder: Path, *, at: datetime) -> Manifest:
    """Back up into `folder`, which is new or empty; BackupProblem where that cannot be done, also where PostgreSQL has
    to be dumped by hand, with the command."""
    migrations = sorted(MigrationRecorder(connection).applied_migrations())
    if not migrations:
        raise BackupProblem("The database is not migrated: there is nothing to back up.")
    archive.make_directory(folder)
    kind = archive.SQLITE if connection.vendor == "sqlite" else archive.POSTGRESQL
    target, by_hand = folder / archive.NAMES[kind], ""
    if kind == archive.SQLITE:
        archive.copy_sqlite(Path(connection.settings_dict["NAME"]), target)
    else:
        command = pg_dump.dump_command(connection.settings_dict, target)
        by_hand = "" if pg_dump.run(command, connection.settings_dict) else pg_dump.shell_command(command)
    archive.copy_files(settings.DATA_DIR, folder)
    made = archive.write_manifest(folder, release=str(settings.VERSION), at=at, database=kind, migrations=migrations)
    if by_hand:
        raise BackupProblem(f"pg_dump is not on PATH, so that the database is not in {folder} yet: run {by_hand}")
    return made
