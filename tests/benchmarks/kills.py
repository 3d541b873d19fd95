"""python -m tests.benchmarks.kills [--kills N] [--seed N] [--codes N]: workers and their supervisor are killed.

Requests of one session each and of a range, and messages, wait in the queues of an installation of its own (SQLite).
`manage.py workers` does them while, every other second, a process of it is killed with SIGKILL: the supervisor, a
cluster, its sentinel, a worker, a pusher or a monitor, drawn by the seed; a killed supervisor is started again. Each
task publishes some hundred picks, so that kills hit tasks in the middle; how many is printed. Meanwhile the webhook
answers the first try of every fourth message with 503, and another program keeps the database locked for a second or
two at a time. In the end every task is done, every session is published once and whole, the webhook got each message
once, no process is left, and the share of tasks that failed for good, as /metrics has it, is below 1 %: a task that a
later attempt did is no failure. Exit status 0 if so, 1 if not.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pandas as pd

from tests.scans.conftest import frame
from tests.seismo_site.running import ROOT, environment, installed, run_in_shell

QUEUE = """
import pathlib
from django.utils import timezone
from marketdata.operations.imports.prices import import_prices
from scans.models import Notification
from scans.operations import versions
from scans.operations.evening import notify
from scans.operations.evening.channels import operator_channels
from scans.operations.requests import queue
now = timezone.now()
import_prices(files=[pathlib.Path("{file}")], market="kr", as_of=now)
for slug in ("up", "up2"):
    settings = dict(match="close > ema(close, 3)", min_bars=5)
    versions.create_version(slug=slug, engine="formula", settings=settings, who="", at=now)
days = {days}
def queued(first, last, names):
    day = timezone.datetime.fromisoformat
    span = dict(first=day(first).date(), last=day(last).date())
    queue.queue_request(market="kr", as_of=now, requested_by="ann", versions=names, **span)
queued(days[5], days[-1], ["up", "up2"])
for day in days[5:]:
    queued(day, day, ["up"])
    queued(day, day, ["up2"])
for n, day in enumerate(days[:{messages}]):
    row = Notification.objects.create(market="kr", session=day, kind="evening", outcome="done", digest=str(n),
        reason="", versions=[], collection={{}}, signals={{}}, readiness={{}}, created_at=now, changed_at=now)
    for channel in operator_channels().values():
        notify._prepare_delivery(row, channel, now - 3 * notify.LEASE)
"""
STATE = """
import json
from django.utils import timezone
from marketdata.models import TaskRecord
from marketdata.operations.tasks.figures import failure_shares
from scans.models import Delivery, ScanRequest, ScanSession
rows = ScanSession.objects.filter(published=True)
print(json.dumps(dict(
    tasks=[[t.kind, t.status, t.attempts, t.reason] for t in TaskRecord.objects.all()],
    requests=list(ScanRequest.objects.values_list("status", flat=True)),
    published=[f"{r.scanner_version.slug} {r.date}" for r in rows.select_related("scanner_version")],
    whole=all(r.ranks.count() == r.ranked for r in rows),
    deliveries=Delivery.objects.filter(sent_at=None).count(),
    shares=failure_shares(timezone.now()),
)))
"""
MESSAGES = 12
REFUSED = 4
"""The first try of each so many messages is refused."""
LOCKED = 1.5
"""Seconds for which another program keeps the database locked."""
MOST_FAILED = 0.01
SECONDS = 900


@contextmanager
def webhook() -> Iterator[tuple[str, list[str]]]:
    """The address of a webhook and the identities of the messages that it took."""
    got: list[str] = []
    tries = Counter[str]()

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            message = self.headers["x-seismo-delivery"]
            tries[message] += 1
            is_refused = tries[message] == 1 and len(tries) % REFUSED == 0
            self.send_response(503 if is_refused else 204)
            self.end_headers()
            if not is_refused:
                got.append(message)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Hook) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/", got
        server.shutdown()


@contextmanager
def locked_database(file: Path, pause: float) -> Iterator[None]:
    """Meanwhile the SQLite database is locked again and again, with so many seconds between."""
    over = threading.Event()

    def lock() -> None:
        while not over.wait(pause):
            with closing(sqlite3.connect(file, timeout=60, isolation_level=None)) as database:
                database.execute("BEGIN IMMEDIATE")
                over.wait(LOCKED)

    thread = threading.Thread(target=lock)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def family(root: int) -> list[int]:
    """The process and all that descend from it."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, IndexError):
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            if fields[0] not in "ZX":
                children.setdefault(int(fields[1]), []).append(int(folder.name))
    rows, todo = [], [root]
    while todo:
        rows.append(todo.pop())
        todo += children.get(rows[-1], [])
    return rows


