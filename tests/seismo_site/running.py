"""Seismo's command line as a person runs it: a process of its own, over an installation of its own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

from django.conf import settings

from marketdata import calendars

ROOT = Path(__file__).parents[2]
FOREIGN = ("SEISMO_", "DATABASE_", "REDIS_", "DJANGO_")


def environment(data: Path) -> dict[str, str]:
    """The environment of an installation with its data in `data`, without anything set for another one."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    return {**kept, "SEISMO_ENV_FILE": os.devnull, "SEISMO_DATA_DIR": str(data)}


def manage(data: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """`manage.py` with a data directory and settings of its own."""
    return prepared(None, data, *arguments, **env)


def prepared(
    prepare: Callable[[], None] | None, data: Path, *arguments: str, **env: str
) -> subprocess.CompletedProcess[str]:
    """The same; `prepare` is called in the process before it becomes the command's."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={**environment(data), **env},
        capture_output=True,
        text=True,
        timeout=900,  # a busy machine is no failure, a command that hangs is one
        check=False,
        preexec_fn=prepare,
    )


def managed(data: Path, *arguments: str, **env: str) -> str:
    """What a command prints that must not fail."""
    done = manage(data, *arguments, **env)
    assert done.returncode == 0, done.stderr
    return done.stdout


def run_in_shell(data: Path, code: str, **env: str) -> str:
    """The output of Python code in an installation."""
    return managed(data, "shell", "--no-imports", "-c", code, **env)


def killed_in_shell(data: Path, code: str, **env: str) -> None:
    """Run Python code in an installation that kills its process."""
    done = manage(data, "shell", "--no-imports", "-c", code, **env)
    assert done.returncode == -signal.SIGKILL, done.stderr


def managed_in_turn(data: Path, *commands: Sequence[str], **env: str) -> str:
    """The same of several commands that prepare a test, in one process: a start takes longer than many a command."""
    program = f"from django.core.management import call_command\nfor line in {commands!r}: call_command(*line)"
    return run_in_shell(data, program, **env)


def run_program(data: Path, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A program of Python on an installation."""
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=ROOT,
        env={**environment(data), "DJANGO_SETTINGS_MODULE": "seismo_site.settings"},
        check=False,
        capture_output=True,
        text=True,
    )


IN_TURN = """
from seismo_site.cli_errors import run
for line in {commands!r}:
    try:
        print(run(["manage.py", *line]))
    except SystemExit as end:
        print(end.code)
"""


def refused_in_turn(data: Path, *commands: Sequence[str]) -> list[str]:
    """The sentences of commands that are refused, one after the other in one process."""
    done = run_program(data, IN_TURN.format(commands=commands))
    assert done.stdout.split() == ["1"] * len(commands)
    return done.stderr.splitlines()


def installed(data: Path, **servers: str) -> Path:
    """`data` as an installation that is migrated, on `servers` or SQLite, and has built its calendar: both take
    seconds, so that they are copies where they can be."""
    data.mkdir(parents=True, exist_ok=True)
    calendars.get_calendar_sessions("XKRX", cache=settings.CALENDAR_DIR, overrides={})
    shutil.copytree(settings.CALENDAR_DIR, data / "calendars")
    if servers.get("DATABASE_URL"):
        managed(data, "migrate", "--verbosity", "0", **servers)
    else:
        shutil.copy(_migrated(), data)
    return data


@cache
def _migrated() -> Path:
    """The database of a new installation."""
    data = Path(os.environ["SEISMO_DATA_DIR"]) / "installed"
    managed(data, "migrate", "--verbosity", "0")
    return data / "seismo.sqlite3"
