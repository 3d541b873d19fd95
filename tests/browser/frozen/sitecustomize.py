"""The clock of a process with this folder in PYTHONPATH: the moment that is written in the file FROZEN_CLOCK."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

from django.utils import timezone

FILE = Path(os.environ["FROZEN_CLOCK"])


def now() -> datetime:
    return datetime.fromisoformat(FILE.read_text(encoding="utf-8"))


timezone.now = now
