"""The lake from the command line: a disk that is full, a damaged lake, a verification that finds the damage."""

from __future__ import annotations

import resource
import shutil
import sqlite3
import subprocess
from pathlib import Path

import pandas as pd
import pytest
from django.core.management import CommandError, call_command

from tests.scans.conftest import frame
from tests.seismo_site.running import installed, manage, managed, prepared


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with an imported market and no lake yet."""
    folder = installed(tmp_path_factory.mktemp("imported"))
    frame(list(pd.bdate_range("2024-03-04", "2024-04-09").date)).to_csv(folder / "prices.csv", index=False)
    managed(folder, "import_prices", str(folder / "prices.csv"))
    return folder


@pytest.fixture
def installation(imported: Path, tmp_path: Path) -> Path:
    """The same for one test alone."""
    return shutil.copytree(imported, tmp_path / "own")


def partitions(folder: Path) -> list[Path]:
    return sorted(folder.glob("lake/market=kr/**/bars.parquet"))


def on_a_full_disk(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A limit on the size of files is the operating system's own way of saying that no more fits. Compiled modules must
    not be written under it: Python would keep what fits of one, and every later process would fail on it."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2048, 2048))

    return prepared(limit, folder, *arguments, PYTHONDONTWRITEBYTECODE="1")


def stale(folder: Path) -> int:
    with sqlite3.connect(folder / "seismo.sqlite3") as database:
        rows = database.execute("SELECT COUNT(*) FROM marketdata_lakepartition WHERE wanted <> written").fetchone()
    return int(rows[0])


def error_text(done: subprocess.CompletedProcess[str]) -> str:
    assert "Traceback" not in done.stderr
    return done.stderr.strip()


@pytest.mark.slow
def test_a_full_disk_loses_nothing_and_the_next_run_repairs(installation: Path) -> None:
    before = stale(installation)
    assert before == 2
    full = on_a_full_disk(installation, "project_lake")
    assert full.returncode == 1
    assert "The lake partition kr 2024-03 could not be written" in error_text(full)
    assert "make room and run `manage.py project_lake`" in error_text(full)
    assert not list(installation.glob("lake/**/*.tmp"))
    assert partitions(installation) == []
    assert stale(installation) == before

    scan = manage(installation, "run_scan", "--version", "v2")
    assert scan.returncode == 0, scan.stderr
    assert len(partitions(installation)) == 2
    assert stale(installation) == 0


@pytest.mark.slow
def test_a_full_disk_leaves_the_old_partition_in_place(installation: Path) -> None:
    assert manage(installation, "project_lake").returncode == 0
    contents = [file.read_bytes() for file in partitions(installation)]
    full = on_a_full_disk(installation, "project_lake", "--rebuild")
    assert full.returncode == 1
    assert [file.read_bytes() for file in partitions(installation)] == contents


@pytest.mark.slow
def test_verify_finds_what_was_changed_behind_its_back(installation: Path) -> None:
    assert manage(installation, "project_lake").returncode == 0
    fine = manage(installation, "verify_lake")
    assert fine.returncode == 0
    assert fine.stdout == "The lake of market kr agrees with the record.\n"
    with sqlite3.connect(installation / "seismo.sqlite3") as database:
        database.execute(
            "UPDATE marketdata_stockprice SET close = close + 1 WHERE stock_code = '005930' AND date = '2024-03-08'"
        )
    odd = manage(installation, "verify_lake")
    assert odd.returncode == 1
    assert "kr 2024-03 differs from the record in 005930" in odd.stdout
    partitions(installation)[1].unlink()
    gone = manage(installation, "verify_lake")
    assert "month=04/bars.parquet is missing: run `manage.py project_lake`." in gone.stdout


@pytest.mark.parametrize("command", ["project_lake", "verify_lake"])
def test_unknown_market_is_reported(db: None, data_dir: Path, command: str) -> None:
    with pytest.raises(CommandError, match="Unknown market 'mars'"):
        call_command(command, market="mars")
