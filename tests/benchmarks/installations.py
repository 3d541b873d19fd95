"""Data directories to measure in: each an installation of its own, made once and used by several sections.

kr      the recorded KRX market, raw bars and factor events, through the door and projected into the lake; where
        the recorded data is not there, a generated market of the same size
kr-adj  seven years of adjusted KRX bars, where the recorded data is there
kr-big  a generated market of 20,000 instruments, written as lake partitions
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psycopg

from tests.benchmarks.measurement import ROOT, Child, child
from tests.benchmarks.report import Report
from tests.benchmarks.scenarios import (
    ADJUSTED,
    ADJUSTED_MARKET,
    BARS,
    BIG,
    BIG_MARKET,
    EVENTS,
    LIKE_KRX,
    RANGE,
    VERSIONS,
)
from tests.realdata import FOLDER

MAKERS = (
    "marketdata/lake",
    "marketdata/models",
    "marketdata/operations",
    "marketdata/sources/files",
)


@dataclass(frozen=True, slots=True)
class Installation:
    """An installation: its data directory, its database (SQLite where `database_url` is empty), settings of its own."""

    folder: Path
    database_url: str = ""
    redis_url: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def env(self) -> Mapping[str, str]:
        """The environment of its processes: this one's, without any setting of Seismo."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("SEISMO_")}
        return kept | {
            "SEISMO_ENV_FILE": os.devnull,
            "SEISMO_DATA_DIR": str(self.folder),
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.redis_url,
            "SEISMO_USER_RATE": "1000000000",
            "DJANGO_SETTINGS_MODULE": "seismo_site.settings",
            **self.settings,
        }

    def manage(self, *arguments: str) -> Child:
        """`manage.py ...`, whole."""
        return child([sys.executable, "manage.py", *arguments], self.env)

    def run_task(self, task: str, **options: Any) -> dict[str, Any]:
        """What `tests.benchmarks.task_process` answers to a task, done in a process that does only that."""
        text = json.dumps(options)
        done = child([sys.executable, "-m", "tests.benchmarks.task_process", task, text], self.env)
        result: dict[str, Any] = json.loads(done.output.splitlines()[-1])
        return result


class Bench:
    """What the sections share: the report, how often to run, and the installations."""

    def __init__(
        self,
        report: Report,
        *,
        keep: Path | None,
        runs: int | None,
        seconds: float | None = None,
        rows: int | None = None,
    ) -> None:
        self.report, self.asked_runs = report, runs
        self.seconds, self.rows = seconds, rows
        self.kept = keep is not None
        self.folder = keep.absolute() if keep else Path(tempfile.mkdtemp(prefix="seismo-bench-"))
        self.folder.mkdir(parents=True, exist_ok=True)

    def close(self) -> None:
        """Remove what was made, unless it is to be kept."""
        if not self.kept:
            shutil.rmtree(self.folder, ignore_errors=True)

    def runs(self, usual: int) -> int:
        """How often to run what is usually run so often."""
        return self.asked_runs or usual

    def price_files(self) -> list[Path]:
        """The recorded bars of KRX, else a generated file of the same size."""
        recorded = FOLDER / BARS
        if recorded.is_file():
            return [recorded]
        made = self.folder / "generated.parquet"
        if not made.exists():
            self.report.tell(f"{BARS} is not here (set SEISMO_SHARED_DATA): generating a market like it")
            self.fresh("generator").run_task("tidy", file=str(made), **LIKE_KRX)
        return [made]

    def raw_files(self) -> list[Path]:
        """The same with the factor events, where they are recorded."""
        files, events = self.price_files(), FOLDER / EVENTS
        return [*files, events] if events.is_file() and files[0].name == BARS else files

    def fresh(self, name: str, database_url: str = "") -> Installation:
        """An empty, migrated installation."""
        folder = self.folder / name
        shutil.rmtree(folder, ignore_errors=True)
        installation = Installation(folder, database_url)
        installation.manage("migrate", "--verbosity", "0")
        return installation

    def krx(self) -> Installation:
        """The KRX market, imported and projected."""

        def make(installation: Installation) -> None:
            installation.manage("import_prices", *map(str, self.raw_files()))
            installation.manage("project_lake")

        return self.made_once("kr", {"files": [file.name for file in self.price_files()]}, make)

    def adjusted(self) -> Installation | None:
        """Seven years of adjusted KRX bars; None where they are not here."""
        file = FOLDER / ADJUSTED
        if not file.is_file():
            return None

        def make(installation: Installation) -> None:
            installation.manage("import_prices", str(file), "--market", ADJUSTED_MARKET)
            installation.manage("project_lake", "--market", ADJUSTED_MARKET)

        return self.made_once(ADJUSTED_MARKET, {"file": file.name}, make)

    def served(
        self, database_url: str, redis_url: str, *, versions: Sequence[str] = VERSIONS, sessions: int = 0
    ) -> Installation:
        """KRX on servers of its own, with what versions published and the signals of it over the last `sessions`, else
        two years; made anew each time, since the servers keep nothing."""
        self.report.tell("importing KRX, publishing lists and following the signals ...")
        installation = replace(self.fresh("served", database_url), redis_url=redis_url)
        installation.manage("import_prices", *map(str, self.raw_files()))
        installation.manage("project_lake")
        days = installation.run_task("extent", market="kr")["sessions"]
        recorded = [day for day in days if RANGE[0] <= day <= RANGE[1]] or days[-520:]
        span_days = days[-sessions:] if sessions else recorded
        for version in versions:
            span = ("--from", span_days[0], "--to", span_days[-1])
            installation.manage("run_scan", "--version", version, *span, "--format", "csv", "--output", os.devnull)
        installation.manage("update_signals")
        with psycopg.connect(database_url, autocommit=True) as database:
            # It would come by itself, in the middle of what is measured.
            database.execute("VACUUM")
            database.execute("CHECKPOINT")
        os.sync()
        return installation

    def big(self) -> Installation:
        """The generated market of 20,000 instruments."""

        def make(installation: Installation) -> None:
            _say(installation.run_task("lake", market=BIG_MARKET, **BIG))

        return self.made_once(BIG_MARKET, BIG, make)

    def made_once(self, name: str, recipe: Mapping[str, Any], make: Callable[[Installation], None]) -> Installation:
        """The installation `name`, made by `make` unless it is there, of the same recipe and by the same code."""
        installation = Installation(self.folder / name)
        text = json.dumps({**recipe, "code": _code()}, sort_keys=True)
        done = installation.folder / "made-of.json"
        if not done.exists() or done.read_text(encoding="utf-8") != text:
            self.report.tell(f"preparing {name} ...")
            installation = self.fresh(name)
            make(installation)
            done.write_text(text, encoding="utf-8")
        else:
            installation.manage("migrate", "--verbosity", "0")
        return installation


def _code() -> str:
    """A hash of the sources that decide what a installation holds."""
    state = hashlib.blake2b(digest_size=16)
    files = [file for folder in MAKERS for file in (ROOT / folder).rglob("*.py")]
    for file in sorted([*files, Path(__file__).with_name("generator.py")]):
        state.update(file.read_bytes())
    return state.hexdigest()


def _say(made: Mapping[str, Any]) -> None:
    print(
        f"  generated {made['rows']:,} rows with seed {made['seed']} in {made['seconds']:.0f} s, index "
        f"{made['index_seconds']:.0f} s, {made['bytes'] / 1e6:,.0f} MB, peak {made['peak_mb']:,.0f} MB"
    )
