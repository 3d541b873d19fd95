"""PostgreSQL's own programs for backups: pg_dump and pg_restore, where they are on PATH, or the command to run them."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seismo_site.backup.archive import BackupProblem

PASSWORD = "passfile"  # noqa: S105 (the name of libpq's option)


def dump_command(database: Mapping[str, Any], file: Path) -> list[str]:
    """The command that dumps the database to `file`."""
    return ["pg_dump", "--format=custom", "--no-owner", f"--file={file}", _address(database)]


def restore_command(database: Mapping[str, Any], file: Path) -> list[str]:
    """The command that replaces the database by that of `file`, in one transaction."""
    return [
        "pg_restore", "--clean", "--if-exists", "--no-owner", "--single-transaction", "--exit-on-error",
        f"--dbname={_address(database)}", str(file),
    ]  # fmt: skip


def run(command: list[str], database: Mapping[str, Any]) -> bool:
    """Run the command; False where its program is not installed, BackupProblem where it fails. The password is in
    a file readable by its owner alone, since other users see the arguments of a program."""
    if shutil.which(command[0]) is None:
        return False
    with tempfile.NamedTemporaryFile("w", prefix="seismo-", suffix=".pgpass") as secret:
        word = str(database["PASSWORD"]).replace("\\", "\\\\").replace(":", "\\:")
        secret.write(f"*:*:*:*:{word}\n")
        secret.flush()
        address = _address(database)
        private = f"{address} {PASSWORD}={secret.name}" if word else address
        done = subprocess.run(  # noqa: S603 (of PostgreSQL, and the settings of this database)
            [part.replace(address, private) for part in command], capture_output=True, text=True, check=False
        )
    if done.returncode:
        why = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise BackupProblem(f"{command[0]} failed: {why}")
    return True


def shell_command(command: list[str]) -> str:
    """The command for a shell, without the password, which the program prompts for or reads from ~/.pgpass."""
    return shlex.join(command)


def _address(database: Mapping[str, Any]) -> str:
    """The database as libpq's key=value pairs, without its password."""
    pairs = {"host": database["HOST"], "port": database["PORT"], "user": database["USER"], "dbname": database["NAME"]}
    return " ".join(f"{name}={_quoted(str(value))}" for name, value in pairs.items() if value)


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'" if not value.isalnum() else escaped
