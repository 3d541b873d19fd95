"""Restore of a backup in the place of the database.

1. The backup is verified, its database copied beside the one in use and verified again.
2. The database in use is kept aside: a second name for its file, its write-ahead log moved (which must not be read with
   another file).
3. The copy takes its place by one rename. Broken off before, the old database is in place, and after, the new one; the
   same command does the rest.
4. Migrations, new generations of everything that answers are kept by, and the lake.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterable
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.db import connection, connections
from django.db.migrations.loader import MigrationLoader

from marketdata.operations.projection import rebuild
from seismo_site.backup import archive, pg_dump
from seismo_site.backup.archive import BackupProblem, Manifest

ASIDE_FOLDER = "kept-databases"
LOG_FILES = ("-wal", "-shm")
DATA_TABLES = ("marketdata_stockprice", "candles_candle", "scans_scanrun", "auth_user")
"""Tables: a database with a row in any of them is in use."""


@dataclass(frozen=True, slots=True)
class RestoreResult:
    """A completed restore: the time of the backup, the directory of the old database, rebuilt months of the lake."""

    made_at: str
    kept: Path | None
    months: int


def restore(folder: Path, *, force: bool, at: datetime) -> RestoreResult:
    """Restore the backup in `folder`, with `force` over a database that is in use; BackupProblem where that cannot be
    done, and nothing was changed then."""
    made = archive.read_manifest(folder)
    refuse_newer(made, known_migrations())
    kind = archive.SQLITE if connection.vendor == "sqlite" else archive.POSTGRESQL
    if made.database != kind:
        raise BackupProblem(
            f"The backup is of {made.database}, the database in use is {kind}: set DATABASE_URL to one of "
            f"{made.database}."
        )
    connections.close_all()
    if kind == archive.SQLITE:
        database = Path(settings.DATABASES["default"]["NAME"])
        if not force:
            refuse_in_use(database, folder)
        kept = replace_sqlite(folder, database, data=settings.DATA_DIR, at=at)
    else:
        kept = _replace_postgresql(folder, force=force, at=at)
    put_back_files(folder, settings.DATA_DIR, kept)
    call_command("migrate", verbosity=0)
    return RestoreResult(made.made_at, kept, rebuild.rebuild_all())


def _replace_postgresql(folder: Path, *, force: bool, at: datetime) -> Path | None:
    database = connection.settings_dict
    filled = set(connection.introspection.table_names()).intersection(DATA_TABLES)
    kept = None
    if filled and not force:
        raise BackupProblem(
            "The database in use has tables already: end the server and the worker, and run "
            f"`manage.py restore {folder} --force`, which keeps a dump of it."
        )
    if filled:
        kept = settings.DATA_DIR / ASIDE_FOLDER / f"{at:%Y%m%dT%H%M%S.%f}"
        kept.mkdir(parents=True)
        command = pg_dump.dump_command(database, kept / "seismo.dump")
        if not pg_dump.run(command, database):
            raise BackupProblem(
                "pg_dump is not on PATH, and the database in use would be lost: run "
                f"{pg_dump.shell_command(command)} where it is, and drop its tables."
            )
    connections.close_all()
    command = pg_dump.restore_command(database, folder / archive.NAMES[archive.POSTGRESQL])
    if not pg_dump.run(command, database):
        raise BackupProblem(
            "pg_restore is not on PATH: run "
            f"{pg_dump.shell_command(command)} where it is, then `manage.py migrate` and "
            "`manage.py project_lake --rebuild` here."
        )
    return kept


def known_migrations() -> set[tuple[str, str]]:
    """App and name of every migration of this release, with those that one of them replaces."""
    disk = MigrationLoader(None).disk_migrations
    return set(disk).union(*(migration.replaces for migration in disk.values()))


def refuse_newer(made: Manifest, migrations: Iterable[tuple[str, str]]) -> None:
    """BackupProblem where the backup has migrations that this release does not know."""
    strange = sorted({(app, name) for app, name in made.migrations} - set(migrations))
    if strange:
        raise BackupProblem(
            f"The backup is of release {made.release}, which is newer than this one (it has the migration "
            f"{'.'.join(strange[0])}): install that release and restore it there."
        )


def refuse_in_use(database: Path, folder: Path) -> None:
    """BackupProblem where the database holds something; a damaged one does not."""
    if not database.exists() or archive.integrity(database):
        return
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as opened:
        for table in DATA_TABLES:
            with suppress(sqlite3.OperationalError):  # it is not migrated so far
                if opened.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone():  # noqa: S608 (of TELLING)
                    raise BackupProblem(
                        f"{database} is in use: end the server and the worker, and run `manage.py restore {folder} "
                        "--force`, which keeps it aside."
                    )


def replace_sqlite(folder: Path, database: Path, *, data: Path, at: datetime) -> Path | None:
    """Put the backup's database in the place of `database`; the directory in which the old one is kept, None where
    there was none."""
    database.parent.mkdir(parents=True, exist_ok=True)
    fresh = database.with_name(f"{database.name}.restoring")
    shutil.copyfile(folder / archive.NAMES[archive.SQLITE], fresh)
    wrong = archive.integrity(fresh)
    if wrong:
        fresh.unlink()
        raise BackupProblem(f"The backup's database is damaged ({wrong}): take another backup.")
    archive.sync(fresh)
    kept = _keep_aside(database, data / ASIDE_FOLDER / f"{at:%Y%m%dT%H%M%S.%f}")
    os.replace(fresh, database)
    archive.sync(database.parent)
    return kept


def _keep_aside(database: Path, folder: Path) -> Path | None:
    logs = [database.with_name(database.name + end) for end in LOG_FILES]
    if not database.exists():
        for log in logs:
            log.unlink(missing_ok=True)
        return None
    with suppress(sqlite3.Error), closing(sqlite3.connect(database)) as opened:
        opened.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    folder.mkdir(parents=True)
    os.link(database, folder / database.name)
    for log in logs:
        if log.exists():
            log.rename(folder / log.name)
    archive.sync(folder)
    return folder


def put_back_files(folder: Path, data: Path, kept: Path | None) -> None:
    """Put back what of the data directory went along; another secret key is kept aside, other rejected rows stay."""
    source = folder / archive.FILES
    key = source / "secret_key"
    if key.exists():
        there = data / "secret_key"
        if there.exists() and there.read_bytes() != key.read_bytes() and kept is not None:
            shutil.copy2(there, kept / there.name)
        draft = there.with_name("secret_key.restoring")
        shutil.copyfile(key, draft)
        draft.chmod(0o600)
        os.replace(draft, there)
    if (source / "rejects").is_dir():
        shutil.copytree(source / "rejects", data / "rejects", dirs_exist_ok=True)
