"""What a person can mend is one sentence on standard error; anything else keeps its traceback."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.db.utils import DatabaseError

from scans.engines.registry import MODULES
from seismo_site.cli_errors import INTERRUPTED, explain, run
from tests.seismo_site.running import ROOT, environment, installed, manage, managed, refused_in_turn
from tests.servers import Servers

pytestmark = pytest.mark.slow

FACES = ("marketdata.admin", "scans.admin", "scans.api.views.scans", "scans.pages.base")
HEAVY = (
    "marketdata.sources.files",
    "marketdata.operations.collect",
    "marketdata.candles.collector.collector",
    "marketdata.candles.collector.collections",
    "marketdata.candles.collector.planner",
    "openpyxl",
    "pandas",
    "pyarrow.compute",
    "python_calamine",
    "redis",
    "rest_framework.views",
    "rich",
    "xlsxwriter",
)
"""What a scan of one session needs nothing of."""


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
            'The database cannot be reached (database "none" does not exist): check DATABASE_URL and the server.\n'
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


def imported(data: Path, code: str, *arguments: str) -> set[str]:
    """The modules that a process of its own has imported at its end, after `code`."""
    report = "; import sys; print(*sorted(sys.modules), sep=chr(10), file=sys.__stderr__)"
    done = subprocess.run(
        [sys.executable, "-c", code + report, *arguments],
        cwd=ROOT,
        env={**environment(data), "DJANGO_SETTINGS_MODULE": "seismo_site.settings"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(done.stderr.splitlines())


def test_django_starts_without_faces_parsers_and_clients(tmp_path: Path) -> None:
    """What every command and every task worker pays for: a command that needs one of these imports it itself."""
    modules = imported(tmp_path, "import django; django.setup()")
    assert "marketdata.models" in modules
    assert modules & {*FACES, *HEAVY, "scans.operations.scan.run", "pyarrow"} == set()


def test_a_scan_of_one_session_imports_its_own_engine_and_no_face(tmp_path: Path) -> None:
    data = installed(tmp_path / "data")
    prices = str(tmp_path / "prices.parquet")
    size = ("--instruments", "5", "--sessions", "300", "--end", "2026-08-12")
    managed(data, "make_demo_prices", "--output", prices, *size)
    managed(data, "import_prices", prices)
    managed(data, "project_lake")
    command = ["manage.py", "run_scan", "--version", "v2", "--date", "2026-08-12"]
    # The second scan reads what the first one left in the score cache.
    twice = f"from seismo_site.cli_errors import run; [run({command}) for _ in range(2)]"
    modules = imported(data, twice)
    assert {"scans.engines.crossover.v2", "scans.operations.scan.publish"} <= modules
    assert modules & {*FACES, *HEAVY, *MODULES.values()} == {"scans.engines.crossover.v2"}


def test_the_admin_comes_with_the_addresses_and_with_the_check(tmp_path: Path) -> None:
    registered = "; from django.contrib import admin; assert len(admin.site._registry) > 20"
    start = "import django; django.setup(); "
    addresses = start + "from django.urls import get_resolver; get_resolver().url_patterns"
    checks = start + ("from django.core.checks import Tags, run_checks; assert run_checks(tags=[Tags.admin]) == []")
    for code in (addresses, checks):
        assert {"scans.admin", "marketdata.admin"} <= imported(tmp_path, code + registered)


def test_a_reader_that_leaves_is_no_error_of_ours(tmp_path: Path) -> None:
    program = (
        "import sys; from seismo_site.cli_errors import run\n"
        "def execute(_):\n"
        "    for number in range(100_000): print(number)\n"
        "sys.exit(run([], execute))"
    )
    writer = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert writer.stdout is not None
    assert writer.stderr is not None
    writer.stdout.readline()
    writer.stdout.close()
    assert writer.stderr.read() == b""
    assert writer.wait(30) == 1
    writer.stderr.close()


def test_empty_record_names_the_first_step(tmp_path: Path) -> None:
    commands = (
        "run_scan",
        "check_data",
        "evaluate_scans --versions v1",
        "update_signals",
        "verify_lake",
        "project_lake",
        "stock 005930",
    )
    sentences = refused_in_turn(installed(tmp_path / "data"), *(command.split() for command in commands))
    assert len(sentences) == len(commands)
    for sentence in sentences:
        assert re.match(r"Market kr has no (bars|instruments) yet: .+`manage\.py import_prices FILE", sentence)


def test_missing_directory_is_reported(tmp_path: Path) -> None:
    data = installed(tmp_path / "data")
    (data / "rejects").touch()
    bars = tmp_path / "bars.csv"
    bars.write_text("date,code,open,high,low,close,volume\n2024-01-02,000010,-1,1,1,1,1\n", encoding="utf-8")
    done = manage(data, "import_prices", str(bars))
    assert done.returncode == 1
    assert done.stderr.startswith(f"{data / 'rejects'} cannot be used (File exists): check what is there")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("can't start new thread")])
def test_a_lack_of_memory_is_one_sentence(error: Exception, capsys: pytest.CaptureFixture[str]) -> None:
    def fail(arguments: list[str]) -> None:
        raise error

    assert run([], fail) == 1
    assert capsys.readouterr().err == (
        "There is not enough memory for this: allow the process more, or request less at once.\n"
    )


def test_another_runtime_error_keeps_its_traceback() -> None:
    def fail(arguments: list[str]) -> None:
        raise RuntimeError("a mistake")

    with pytest.raises(RuntimeError, match="a mistake"):
        run([], fail)


def test_a_mistake_with_another_file_keeps_its_traceback() -> None:
    def execute(_: list[str]) -> None:
        Path("/not/of/seismo").read_text(encoding="utf-8")

    with pytest.raises(FileNotFoundError):
        run([], execute)
