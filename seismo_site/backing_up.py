"""Makes a backup of the installation (see `backups`)."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from seismo_site import backups, dumps
from seismo_site.backups import BackupProblem, Manifest


def back_up(folder: Path, *, at: datetime) -> Manifest:
    """Back up into `folder`, which is new or empty; BackupProblem where that cannot be done, also where PostgreSQL has
    to be dumped by hand, with the command."""
    migrations = sorted(MigrationRecorder(connection).applied_migrations())
    if not migrations:
        raise BackupProblem("The database is not migrated: there is nothing to back up.")
    backups.begin(folder)
    kind = backups.SQLITE if connection.vendor == "sqlite" else backups.POSTGRESQL
    target, by_hand = folder / backups.NAMES[kind], ""
    if kind == backups.SQLITE:
        backups.copy_sqlite(Path(connection.settings_dict["NAME"]), target)
    else:
        command = dumps.dump_command(connection.settings_dict, target)
        by_hand = "" if dumps.run(command, connection.settings_dict) else dumps.shown(command)
    backups.copy_files(settings.DATA_DIR, folder)
    made = backups.end(
        folder, release=str(settings.VERSION), at=at, database=kind, migrations=migrations
    )
    if by_hand:
        raise BackupProblem(
            f"pg_dump is not on PATH, so that the database is not in {folder} yet: run {by_hand}"
        )
    return made
