#!/usr/bin/env python
"""Seismo's command line. Every command explains itself with --help."""

import os
import sys


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "seismo_site.settings")
    try:
        from seismo_site.cli_errors import run
    except ModuleNotFoundError as error:
        if error.name and error.name.split(".")[0] == "seismo_site":
            raise
        sys.exit(f"{error.name} is not installed here: run `make install`, then use .venv/bin/python.")
    return run(sys.argv)


if __name__ == "__main__":
    sys.exit(main())
