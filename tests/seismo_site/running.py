"""Seismo's command line as a person runs it: a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def manage(data: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """`manage.py` as a person runs it, with a data directory and settings of its own."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("SEISMO_", "DATABASE_", "REDIS_", "DJANGO_"))
    }
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={**kept, "SEISMO_ENV_FILE": os.devnull, "SEISMO_DATA_DIR": str(data), **settings},
        capture_output=True,
        text=True,
        timeout=300,  # the first scan of a data directory builds its calendars; a busy machine is no failure
        check=False,
    )
