"""The budgets of the trader's pages: how long their HTML takes with and without what is kept, what a first view weighs,
when a browser paints and a chart of 2,500 sessions is drawn.

Cold: 8 connections ask for one page at once, after a new generation of the market's data. Kept: 8 connections ask for
it without a pause.
"""

from __future__ import annotations

import http.client
import os
import shutil
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.benchmarks import http_load
from tests.benchmarks.installations import Bench, Installation
from tests.benchmarks.measurement import ROOT, BenchFailed, tree_cpu
from tests.benchmarks.report import Line, Table
from tests.benchmarks.scenarios import VERSIONS
from tests.serving import serving

CONNECTIONS = 8
ROUNDS = 8
"""New generations for each page: a p95 of `ROUNDS` x `CONNECTIONS` answers."""
SECONDS = 2.0
VIEWS = 5
SESSIONS = 60
"""Sessions that are scanned."""
CODE, LONG_MARKET, LONG = "005930", "kr-long", 2_500
COLD, KEPT, PAINT, CHART = 0.100, 0.020, 1.0, 0.600
WEIGHT, WEIGHT_WITH_CHART = 60, 140

LONG_CHART = """
import numpy as np, pandas as pd
from datetime import datetime, timezone
from marketdata.operations.imports.prices import import_prices
from marketdata.operations.projection import project
from marketdata.queries.market_calendar import get_sessions
days = get_sessions("kr")
days = days[days <= np.datetime64("{last}")][-{count}:]
close = np.round(50_000 * np.exp(np.cumsum(np.random.default_rng(14).normal(0, 0.01, len(days)))), -2)
rows = pd.DataFrame({{"code": "{code}", "date": days.astype(str), "open": close, "high": close * 1.01,
    "low": close * 0.99, "close": close, "volume": 1_000_000}})
rows.to_csv("{folder}/long.csv", index=False)
from pathlib import Path
import_prices(files=[Path("{folder}/long.csv")], market="{market}", as_of=datetime.now(timezone.utc))
project.project_bars("{market}")
"""
LOGIN = """
from django.contrib.auth.models import User
from django.test import Client
user, _ = User.objects.get_or_create(username="reader")
client = Client()
client.force_login(user)
print(client.cookies["sessionid"].value)
"""
ADVANCE = """
import sys
from marketdata.operations import generations
for line in sys.stdin:
    generations.advance(line.strip())
    print("done", flush=True)
"""


@dataclass(frozen=True, slots=True)
class PageReader(http_load.Client):
    """A reader who has logged in; `token` is the key of the session."""

    @property
    def headers(self) -> dict[str, str]:
        return {"Cookie": f"sessionid={self.token}", "Accept-Encoding": "gzip", "Accept-Language": "ko"}


def section(bench: Bench) -> None:
    """Measure every page on KRX, then the views of a browser where there is one."""
    installation = _prepared(bench)
    days = installation.run_task("extent", market="kr")["sessions"]
    token = installation.manage("shell", "--no-imports", "-c", LOGIN).output.split()[-1]
    pages = {
        "tonight": "kr/",
        "tonight of a day": f"kr/{days[-2]}/",
        "signals": "kr/signals",
        "signals, closed": "kr/signals?status=closed",
        "stock": f"kr/s/{CODE}",
        "review": f"kr/{days[-1]}/review",
        "search": "kr/search?q=00",
        "sources": "kr/sources",
        "research": "kr/research",
        "portfolio": "kr/portfolio",
        "portfolio, its report": "kr/portfolio/report?part",
        "filters": f"kr/funnel?scanner_version=v2&date={days[-1]}&part",
        "reasons": f"kr/reasons/{CODE}?part",
        "settings": "settings",
        "help": "help",
    }
    # Without the warm-up of a server that starts, which the first pages would be measured beside.
    env = {**installation.env, "SEISMO_WARM_SECONDS": "0"}
    with serving(env, installation.folder / "server.log") as server, _advancing(env) as advance:
        reader = PageReader(server.port, token, prefix="/")
        cold, kept = [], []
        for name, path in pages.items():
            reader.check(path)
            before = tree_cpu([server.pid])
            p95 = _cold_p95(reader, path, advance)
            spent = 1000 * (tree_cpu([server.pid]) - before) / ROUNDS
            note = f"{spent:,.0f} ms of the workers' processor time a change"
            cold.append(Line(name, [p95], aims={"seconds": COLD}, note=note))
            before = tree_cpu([server.pid])
            seen = reader.drive([path], CONNECTIONS, SECONDS)
            each = 1000 * (tree_cpu([server.pid]) - before) / seen.requests
            note = f"{seen.rate:,.0f} answers a second, {each:.1f} ms of the server's processor time each"
            kept.append(Line(name, [seen.p95 / 1000], aims={"seconds": KEPT}, note=note))
        call = f"GET with a session, {CONNECTIONS} connections, by {http_load.tool()}"
        bench.report.table(Table("pages", "p95 after a change of the data", call, cold))
        bench.report.table(Table("pages", "p95 of kept pages", call, kept))
        _browse(bench, server.address, token, pages)


