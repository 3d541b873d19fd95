"""load: how quickly a production server answers, over HTTP, on PostgreSQL and Redis.

1. An installation of two years of KRX with published versions and signals (`Bench.served`).
2. The server as the image starts it (`tests.serving`), with requests of a reader with a token.
3. `http_load` requests the latest scan, a chart and signals over 1, 8 and 32 connections: first addresses that all
   differ, so that each answer is computed and cached, then one address again and again.

Latencies are those the client sees. CPU is that of the server's processes, PostgreSQL and Redis together, for each
request: what other work on the machine disturbs least.
"""

from __future__ import annotations

from datetime import date

import redis

from tests.benchmarks import http_load
from tests.benchmarks.installations import Bench
from tests.benchmarks.measurement import tree_cpu
from tests.benchmarks.report import Line, Table
from tests.servers import Servers
from tests.serving import SERVER, serving

CONNECTIONS = (1, 8, 32)
SECONDS = 8.0
COLD, WARM = 100.0, 20.0
"""Milliseconds that 95 of 100 answers should take at most at eight connections."""
AT = 8
CODE = "005930"
INDICATORS = "indicators=ema20,ema60,rsi14"


def section(bench: Bench) -> None:
    """Every endpoint, cold and warm."""
    servers = Servers()
    try:
        database, cache = servers.postgres(), servers.redis()
        installation = bench.served(database, cache)
        token = installation.run_task("token")["secret"]
        codes = installation.run_task("codes", market="kr")["codes"]
        with serving(installation.env, installation.folder / "server.log") as server:
            pids = [server.pid, *servers.pids()]
            client = http_load.Client(server.port, token)
            bench.report.table(_table(bench, client, pids, cache, codes))
    finally:
        servers.stop()


def _table(bench: Bench, client: http_load.Client, pids: list[int], cache: str, codes: list[str]) -> Table:
    seconds = SECONDS * bench.runs(1)
    lines = []
    for name, warm, cold in (
        ("latest scan", "kr/scans/latest?scanner_version=v2", _numbered("kr/scans/latest?min_score=-{}")),
        ("chart, 1 year", f"kr/stocks/{CODE}/chart?{INDICATORS}", _charts(codes)),
        ("signals", "kr/signals", _days("kr/signals?limit=50&from={}")),
    ):  # fmt: skip
        for kind, addresses in (("cold", cold), ("warm", [warm])):
            for connections in CONNECTIONS:
                redis.Redis.from_url(cache).flushdb()
                client.check(addresses[0])
                before = tree_cpu(pids)
                seen = client.drive(addresses, connections, seconds)
                spent = tree_cpu(pids) - before
                aim = {"cold": COLD, "warm": WARM}[kind] if connections == AT else None
                lines.append(Line(f"{name}, {kind}, {connections:2} connections", note=_latency_line(seen, spent, aim)))
    return Table(
        "load",
        "requests to a production server on PostgreSQL and Redis",
        f"granian seismo_site.wsgi:application {' '.join(SERVER)}, {http_load.tool()}, {seconds:g} s each",
        lines,
        ["cold: every address differs and the cache was emptied; warm: one address"],
    )


def _latency_line(seen: http_load.Seen, cpu: float, aim: float | None) -> str:
    verdict = ""
    if aim is not None:
        verdict = f"  p95 < {aim:g} ms {'met' if seen.p95 < aim else 'MISSED'}"
    each = 1000 * cpu / seen.requests
    return (
        f"p50 {seen.p50:7.1f}  p95 {seen.p95:7.1f}  p99 {seen.p99:7.1f} ms  {seen.rate:7.0f}/s  "
        f"cpu {each:5.2f} ms a request{verdict}"
    )


def _numbered(form: str, count: int = 9_000) -> list[str]:
    return [form.format(n) for n in range(100, 100 + count)]


def _days(form: str, count: int = 9_000) -> list[str]:
    """Days long before the first signal, so that every answer is the same page."""
    return [form.format(date.fromordinal(200_000 + n)) for n in range(count)]


def _charts(codes: list[str]) -> list[str]:
    return [f"kr/stocks/{code}/chart?{INDICATORS}" for code in codes]
