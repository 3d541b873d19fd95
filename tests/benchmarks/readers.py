"""readers: how a production server on PostgreSQL and Redis serves the readers of a market while it changes.

1. The first analysis and the first evaluation of a server with an empty cache, each of a server of its own.
2. Once a server's warm-up is over, readers request scans, charts, signals and pages by Zipf's law (`reader_mix`), for
   `--seconds`, while lists are published and bars corrected in turn. After each change a process without the server's
   cache computes what `WATCHED` addresses have to say: any other answer to a request that was sent after the change is
   stale.
3. The same requests to a server whose cache cannot be reached. Statements are counted by PostgreSQL's log.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
import redis

from tests.benchmarks import http_load, reader_mix
from tests.benchmarks.installations import Bench, Installation
from tests.benchmarks.measurement import ROOT, BenchFailed, tree_cpu
from tests.benchmarks.reader_mix import Reading
from tests.benchmarks.report import Line, Table
from tests.servers import Servers
from tests.serving import serving

SECONDS, RATE, CONNECTIONS = 300.0, 60.0, 8
AFTER = 3.0
"""Seconds after a publication and its warm-up in which readers want new answers."""
PAUSE = 8.0
"""Seconds between two changes."""
WARM = 6.0
"""Seconds after which the warm-up of a server that starts is over."""
SESSIONS, VERSIONS = 60, ("v2", "v3")
UNCACHED = 300
"""Requests without a cache."""
CODE = "005930"
FIRST = {"first analysis": f"/api/kr/analysis/{CODE}", "first evaluation": "/api/kr/evaluation"}
FIRST_SECONDS, P95, P99, RATIO = 1.0, 0.050, 0.200, 0.80
SERVER = "seismo-server"
"""The server's name in PostgreSQL's log."""
STATEMENT = re.compile(rf"^{SERVER} LOG:  duration: [\d.]+ ms  (?:execute|statement)[^:]*: (?!BEGIN|COMMIT|SET)", re.M)


@dataclass(frozen=True, slots=True)
class Change:
    """A change of the data: when it was begun and done, until when the data stayed so, and what was right then."""

    kind: str
    began: float
    done: float
    until: float
    expected: dict[str, str]


def section(bench: Bench) -> None:
    """First answers, and the load."""
    servers = Servers()
    try:
        database, cache = servers.postgres(), servers.redis()
        installation = bench.served(database, cache, versions=VERSIONS, sessions=SESSIONS)
        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET log_min_duration_statement = 0")
            connection.execute("ALTER SYSTEM SET log_line_prefix = '%a '")
            connection.execute("SELECT pg_reload_conf()")
        _Load(bench, installation, servers).run()
    finally:
        servers.stop()


class _Load:
    def __init__(self, bench: Bench, installation: Installation, servers: Servers) -> None:
        self.bench, self.installation, self.servers = bench, installation, servers
        self.env = dict(installation.env) | {"PGAPPNAME": SERVER}
        account = installation.run_task("reader")
        self.session = account["session"]
        self.token = account["token"]
        codes = installation.run_task("codes", market="kr")["codes"]
        self.codes = [CODE, *(code for code in codes if code != CODE)]
        self.log = servers.folder / "postgres" / "log"
        self.by_route: list[Line] = []

    def run(self) -> None:
        """Measure, and print the tables."""
        self.bench.report.table(self._first_answers())
        length = self.bench.seconds or SECONDS
        addresses = reader_mix.addresses(self.codes, VERSIONS, max(int(length * RATE), 1))
        lines, statements, remarks = self._with_cache(addresses)
        away = self._without_cache(addresses[:UNCACHED])
        share = statements / away
        note = f"{statements:.2f} a request, {away:.2f} without a cache"
        lines.append(Line("statements of PostgreSQL against no cache", ratio=share, note=note, aims={"ratio": 0.5}))
        call = f"{RATE:g} requests a second over {CONNECTIONS} connections for {length:g} s"
        self.bench.report.table(Table("readers", "a market that changes while it is read", call, lines, remarks))
        self.bench.report.table(Table("readers", "answers by route, and what p95 is made of", call, self.by_route))

    def headers(self, address: str) -> dict[str, str]:
        """A program reads the API with a token, a browser the pages with a session."""
        account = {"Authorization": f"Bearer {self.token}"}
        if not address.startswith("/api/"):
            account = {"Cookie": f"sessionid={self.session}"}
        return {**account, "Accept-Encoding": "gzip", "Accept-Language": "ko"}

    def _first_answers(self) -> Table:
        lines = []
        for name, address in FIRST.items():
            spent, cpu = [], []
            for _ in range(self.bench.runs(3)):
                self._forget()
                with self._serving({"SEISMO_WARM_SECONDS": "0"}) as (port, pids):
                    before = tree_cpu(pids)
                    (reading,) = reader_mix.read(port, self.headers, [address], 0, 1)
                    cpu.append(tree_cpu(pids) - before)
                    _require_answers([reading])
                    spent.append(reading.latency / 1000)
            note = f"{min(cpu):.2f} s of processor time at least"
            lines.append(Line(name, spent, aims={"seconds": FIRST_SECONDS}, note=note))
        return Table("readers", "first answers of a fresh server", "nothing cached, no warm-up", lines)

    def _with_cache(self, addresses: Sequence[str]) -> tuple[list[Line], float, list[str]]:
        self._forget()
        watched = _watched(addresses)
        with (
            self._serving({}) as (port, pids),
            _process(self.installation, "changes", market="kr", version=VERSIONS[0], day=self._last_day()) as change,
            _process(Installation(self.installation.folder, self.installation.database_url), "answers",
                     session=self.session) as compute,
        ):  # fmt: skip
            time.sleep(WARM)
            changes: list[Change] = []
            ended = threading.Event()
            thread = threading.Thread(target=_change, args=(change, compute, watched, ended, changes))
            before, cpu = self._statements(), tree_cpu(pids)
            thread.start()
            readings = reader_mix.read(port, self.headers, addresses, RATE, CONNECTIONS)
            statements, cpu = self._statements() - before, tree_cpu(pids) - cpu
            ended.set()
            thread.join()
            ratio, served = self._hit_ratio(port)
        _require_answers(readings)
        stale, judged = _stale(readings, changes)
        p50, p95, p99 = _quantiles(readings)
        self.by_route = _by_route(readings, changes, p95)
        published = sum(change.kind == "publish" for change in changes)
        lines = [
            Line("95 of 100 answers", [p95], aims={"seconds": P95}),
            Line("99 of 100 answers", [p99], aims={"seconds": P99}, note=f"median {1000 * p50:.1f} ms"),
            Line("answers that were computed", ratio=1 - ratio, aims={"ratio": 1 - RATIO}, note=f"of {served:,}"),
            Line("stale answers", ratio=stale, aims={"ratio": 0}, note=f"{stale} of {judged:,} compared"),
        ]
        distinct = len({reading.address for reading in readings})
        remarks = [
            f"{distinct:,} addresses: at most {1 - distinct / len(readings):.0%} could be cached if nothing changed",
            f"{len(readings):,} requests, {published} publications, {len(changes) - published} corrections",
            f"{1000 * cpu / len(readings):.2f} ms of processor time a request (server, PostgreSQL, Redis, and both "
            "kinds of changes)",
        ]
        return lines, statements / len(readings), remarks

    def _without_cache(self, addresses: Sequence[str]) -> float:
        """Statements of a request to a server that cannot reach its cache."""
        with self._serving({"REDIS_URL": "unix:///nonexistent/redis.sock"}) as (port, _):
            before = self._statements()
            _require_answers(reader_mix.read(port, self.headers, addresses, 0, 2))
            return (self._statements() - before) / len(addresses)

    @contextmanager
    def _serving(self, settings: dict[str, str]) -> Iterator[tuple[int, list[int]]]:
        with serving(self.env | settings, self.installation.folder / "server.log") as server:
            yield server.port, [server.pid, *self.servers.pids()]

    def _forget(self) -> None:
        redis.Redis.from_url(self.installation.redis_url).flushdb()
        shutil.rmtree(self.installation.folder / "scores", ignore_errors=True)

    def _last_day(self) -> str:
        return str(self.installation.run_task("extent", market="kr")["sessions"][-1])

    def _statements(self) -> int:
        """Statements of the server so far."""
        return len(STATEMENT.findall(self.log.read_text(encoding="utf-8", errors="replace")))

    def _hit_ratio(self, port: int) -> tuple[float, int]:
        """The share of cached answers, and how many there were."""
        body = http_load.Client(port, self.token).get("system/cache-stats")
        rows = body["total"]
        hits = sum(row["hits"] + row["coalesced"] for row in rows)
        count = hits + sum(row["misses"] for row in rows)
        return hits / count, count


def _quantiles(readings: Sequence[Reading]) -> tuple[float, float, float]:
    """The median, p95 and p99 of latencies, in seconds."""
    latencies = sorted(reading.latency / 1000 for reading in readings)
    p50, p95, p99 = (latencies[int(share * (len(latencies) - 1))] for share in (0.5, 0.95, 0.99))
    return p50, p95, p99


def _by_route(readings: Sequence[Reading], changes: Sequence[Change], slow: float) -> list[Line]:
    """The p95 of each kind of request, from the beginning of a publication until `AFTER` its end and otherwise, with
    how many of the answers slower than `slow` seconds it has."""
    published = [change for change in changes if change.kind == "publish"]
    groups: dict[str, list[Reading]] = {}
    for reading in readings:
        is_after = any(change.began <= reading.due <= change.done + AFTER for change in published)
        when = "around a publication" if is_after else "otherwise"
        groups.setdefault(f"{reader_mix.kind_of(reading.address)}, {when}", []).append(reading)
    lines = []
    for name, group in sorted(groups.items()):
        p50, p95, _ = _quantiles(group)
        late = sum(reading.latency / 1000 > slow for reading in group)
        note = f"median {1000 * p50:.1f} ms, {len(group):,} answers, {late} of the slowest 5 %"
        lines.append(Line(name, [p95], note=note))
    return lines


def _watched(addresses: Sequence[str]) -> list[str]:
    """One address of each kind that is requested most."""
    counts: dict[str, int] = {}
    for address in addresses:
        counts[address] = counts.get(address, 0) + 1
    return sorted(counts, key=lambda address: -counts[address])[:12]


def _change(
    change: _Process, compute: _Process, watched: list[str], ended: threading.Event, changes: list[Change]
) -> None:
    """Publish and correct in turn until it has ended."""
    turn = 0
    while not ended.wait(PAUSE):
        kind = "correct" if turn % 2 else "publish"
        began = time.perf_counter()
        change.call([kind, CODE])
        done = time.perf_counter()
        expected = dict(zip(watched, compute.call(watched), strict=True))
        ended.wait(PAUSE)
        changes.append(Change(kind, began, done, time.perf_counter(), expected))
        turn += 1


def _stale(readings: Sequence[Reading], changes: Sequence[Change]) -> tuple[int, int]:
    """Answers that say what was right before the last change, and all that were compared."""
    pairs = [
        (reading.digest, change.expected[reading.address])
        for change in changes
        for reading in readings
        if reading.address in change.expected and change.done < reading.sent and reading.answered < change.until
    ]
    return sum(answer != right for answer, right in pairs), len(pairs)


def _require_answers(readings: Sequence[Reading]) -> None:
    for reading in readings:
        if reading.status != 200:
            raise BenchFailed(f"{reading.address} answered {reading.status}")


class _Process:
    """A task that answers lines of JSON (`reader_tasks`)."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def call(self, line: Sequence[str]) -> Any:
        """The answer to a line."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(line) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise BenchFailed("a process that changes or computes has ended")
        return json.loads(answer)


@contextmanager
def _process(installation: Installation, task: str, **options: Any) -> Iterator[_Process]:
    command = [sys.executable, "-m", "tests.benchmarks.task_process", task, json.dumps(options)]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=ROOT, env=dict(installation.env), text=True, **pipes) as process:
        yield _Process(process)
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        process.stdout.read()  # its last answer