def bars(days: list[date], codes: int) -> pd.DataFrame:
    """Random bars of so many instruments on `days`, or a few more."""
    batches: list[pd.DataFrame] = []
    while sum(batch.code.nunique() for batch in batches) < codes:
        batch = frame(days, seed=len(batches))
        batches.append(batch.assign(code=f"{len(batches) + 1:03d}" + batch.code.str[-3:]))
    return pd.concat(batches)


def processes_of(data: Path) -> list[int]:
    """The processes whose data directory this is."""
    rows, setting = [], f"SEISMO_DATA_DIR={data}".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if setting in (folder / "environ").read_bytes().split(b"\0"):
                rows.append(int(folder.name))
    return rows


def run(kills: int, seed: int, codes: int) -> int:
    """Kill, wait for the end, compare; returns the exit status."""
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder, webhook() as (address, got):
        data, file = Path(folder) / "data", Path(folder) / "prices.csv"
        os.environ |= {"DJANGO_SETTINGS_MODULE": "seismo_site.settings", "SEISMO_DATA_DIR": folder}
        settings = {"SEISMO_NOTIFY_URL": address, "SEISMO_LOG_LEVEL": "INFO"}
        days = [f"{day}" for day in pd.bdate_range("2024-03-04", "2024-04-30").date if f"{day}" != "2024-04-10"]
        bars([pd.Timestamp(day).date() for day in days], codes).to_csv(file, index=False)
        installed(data)
        run_in_shell(data, QUEUE.format(file=file, days=days, messages=MESSAGES), **settings)

        def start() -> subprocess.Popen[bytes]:
            command = [sys.executable, "manage.py", "workers", "--min", "2", "--max", "3"]
            log = (Path(folder) / "log").open("ab")
            return subprocess.Popen(command, cwd=ROOT, env={**environment(data), **settings}, stdout=log, stderr=log)

        def state() -> Any:
            return json.loads(run_in_shell(data, STATE, **settings))

        supervisor, killed, until = start(), Counter[str](), time.monotonic() + SECONDS
        with locked_database(data / "seismo.sqlite3", 4.0):
            while sum(killed.values()) < kills:
                time.sleep(chance.uniform(0.5, 3.0))
                ready = time.monotonic() + 20
                while len(members := family(supervisor.pid)) < 7 and time.monotonic() < ready:
                    time.sleep(0.2)  # the supervisor, a cluster of five, and another that starts
                victim = supervisor.pid if chance.random() < 0.2 else chance.choice(members)
                with suppress(ProcessLookupError):
                    os.kill(victim, signal.SIGKILL)
                    killed["supervisor" if victim == supervisor.pid else "another"] += 1
                if victim == supervisor.pid:
                    supervisor.wait()
                    supervisor = start()
        print(f"killed: {dict(killed)}")
        while time.monotonic() < until:
            result = state()
            unfinished = [task for task in result["tasks"] if task[1] in ("waiting", "running")]
            if not unfinished and not result["deliveries"]:
                break
            time.sleep(2)
        supervisor.send_signal(signal.SIGTERM)
        supervisor.wait()
        left = processes_of(data)
    expected = sorted(f"{slug} {day}" for slug in ("up", "up2") for day in days[5:])
    wrong = [
        f"tasks not done: {[task for task in result['tasks'] if task[1] != 'done']}" if any(
            task[1] != "done" for task in result["tasks"]) else "",
        "" if set(result["requests"]) == {"done"} else f"requests: {Counter(result['requests'])}",
        "" if sorted(result["published"]) == expected else "not every session is published once",
        "" if result["whole"] else "a session is not whole",
        f"processes left: {left}" if left else "",
        "" if sorted(Counter(got).values()) == [1] * MESSAGES else f"messages: {Counter(got)}",
        "" if all((share or 0.0) < MOST_FAILED for share in result["shares"].values()) else "too many failed",
    ]  # fmt: skip
    again = sum(task[2] > 1 for task in result["tasks"])
    dead = sum(task[1] == "dead" for task in result["tasks"])
    print(f"tasks: {len(result['tasks'])}, attempted more than once: {again}, failed for good: {dead}; "
          f"sessions: {len(result['published'])}; messages: {len(got)}; processes left: {len(left)}")  # fmt: skip
    shares = ", ".join(f"{share or 0.0:.2%} in {window}" for window, share in result["shares"].items())
    print(f"share of tasks that failed for good: {shares}")
    print("\n".join(filter(None, wrong)) or "every task once, no message twice")
    return int(any(wrong))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--codes", type=int, default=1000)
    options = parser.parse_args()
    sys.exit(run(options.kills, options.seed, options.codes))