def _prepared(bench: Bench) -> Installation:
    """KRX with the lists and signals of `SESSIONS` sessions, a market of one instrument with a long chart, and the
    static files."""
    subprocess.run([sys.executable, "-m", "seismo_site.assets"], cwd=ROOT, check=False, capture_output=True)

    def make(installation: Installation) -> None:
        installation.manage("import_prices", *map(str, bench.raw_files()))
        installation.manage("project_lake")
        days = installation.run_task("extent", market="kr")["sessions"]
        for version in VERSIONS:
            span = ("--from", days[-SESSIONS], "--to", days[-1])
            installation.manage("run_scan", "--version", version, *span, "--format", "csv", "--output", os.devnull)
        installation.manage("update_signals")
        script = LONG_CHART.format(folder=installation.folder, market=LONG_MARKET, code=CODE, count=LONG, last=days[-1])
        installation.manage("shell", "--no-imports", "-c", script)

    files = [file.name for file in bench.raw_files()]
    installation = bench.made_once("pages", {"files": files, "sessions": SESSIONS, "long": LONG}, make)
    installation.manage("collectstatic", "--no-input", "--verbosity", "0")
    return installation


@contextmanager
def _advancing(env: dict[str, str]) -> Iterator[Callable[[str], None]]:
    """A process that begins a new generation of a market whenever it is called."""
    command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", ADVANCE]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=ROOT, env=env, text=True, **pipes) as process:  # type: ignore[call-overload]

        def advance(market: str) -> None:
            process.stdin.write(f"{market}\n")
            process.stdin.flush()
            if process.stdout.readline().strip() != "done":
                raise BenchFailed("no new generation")

        yield advance
        process.stdin.close()


def _cold_p95(reader: PageReader, path: str, advance: Callable[[str], None]) -> float:
    """The p95 of answers to `CONNECTIONS` simultaneous requests after each of `ROUNDS` changes, in seconds."""
    connections = [http.client.HTTPConnection("127.0.0.1", reader.port, timeout=60) for _ in range(CONNECTIONS)]
    spent: list[float] = []

    def ask(connection: http.client.HTTPConnection, start: threading.Barrier) -> None:
        start.wait()
        began = time.perf_counter()
        connection.request("GET", f"/{path}", headers=reader.headers)
        connection.getresponse().read()
        spent.append(time.perf_counter() - began)

    for connection in connections:
        connection.connect()
    for _ in range(ROUNDS):
        advance("kr")
        start = threading.Barrier(CONNECTIONS)
        threads = [threading.Thread(target=ask, args=(connection, start)) for connection in connections]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return statistics.quantiles(spent, n=20)[-1]


def _browse(bench: Bench, address: str, token: str, pages: dict[str, str]) -> None:
    """Weigh and time first views in headless Chromium."""
    chromium = shutil.which("chromium")
    if not chromium:
        bench.report.tell("no Chromium (apt-get install chromium): the views of a browser are not measured")
        return
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--headless", "--no-sandbox"])

        def view(path: str) -> dict[str, float]:
            """A first view: nothing is in the browser's cache."""
            context = browser.new_context(base_url=address, locale="ko-KR", viewport={"width": 1366, "height": 768})
            context.add_cookies([{"name": "sessionid", "value": token, "url": address}])
            context.add_init_script(WATCH)
            page = context.new_page()
            page.goto(f"/{path}")
            if page.locator("figure[data-chart]").count():
                page.wait_for_function("() => performance.getEntriesByName('drawn').length", timeout=60_000)
            page.wait_for_load_state("networkidle")
            figures: dict[str, float] = page.evaluate(FIGURES)
            context.close()
            return figures

        shown = {name: path for name, path in pages.items() if "part" not in path}
        lines, views = [], {name: [view(path) for _ in range(VIEWS)] for name, path in shown.items()}
        for name, figures in views.items():
            weight = WEIGHT_WITH_CHART if figures[0]["chart"] else WEIGHT
            aims = {"seconds": PAINT, "kb": weight}
            paints = [one["paint"] / 1000 for one in figures]
            lines.append(Line(name, paints, kb=figures[0]["bytes"] / 1000, aims=aims))
        call = "first contentful paint; HTML, CSS and scripts as sent (1,000 bytes a KB)"
        bench.report.table(Table("pages", "a first view in headless Chromium", call, lines))
        drawn = [one["drawn"] / 1000 for one in (view(f"{LONG_MARKET}/s/{CODE}") for _ in range(VIEWS))]
        line = Line(f"chart of {LONG:,} sessions", drawn, aims={"seconds": CHART})
        bench.report.table(
            Table("pages", "from the request for the bars to the drawn chart", "headless Chromium", [line])
        )
        browser.close()


WATCH = """
new MutationObserver((_, observer) => {
  if (!document.querySelector("figure.drawn canvas")) return;
  performance.mark("drawn");
  observer.disconnect();
}).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ["class"] });
"""
FIGURES = """() => {
  const resources = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")];
  const sent = resources.filter(one => !one.name.includes("/api/") && !one.name.includes("part"));
  const bars = resources.find(one => one.name.includes("/chart?"));
  const drawn = performance.getEntriesByName("drawn")[0];
  return {
    paint: performance.getEntriesByName("first-contentful-paint")[0].startTime,
    bytes: sent.reduce((sum, one) => sum + one.encodedBodySize, 0),
    chart: drawn ? 1 : 0,
    drawn: drawn && bars ? drawn.startTime - bars.startTime : 0,
  };
}"""
