"""Preload of Dask workers that judge sweeps: `dask worker tcp://scheduler:8786 --preload seismo_site.dask_worker`.

Settings are those of the worker's environment, as for a command. Workers that only scan do without.
"""

from __future__ import annotations

import os
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "seismo_site.settings")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as in command_line

import django


def dask_setup(worker: Any) -> None:
    """Start Django before the worker takes its first task; Dask calls it by this name."""
    django.setup()
