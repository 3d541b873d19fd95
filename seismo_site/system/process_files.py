"""Figures that each process of this host writes into a file of its own, so that any of them adds up all: below the
directory of metrics, from which files of processes that have ended are removed."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings

FOLDER: Path = settings.METRICS_DIR
"""The directory of the figures of this host's processes."""


def write(name: str, body: dict[str, Any]) -> None:
    """Replace this process's figures called `name`. A directory that cannot be written to is no reason to fail."""
    file = FOLDER / f"{name}_{os.getpid()}.json"
    temporary = file.with_suffix(".tmp")
    try:
        temporary.write_text(json.dumps(body), encoding="utf-8")
        temporary.replace(file)
    except OSError:
        return


def read(name: str) -> Iterator[Any]:
    """The figures called `name` of each process."""
    for file in sorted(FOLDER.glob(f"{name}_*.json")):
        try:
            yield json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError):  # removed meanwhile
            continue


def remove_dead_processes() -> None:
    """Remove the files of processes that are gone."""
    for file in (*FOLDER.glob("*.db"), *FOLDER.glob("*.json"), *FOLDER.glob("*.tmp")):
        number = file.stem.rpartition("_")[2]
        if number.isdecimal() and not _lives(int(number)):
            file.unlink(missing_ok=True)


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's
        return True
    return True
