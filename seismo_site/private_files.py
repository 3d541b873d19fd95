"""The data directory belongs to its user alone: directories 0700, files 0600.

The process's umask sees to what is made from now on. What an earlier release left open to others is closed once, on
the first start; after that the directory itself is closed, which says that it was done. Only what Seismo makes is
touched: a data directory may be a place that holds other things too.
"""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

OTHERS_BITS = 0o077
DATA_PATTERNS = (
    "answers",
    "calendars",
    "demo",
    "kept-databases",
    "lake",
    "locks",
    "metrics",
    "paces.sqlite3*",
    "rejects",
    "scores",
    "secret_key",
    "seismo.sqlite3*",
    "static",
    "tokens",
)
"""The files of a data directory, as patterns of names."""


def close_to_others(data: Path) -> None:
    """Close `data` and what Seismo has put there to others, and all that this process makes from now on."""
    os.umask(OTHERS_BITS | _umask())
    mode = data.stat().st_mode
    if not mode & OTHERS_BITS or mode & stat.S_ISVTX:
        return
    paths = [path for pattern in DATA_PATTERNS for path in data.glob(pattern)]
    for path in paths:
        _close_tree(path)
    strangers = {path.name for path in data.iterdir()} - {path.name for path in paths}
    if paths or not strangers:
        _close(data)


def _umask() -> int:
    now = os.umask(OTHERS_BITS)
    os.umask(now)
    return now


def _close_tree(top: Path) -> None:
    if top.is_dir() and not top.is_symlink():
        for folder, _, files in os.walk(top):
            for name in files:
                _close(Path(folder) / name)
            _close(Path(folder))
    else:
        _close(top)


def _close(path: Path) -> None:
    with contextlib.suppress(OSError):  # another's, or gone meanwhile
        if not path.is_symlink():
            path.chmod(stat.S_IMODE(path.stat().st_mode) & ~OTHERS_BITS)
