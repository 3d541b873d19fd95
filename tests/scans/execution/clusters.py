"""A Dask cluster on this machine: a scheduler and workers, each a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path


@contextmanager
def running_cluster(
    file: Path, *, workers: int, environment: Mapping[str, str] | None = None, preload: str = ""
) -> Iterator[str]:
    """The address of a scheduler with so many workers of one thread, started in `environment` with a `preload`."""
    common = ["--scheduler-file", str(file), "--no-dashboard"]
    worker = ["dask_worker", "--nthreads", "1", "--no-nanny", *(["--preload", preload] if preload else [])]
    commands = [["dask_scheduler", "--port", "0", "--host", "127.0.0.1"], *([worker] * workers)]
    variables = {**(environment or os.environ), "PYTHONPATH": os.pathsep.join(sys.path)}
    with ExitStack() as stack:
        for name, *options in commands:
            process = subprocess.Popen(
                [sys.executable, "-m", f"distributed.cli.{name}", *options, *common],
                env=variables,
                stderr=subprocess.DEVNULL,
            )
            stack.callback(process.wait)
            stack.callback(process.kill)
        while not file.exists() or not file.stat().st_size:
            time.sleep(0.1)
        address = json.loads(file.read_text())["address"]
        from distributed import Client

        with Client(address, set_as_default=False) as client:
            client.wait_for_workers(workers, timeout=60)
        yield address
