"""python -m tests.marketdata.candles.operations.collecting: a process for each line of standard input.

Each line is the arguments of `collect_candles`. The first is collected by this process itself, so that whatever is
loaded at first use is loaded; those of the others are forked from it, without a thread or a connection. Standard output
tells the number of each and, once it has ended, how (minus the signal that killed it).
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
import threading
from importlib import import_module

import django
from django.db import connections


def main() -> None:
    django.setup()
    from seismo_site.cli_errors import run  # once Django is set up

    import_module("marketdata.candles.management.commands.collect_candles")

    def collect(line: str) -> int:
        with contextlib.redirect_stdout(io.StringIO()):
            return run(["manage.py", "collect_candles", "--skip-checks", *line.split()])

    print(os.getpid(), collect(sys.stdin.readline()), sep="\n", flush=True)
    connections.close_all()
    for thread in set(threading.enumerate()) - {threading.current_thread()}:
        thread.join()  # it ends after the signal
    for line in sys.stdin:
        child = os.fork()
        if not child:
            os._exit(collect(line))
        print(child, flush=True)
        _, how = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(how), flush=True)


if __name__ == "__main__":
    main()
