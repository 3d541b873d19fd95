"""What a person can mend is told in one sentence on standard error; anything else keeps its traceback."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.db.utils import DatabaseError

from seismo_site.command_line import INTERRUPTED, explain, run
from tests.seismo_site.running import ROOT, environment, installed, manage
from tests.servers import Servers


def test_a_database_that_is_not_migrated(tmp_path: Path) -> None:
    done = manage(tmp_path, "verify_lake")
    assert done.returncode == 1
    assert done.stderr == "The database is not migrated: run `manage.py migrate`.\n"


def test_a_setting_that_does_not_fit(tmp_path: Path) -> None:
    done = manage(tmp_path, "verify_lake", SEISMO_SCAN_WORKERS="many")
    assert done.returncode == 1
    assert done.stderr == "SEISMO_SCAN_WORKERS is 'many'; it must be a whole number.\n"


def test_a_database_that_is_away(tmp_path: Path) -> None:
    url = f"postgres://seismo@/seismo?host={tmp_path}"
    done = manage(tmp_path, "verify_lake", DATABASE_URL=url)
    assert done.returncode == 1
    assert done.stderr.startswith("The database cannot be reached (")
    assert done.stderr.endswith("check DATABASE_URL and the server.\n")
    assert len(done.stderr.splitlines()) == 1


def test_postgresql_says_the_same(tmp_path: Path) -> None:
    servers = Servers()
    try:
        url = servers.postgres()
        done = manage(tmp_path, "verify_lake", DATABASE_URL=url)
        assert done.stderr == "The database is not migrated: run `manage.py migrate`.\n"
        elsewhere = url.replace("/postgres?", "/none?")
        done = manage(tmp_path, "verify_lake", DATABASE_URL=elsewhere)
        assert done.stderr == (
            'The database cannot be reached (database "none" does not exist): '
            "check DATABASE_URL and the server.\n"
        )
    finally:
        servers.stop()


@pytest.mark.django_db
def test_errors_of_the_database_in_use(db: None) -> None:
    with pytest.raises(DatabaseError) as missing, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM not_there")
    assert explain(missing.value) == "The database is not migrated: run `manage.py migrate`."


@pytest.mark.django_db
def test_a_mistake_in_the_program_is_not_explained_away(db: None) -> None:
    with pytest.raises(DatabaseError) as mistake, connection.cursor() as cursor:
        cursor.execute("SELECT nothing sensible FROM WHERE")
    assert explain(mistake.value) is None

    def execute(_: list[str]) -> None:
        raise mistake.value

    with pytest.raises(DatabaseError):
        run(["manage.py"], execute)


def test_interrupts_and_settings(capsys: pytest.CaptureFixture[str]) -> None:
    def interrupt(_: list[str]) -> None:
        raise KeyboardInterrupt

    def misconfigured(_: list[str]) -> None:
        raise ImproperlyConfigured("NAME is wrong.")

    assert run([], interrupt) == INTERRUPTED
    assert run([], misconfigured) == 1
    assert capsys.readouterr().err == "Interrupted.\nNAME is wrong.\n"


def test_a_command_starts_without_parsers_and_clients(tmp_path: Path) -> None:
    """Whatever a command needs of them it imports itself; the admin, which every command loads, does not."""
    heavy = (
        "marketdata.sources.files",
        "marketdata.operations.collect",
        "pyarrow.compute",
        "redis",
    )
    code = (
        "import django, sys; django.setup(); "
        f"from django.contrib import admin; print([name for name in {heavy!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**environment(tmp_path), "DJANGO_SETTINGS_MODULE": "seismo_site.settings"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.returncode) == ("[]\n", 0), done.stderr


def test_a_reader_that_leaves_is_no_error_of_ours(tmp_path: Path) -> None:
    program = (
        "import sys; from seismo_site.command_line import run\n"
        "def execute(_):\n"
        "    for number in range(100_000): print(number)\n"
        "sys.exit(run([], execute))"
    )
    writer = subprocess.Popen(
        [sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert writer.stdout is not None
    assert writer.stderr is not None
    writer.stdout.readline()
    writer.stdout.close()
    assert writer.stderr.read() == b""
    assert writer.wait(30) == 1
    writer.stderr.close()


@pytest.mark.parametrize(
    "command",
    [
        "run_scan",
        "check_data",
        "evaluate_scans --versions v1",
        "update_signals",
        "verify_lake",
        "project_lake",
        "stock 005930",
    ],
)
def test_an_empty_record_is_said_with_what_to_do_first(tmp_path: Path, command: str) -> None:
    done = manage(installed(tmp_path / "data"), *command.split())
    assert (done.returncode, done.stdout) == (1, "")
    assert re.match(
        r"Market kr has no (bars|instruments) yet: .+`manage\.py import_prices FILE", done.stderr
    )
    assert len(done.stderr.splitlines()) == 1


def test_a_directory_that_is_none_is_said(tmp_path: Path) -> None:
    data = installed(tmp_path / "data")
    (data / "rejects").touch()
    bars = tmp_path / "bars.csv"
    bars.write_text(
        "date,code,open,high,low,close,volume\n2024-01-02,000010,-1,1,1,1,1\n", encoding="utf-8"
    )
    done = manage(data, "import_prices", str(bars))
    assert done.returncode == 1
    assert done.stderr.startswith(
        f"{data / 'rejects'} cannot be used (File exists): check what is there"
    )
    assert "Traceback" not in done.stderr


def test_a_mistake_with_another_file_keeps_its_traceback() -> None:
    def execute(_: list[str]) -> None:
        Path("/not/of/seismo").read_text(encoding="utf-8")

    with pytest.raises(FileNotFoundError):
        run([], execute)
