"""import: a market's price file into an empty record, on SQLite and PostgreSQL, and on into the lake."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from tests.benchmarks.installations import Bench
from tests.benchmarks.report import Line, Table
from tests.servers import Servers

RATE, LAKE_RATE = 100_000, 50_000


def section(bench: Bench) -> None:
    """Whole commands, each time into a fresh data directory. The market's calendar, which the first command of an
    installation builds, is measured by itself: it does not grow with the rows."""
    files = bench.price_files()
    _backend(bench, files, "SQLite")
    _backend(bench, files, "PostgreSQL")


def _backend(bench: Bench, files: list[Path], backend: str) -> None:
    rows = 0
    imports, lakes = Line("import_prices"), Line("import_prices and project_lake")
    alone: list[float] = []
    both: list[float] = []
    calendars: list[float] = []
    busy: list[tuple[float, float]] = []
    for _ in range(bench.runs(3)):
        with _database(backend) as url:
            installation = bench.fresh("import", url)
            calendars.append(installation.run_task("calendar", market="kr")["seconds"])
            done = installation.manage("import_prices", *map(str, files))
            projected = installation.manage("project_lake")
            rows = int(installation.run_task("extent", market="kr")["rows"])
        shutil.rmtree(installation.folder)
        busy.append((done.cpu, done.cpu + projected.cpu))
        alone.append(done.seconds)
        both.append(done.seconds + projected.seconds)
        imports.peak_mb = max(imports.peak_mb, done.peak_mb)
        lakes.peak_mb = max(lakes.peak_mb, projected.peak_mb)
    imports.seconds, imports.aims = alone, {"rate": RATE}
    lakes.seconds, lakes.aims = both, {"rate": LAKE_RATE}
    imports.work = lakes.work = rows
    imports.note, lakes.note = (f"cpu {median(spent):.1f} s" for spent in zip(*busy, strict=True))
    size = sum(file.stat().st_size for file in files) / 1e6
    bench.report.table(
        Table(
            "import",
            f"{rows:,} rows ({size:.0f} MB) into an empty {backend}, rows a second",
            f"manage.py import_prices {files[0].name}; manage.py project_lake",
            [imports, lakes, Line("once: the calendar", calendars)],
            ["PostgreSQL on a Unix socket, not durable (fsync off), as in the tests; its CPU is not in ours"]
            if backend == "PostgreSQL"
            else [],
        )
    )


@contextmanager
def _database(backend: str) -> Iterator[str]:
    """The DATABASE_URL of an empty database; "" is the data directory's own SQLite file."""
    if backend == "SQLite":
        yield ""
        return
    servers = Servers()
    try:
        yield servers.postgres()
    finally:
        servers.stop()
