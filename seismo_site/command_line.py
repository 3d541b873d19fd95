"""The entry point of the console script `seismo` and of `manage.py`, which are the same command line."""

from __future__ import annotations

import gc
import os
import sys

GARBAGE_FROM = 50_000
"""New objects from which the collector looks for garbage: start-up makes half a million objects and no garbage, and
Python's own 700 has it looked through hundreds of times, a twentieth of a short command's processor time."""


def main() -> int:
    """Run the management command that the arguments name and return its exit status."""
    gc.set_threshold(GARBAGE_FROM)
    # OpenBLAS reads it as numpy is imported. An evaluation's products of matrices are small, and beside other processes
    # threads that wait for each other take more of the processor's time than the products.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "seismo_site.settings")
    try:
        from seismo_site.cli_errors import run
    except ModuleNotFoundError as error:
        if error.name and error.name.split(".")[0] == "seismo_site":
            raise
        sys.exit(f"{error.name} is not installed here: run `make install`, then use .venv/bin/python.")
    return run(sys.argv)
