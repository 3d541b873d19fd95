"""queues: how long a request of one session waits beside ranges, by broker.

1. An installation of KRX, of its own for each broker: SQLite's, PostgreSQL's, Redis beside PostgreSQL.
2. `manage.py qcluster --queue high` with one worker, and one of `low` with three, as a supervisor starts them.
3. A range over every recorded session by each of three versions is at work all the time; meanwhile requests of the
   last session are queued one after the other. Both compute and publish: parameters without effect change each time.

A wait is from the call that queues the request to the claim of its task, by the clock that both share.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace

from tests.benchmarks.installations import Bench, Installation
from tests.benchmarks.measurement import ROOT
from tests.benchmarks.report import Line, Table
from tests.servers import Servers

RANGES = ("v1", "v3", "seismograph")
VERSION = "v2"
REQUESTS = 20
AIM = 1.0
"""Seconds that a request waits at most."""


@contextmanager
def task_workers(installation: Installation, **workers: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Running clusters with so many workers for each queue; they are drained at the end."""
    with ExitStack() as stack:
        log = stack.enter_context((installation.folder / "workers.log").open("ab"))
        processes = []
        for queue, count in workers.items():
            name = "SEISMO_TASK_WORKERS_HIGH" if queue == "high" else "SEISMO_TASK_WORKERS"
            env = {**installation.env, name: f"{count}", "SEISMO_LOG_LEVEL": "INFO"}
            command = [sys.executable, "manage.py", "qcluster", "--queue", queue]
            processes.append(subprocess.Popen(command, cwd=ROOT, env=env, stdout=log, stderr=log, process_group=0))
        try:
            yield processes
        finally:
            for process in processes:
                os.killpg(process.pid, signal.SIGTERM)
            for process in processes:
                process.wait()


def section(bench: Bench) -> None:
    """The waits with each broker."""
    for broker in ("SQLite", "PostgreSQL", "Redis"):
        servers = Servers()
        try:
            _measure(bench, broker, servers)
        finally:
            servers.stop()


def _measure(bench: Bench, broker: str, servers: Servers) -> None:
    if broker == "SQLite":
        installation = bench.krx()
    else:
        installation = replace(
            bench.fresh("queues", servers.postgres()), redis_url=servers.redis() if broker == "Redis" else ""
        )
        installation.manage("import_prices", *map(str, bench.raw_files()))
        installation.manage("project_lake")
    days = installation.run_task("extent", market="kr")["sessions"]
    with task_workers(installation, high=1, low=len(RANGES)):
        done = installation.run_task(
            "beside_ranges",
            market="kr",
            first=days[0],
            last=days[-1],
            ranges=RANGES,
            version=VERSION,
            requests=REQUESTS * bench.runs(1),
        )
    waits: Sequence[float] = sorted(done["waits"])
    most = f"most {waits[-1]:.2f} s: < {AIM:g} s {'met' if waits[-1] < AIM else 'MISSED'}"
    lines = [
        Line("wait of a request", waits, note=most),
        Line("of it the call that queues", done["calls"]),
        Line("the request's own scan", done["takes"]),
    ]
    title = f"requests of one session beside {len(RANGES)} ranges, broker {broker}"
    call = "manage.py qcluster --queue high; SEISMO_TASK_WORKERS=3 manage.py qcluster --queue low"
    bench.report.table(
        Table("queues", title, call, lines, [f"meanwhile the ranges published {done['sessions']:,} sessions"])
    )
