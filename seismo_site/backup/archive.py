"""Backups: a directory with the database, what else cannot be made again, and a manifest that proves them.

    DIR/seismo.sqlite3   SQLite's online copy, verified (of PostgreSQL: seismo.dump, by pg_dump)
    DIR/files/           of the data directory what no command makes anew: the secret key and rejected rows
    DIR/manifest.json    written last: release, kind of database, its migrations, and size and SHA-256 of each file

The lake, the score cache and the calendars are made anew from the database. A directory without a manifest is a backup
that was broken off.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

MANIFEST = "manifest.json"
FILES = "files"
DATA_FILES = ("secret_key", "rejects")
"""The parts of the data directory in a backup."""
SQLITE, POSTGRESQL = "sqlite", "postgresql"
NAMES = {SQLITE: "seismo.sqlite3", POSTGRESQL: "seismo.dump"}


class BackupProblem(Exception):
    """A backup cannot be made or restored; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """The content of a backup. `files`: path below the directory -> (bytes, SHA-256); a dump made by hand is
    not among them."""

    release: str
    made_at: str
    database: str
    migrations: list[list[str]]
    files: dict[str, tuple[int, str]]


def make_directory(folder: Path) -> None:
    """Make the directory of a backup; BackupProblem where something is in it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise BackupProblem(f"{folder} is not empty: name a directory for this backup alone.")
    except OSError as error:
        raise BackupProblem(f"{folder} cannot be used: {error.strerror or error}.") from error


def copy_sqlite(database: Path, copy: Path) -> None:
    """SQLite's online copy of `database`, whole whatever is written meanwhile; BackupProblem where either is
    damaged."""
    draft = copy.with_name(f"{copy.name}.partial")
    draft.unlink(missing_ok=True)
    try:
        with (
            closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30)) as source,
            closing(sqlite3.connect(draft)) as target,
        ):
            source.backup(target)
            target.execute("PRAGMA journal_mode = DELETE")
        wrong = integrity(draft)
    except sqlite3.Error as error:
        draft.unlink(missing_ok=True)
        raise BackupProblem(f"{database} cannot be copied: {error}.") from error
    if wrong:
        draft.unlink(missing_ok=True)
        raise BackupProblem(f"{database} is damaged ({wrong}): restore an earlier backup with `manage.py restore DIR`.")
    sync(draft)
    os.replace(draft, copy)


def integrity(database: Path) -> str:
    """The first error that SQLite reports of a database file; "" without one."""
    try:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as opened:
            result = str(opened.execute("PRAGMA integrity_check(1)").fetchone()[0])
    except sqlite3.Error as error:
        return str(error)
    return "" if result == "ok" else " ".join(result.split())


def copy_files(data: Path, folder: Path) -> None:
    """Copy `DATA_FILES` of the data directory."""
    for name in DATA_FILES:
        path = data / name
        if path.is_dir():
            shutil.copytree(path, folder / FILES / name, symlinks=True)
        elif path.exists():
            (folder / FILES).mkdir(exist_ok=True)
            shutil.copy2(path, folder / FILES / name)


def write_manifest(
    folder: Path, *, release: str, at: datetime, database: str, migrations: Sequence[Sequence[str]]
) -> Manifest:
    """Write the manifest of the files in `folder`, which completes a backup."""
    files = {
        str(path.relative_to(folder)): (path.stat().st_size, _sha256(path))
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }
    made = Manifest(release, at.isoformat(), database, [list(migration) for migration in migrations], files)
    for name in files:
        sync(folder / name)
    draft = folder / f"{MANIFEST}.partial"
    draft.write_text(json.dumps(asdict(made), indent=1), encoding="utf-8")
    sync(draft)
    os.replace(draft, folder / MANIFEST)
    sync(folder)
    return made


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a backup, every file compared with it; BackupProblem where the backup is not whole."""
    path = folder / MANIFEST
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        files = {name: (int(size), str(digest)) for name, (size, digest) in content["files"].items()}
        made = Manifest(**{**content, "files": files})
    except FileNotFoundError as error:
        why = "it has no manifest: it was broken off, or is none"
        raise BackupProblem(f"{folder} is no backup, {why}.") from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BackupProblem(f"{path} cannot be read ({error}): take another backup.") from error
    for name, (size, digest) in made.files.items():
        file = folder / name
        if not file.is_file() or file.stat().st_size != size or _sha256(file) != digest:
            raise BackupProblem(
                f"{file} is not the file that was backed up: it is damaged or missing, take another backup."
            )
    if NAMES[made.database] not in made.files and not (folder / NAMES[made.database]).exists():
        raise BackupProblem(
            f"{folder / NAMES[made.database]} is missing: make it with the command that the backup printed."
        )
    return made


def sync(path: Path) -> None:
    """Have the system write a file or directory to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
