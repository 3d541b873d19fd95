"""python -m tests.marketdata.operations.candles.collecting: a process for each line of standard input.

Each line is the arguments of `collect_candles`. The process is forked from this one, which has loaded everything but
opened no connection; standard output tells its number and, once it has ended, how (minus the signal that killed it).
"""

from __future__ import annotations

import os
import sys
from importlib import import_module

import django


def main() -> None:
    django.setup()
    from seismo_site.command_line import run  # once Django is set up

    import_module("marketdata.management.commands.collect_candles")
    for line in sys.stdin:
        child = os.fork()
        if not child:
            devnull = os.open(os.devnull, os.O_WRONLY)
            os.dup2(devnull, 1)
            os._exit(run(["manage.py", "collect_candles", "--skip-checks", *line.split()]))
        print(child, flush=True)
        _, how = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(how), flush=True)


if __name__ == "__main__":
    main()
