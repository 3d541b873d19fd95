"""The data directory is its user's alone, whatever the umask, and one that an earlier release left open is closed."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from seismo_site import private_files
from tests.seismo_site.running import ROOT, environment, installed, managed

PROGRAM = """
import os, pathlib
os.umask(0o022)
from seismo_site.cli_errors import run
import sys
sys.exit(run(sys.argv))
"""


def opened(top: Path) -> dict[str, str]:
    """What of a directory, itself included, others may use: path -> mode."""
    return {
        str(path.relative_to(top)): oct(stat.S_IMODE(path.lstat().st_mode))
        for path in [top, *top.rglob("*")]
        if not path.is_symlink() and path.stat().st_mode & 0o077
    }


@pytest.mark.slow
def test_what_commands_make_is_closed_to_others(tmp_path: Path) -> None:
    data, file = tmp_path / "data", tmp_path / "prices.csv"
    file.write_text("date,code,open,high,low,close,volume\n2024-01-02,005930,1,2,1,2,9\n2024-01-03,005930,-1,2,1,2,9\n")
    for arguments in (["migrate"], ["import_prices", str(file)], ["project_lake"]):
        subprocess.run(
            [sys.executable, "-c", PROGRAM, *arguments],
            cwd=ROOT,
            env={**environment(data), "DJANGO_SETTINGS_MODULE": "seismo_site.settings"},
            capture_output=True,
            check=arguments[0] != "import_prices",  # one row is kept out, and that is said
        )
    names = {path.name for path in data.rglob("*")}
    assert {"seismo.sqlite3", "secret_key", "bars.parquet", "index.parquet", "rejects"} <= names
    assert opened(data) == {}


@pytest.mark.slow
def test_an_installation_that_was_open_is_closed_at_the_next_start(tmp_path: Path) -> None:
    data = installed(tmp_path / "data")
    for path in [data, *data.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    (data / "lake" / "market=kr").mkdir(mode=0o755, parents=True)
    (data / "lake" / "market=kr" / "index.parquet").write_bytes(b"")
    (data / "rejects").mkdir(exist_ok=True)
    outside = tmp_path / "outside"
    outside.write_text("another's")
    outside.chmod(0o644)
    (data / "rejects" / "link").symlink_to(outside)
    notes = data / "notes.txt"
    notes.write_text("the user's own")
    notes.chmod(0o644)
    managed(data, "check")
    assert opened(data) == {"notes.txt": "0o644"}  # behind a closed directory
    assert stat.S_IMODE(outside.stat().st_mode) == 0o644


def test_a_directory_of_others_is_left_as_it_is(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        (tmp_path / "work").mkdir(mode=0o755)
        (tmp_path / "work" / "letter").write_text("")
        private_files.close_to_others(tmp_path / "work")
        assert stat.S_IMODE((tmp_path / "work").stat().st_mode) == 0o755
        shared = tmp_path / "shared"
        shared.mkdir()
        shared.chmod(0o1777)  # such as /tmp
        private_files.close_to_others(shared)
        assert stat.S_IMODE(shared.stat().st_mode) == 0o1777
    finally:
        os.umask(before)


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o027])
def test_a_umask_is_made_stricter_only(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        private_files.close_to_others(tmp_path)
        assert os.umask(0) == 0o077
    finally:
        os.umask(before)
