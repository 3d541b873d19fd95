"""Backups and restores of a real installation, whole, damaged, and broken off; and what a damaged database says."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from seismo_site.backup import archive, pg_dump
from tests.seismo_site.running import (
    installed,
    manage,
    managed,
    managed_in_turn,
    refused_in_turn,
    run_in_shell,
    run_program,
)
from tests.servers import Servers

pytestmark = pytest.mark.slow

PRICES = "date,code,open,high,low,close,volume\n2024-01-02,005930,1,2,1,2,9\n2024-01-03,005930,2,{close},2,{close},9\n"
COUNT = "from marketdata.models import StockPrice; print(sorted(StockPrice.objects.values_list('close', flat=True)))"


def bring(data: Path, close: int, **servers: str) -> None:
    file = data.parent / "prices.csv"
    file.write_text(PRICES.format(close=close))
    managed_in_turn(data, ("import_prices", str(file)), ("project_lake",), **servers)


def closes(data: Path) -> list[float]:
    with closing(sqlite3.connect(data / "seismo.sqlite3")) as database:
        return [row[0] for row in database.execute("SELECT close FROM marketdata_stockprice ORDER BY close")]


@pytest.fixture(scope="module")
def states(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three folders: an installation with a close of 3, its backup, and the installation with a close of 5."""
    folder = tmp_path_factory.mktemp("states")
    data = installed(folder / "data")
    bring(data, 3)
    managed(data, "backup", str(folder / "backup"))
    bring(shutil.copytree(data, folder / "later"), 5)
    return folder


@pytest.fixture
def data(states: Path, tmp_path: Path) -> Path:
    return shutil.copytree(states / "data", tmp_path / "data")


@pytest.fixture
def later(states: Path, tmp_path: Path) -> Path:
    return shutil.copytree(states / "later", tmp_path / "data")


@pytest.fixture
def backup(states: Path, tmp_path: Path) -> Path:
    return shutil.copytree(states / "backup", tmp_path / "backup")


def refused(data: Path, *arguments: str, **servers: str) -> str:
    """The one sentence of a command that is refused."""
    done = manage(data, *arguments, **servers)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1, done.stderr
    return done.stderr


def test_what_was_backed_up_comes_back(later: Path, backup: Path, tmp_path: Path) -> None:
    assert {path.stat().st_mode & 0o077 for path in [backup, *backup.rglob("*")]} == {0}
    key = (later / "secret_key").read_bytes() if (later / "secret_key").exists() else None
    assert "is in use" in refused(later, "restore", str(backup))
    assert closes(later) == [2.0, 5.0]
    output = managed_in_turn(later, ("restore", str(backup), "--force"), ("verify_lake",))
    assert "1 months of the lake are made anew" in output
    assert "agrees with the record" in output
    assert closes(later) == [2.0, 3.0]
    assert key is None or (later / "secret_key").read_bytes() == key
    (aside,) = (later / "kept-databases").glob("*/seismo.sqlite3")
    assert closes(aside.parent) == [2.0, 5.0]

    elsewhere = tmp_path / "elsewhere"
    assert "agrees with the record" in managed_in_turn(elsewhere, ("restore", str(backup)), ("verify_lake",))
    assert closes(elsewhere) == [2.0, 3.0]
    assert stat.S_IMODE((elsewhere / "seismo.sqlite3").stat().st_mode) == 0o600


def test_a_backup_is_taken_while_others_write(data: Path, tmp_path: Path) -> None:
    """What is committed is in it, what is under way is not."""
    with closing(sqlite3.connect(data / "seismo.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("UPDATE marketdata_stockprice SET close = 7")
        managed(data, "backup", str(tmp_path / "backup"))
        other.execute("ROLLBACK")
    managed(tmp_path / "elsewhere", "restore", str(tmp_path / "backup"))
    assert closes(tmp_path / "elsewhere") == [2.0, 3.0]


def test_a_directory_with_something_in_it_is_refused(data: Path, tmp_path: Path) -> None:
    assert "is not empty" in refused(data, "backup", str(tmp_path))


def test_a_damaged_backup_is_refused_before_anything_is_changed(data: Path, backup: Path) -> None:
    database = backup / "seismo.sqlite3"
    content = database.read_bytes()
    middle = len(content) // 2
    for damage in (content[:-1], content[:middle] + b"\x55" + content[middle + 1 :]):
        database.write_bytes(damage)
        assert "is damaged or missing" in refused(data, "restore", str(backup), "--force")
    database.write_bytes(content)
    (backup / "manifest.json").write_text("{}")
    assert "cannot be read" in refused(data, "restore", str(backup), "--force")
    (backup / "manifest.json").unlink()
    assert "it was broken off, or is none" in refused(data, "restore", str(backup), "--force")
    assert closes(data) == [2.0, 3.0]
    assert not (data / "kept-databases").exists()


def test_a_backup_of_a_newer_release_is_refused(data: Path, backup: Path) -> None:
    manifest = json.loads((backup / "manifest.json").read_text())
    manifest["migrations"].append(["marketdata", "9999_from_the_future"])
    (backup / "manifest.json").write_text(json.dumps(manifest))
    assert "newer than this one" in refused(data, "restore", str(backup), "--force")


@pytest.mark.parametrize("whole", [True, False])
def test_a_damaged_database_is_one_sentence_and_is_restored(
    data: Path, backup: Path, tmp_path: Path, whole: bool
) -> None:
    """Its first page, or one in the middle that is met as bars are read."""
    file = data / "seismo.sqlite3"
    content = bytearray(file.read_bytes())
    with closing(sqlite3.connect(file)) as opened:
        (size,) = opened.execute("PRAGMA page_size").fetchone()
        (root,) = opened.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'marketdata_lakepartition'"
        ).fetchone()
    low = 0 if whole else (root - 1) * size
    content[low : low + 100] = b"\xff" * 100
    file.write_bytes(content)
    *sentences, of_backup = refused_in_turn(
        data, ("run_scan",), ("verify_lake",), ("project_lake",), ("backup", str(tmp_path / "another"))
    )
    assert len(sentences) == 3
    for sentence in sentences:
        assert sentence.startswith(f"The database {file} is damaged (")
        assert "`manage.py restore DIR`" in sentence
    assert "damaged" in of_backup
    assert not (tmp_path / "another" / "manifest.json").exists()
    managed(data, "restore", str(backup))  # without --force: there is nothing to lose, and it is kept
    assert closes(data) == [2.0, 3.0]
    assert list((data / "kept-databases").glob("*/seismo.sqlite3"))


KILLED = """
import os, signal, sys
import django
django.setup()
import seismo_site.backup.archive as backups, seismo_site.backup.restore as restoring
import {module} as module
honest, calls = getattr(module, "{name}"), []
def die(*given, **more):
    calls.append(1)
    if len(calls) == {number}:
        os.kill(os.getpid(), signal.SIGKILL)
    return honest(*given, **more)
setattr(module, "{name}", die)
from seismo_site.cli_errors import run
sys.exit(run(sys.argv))
"""


def killed(data: Path, module: str, name: str, number: int, *arguments: str) -> None:
    program = KILLED.format(module=module, name=name, number=number)
    done = run_program(data, program, *arguments)
    assert done.returncode == -signal.SIGKILL, done.stderr


def test_a_backup_that_is_killed_is_none(data: Path, tmp_path: Path) -> None:
    folders = {name: str(tmp_path / name) for name in ("integrity", "copy_files", "write_manifest")}
    for name, folder in folders.items():
        killed(data, "seismo_site.backup.archive", name, 1, "backup", folder)
    sentences = refused_in_turn(data, *(("restore", folder, "--force") for folder in folders.values()))
    assert ["no manifest" in sentence for sentence in sentences] == [True] * 3
    assert closes(data) == [2.0, 3.0]


@pytest.mark.parametrize(
    ("module", "name", "number", "is_old"),
    [
        ("seismo_site.backup.archive", "integrity", 1, True),
        ("seismo_site.backup.restore", "_keep_aside", 1, True),
        ("os", "link", 1, True),
        ("seismo_site.backup.restore", "put_back_files", 1, False),
        ("marketdata.operations.projection.rebuild", "rebuild_all", 1, False),
        ("marketdata.lake.writer", "write", 1, False),
    ],
)
def test_a_restore_that_is_killed_leaves_the_old_or_the_new(
    later: Path, backup: Path, module: str, name: str, number: int, is_old: bool
) -> None:
    killed(later, module, name, number, "restore", str(backup), "--force")
    assert closes(later) == ([2.0, 5.0] if is_old else [2.0, 3.0])
    assert "agrees with the record" in managed_in_turn(later, ("project_lake",), ("verify_lake",))
    output = managed_in_turn(later, ("restore", str(backup), "--force"), ("verify_lake",))
    assert "agrees with the record" in output
    assert closes(later) == [2.0, 3.0]


def test_postgresql_without_its_programs_says_what_to_run(tmp_path: Path) -> None:
    servers = Servers()
    try:
        output = {"DATABASE_URL": servers.postgres(), "PATH": str(tmp_path)}
        data = installed(tmp_path / "data", DATABASE_URL=output["DATABASE_URL"])
        bring(data, 3, **output)
        folder = tmp_path / "backup"
        sentence = refused(data, "backup", str(folder), **output)
        assert "pg_dump is not on PATH" in sentence
        assert f"run pg_dump --format=custom --no-owner --file={folder}/seismo.dump" in sentence
        assert "seismo.dump is missing" in refused(data, "restore", str(folder), "--force", **output)
        (folder / "seismo.dump").write_bytes(b"made by hand")
        assert "--force" in refused(data, "restore", str(folder), **output)
        sentence = refused(data, "restore", str(folder), "--force", **output)
        assert "pg_dump is not on PATH" in sentence  # what is there would be lost
        assert run_in_shell(data, COUNT, **output) == "[2.0, 3.0]\n"
    finally:
        servers.stop()


def test_a_program_of_postgresql_is_run_without_its_password_in_sight(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stand-in for pg_dump, which writes down what it was called with and what its password file holds."""
    program = tmp_path / "pg_dump"
    program.write_text(
        f'#!/bin/sh\necho "$@" > {tmp_path}/arguments\n'
        f'cat "$(echo "$@" | sed \'s/.*passfile=//\')" > {tmp_path}/secret\n'
        'case "$*" in *broken*) echo "no such database" >&2; exit 1;; esac\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    database = {"HOST": "db", "PORT": "5433", "USER": "seismo", "NAME": "seismo", "PASSWORD": "a:b"}
    command = pg_dump.dump_command(database, tmp_path / "seismo.dump")
    assert pg_dump.run(command, database)
    output = (tmp_path / "arguments").read_text()
    assert "host=db port=5433 user=seismo dbname=seismo" in output
    assert "a:b" not in output + pg_dump.shell_command(command)
    assert (tmp_path / "secret").read_text() == "*:*:*:*:a\\:b\n"
    broken = {**database, "NAME": "broken"}
    with pytest.raises(archive.BackupProblem, match="pg_dump failed: no such database"):
        pg_dump.run(pg_dump.dump_command(broken, tmp_path / "seismo.dump"), broken)


def test_a_damaged_file_of_paces_is_one_sentence(tmp_path: Path) -> None:
    from marketdata.sources.base import SourceUnavailable
    from marketdata.sources.http.sqlite_rate_limits import SqliteRateLimits

    file = tmp_path / "paces.sqlite3"
    file.write_bytes(b"no database at all, and longer than a header of SQLite" * 100)
    with pytest.raises(SourceUnavailable, match=r"paces.sqlite3 is damaged \(file is not a .* delete it"):
        SqliteRateLimits(file).read("kis")
