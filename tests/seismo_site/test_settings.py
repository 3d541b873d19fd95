"""Settings: what is documented is what there is, and an installation for others is a safe one."""

from __future__ import annotations

import ast
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from psycopg_pool import ConnectionPool

ROOT = Path(__file__).parents[2]
SETTINGS = ROOT / "seismo_site" / "settings.py"
EXAMPLE = (ROOT / ".env.example").read_text(encoding="utf-8")
DEFAULTS = dict(re.findall(r"^#([A-Z_]+)=(.*)$", EXAMPLE, re.MULTILINE))
EXAMPLES = dict(re.findall(r"^# e\.g\. ([A-Z_]+)=(.*)$", EXAMPLE, re.MULTILINE))


def names_read() -> set[str]:
    """Every name that settings.py asks `env` for."""
    return {
        str(node.args[0].value)
        for node in ast.walk(ast.parse(SETTINGS.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).startswith("env.")
        and isinstance(node.args[0], ast.Constant)
    }


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """An environment that says nothing but where the data are."""
    for name in names_read():
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SEISMO_ENV_FILE", os.devnull)
    monkeypatch.setenv("SEISMO_DATA_DIR", str(tmp_path))
    return monkeypatch


def loaded() -> dict[str, Any]:
    return {name: value for name, value in runpy.run_path(str(SETTINGS)).items() if name.isupper()}


def test_every_setting_is_documented_once() -> None:
    assert not DEFAULTS.keys() & EXAMPLES.keys()
    assert DEFAULTS.keys() | EXAMPLES.keys() == names_read()


def test_the_documented_defaults_are_the_defaults(bare: pytest.MonkeyPatch) -> None:
    without = loaded()
    for name, value in DEFAULTS.items():
        bare.setenv(name, value)
    assert loaded() == without


def test_the_documented_examples_are_accepted(bare: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in EXAMPLES.items():
        if not value.startswith("/"):
            bare.setenv(name, value)
    settings = loaded()
    assert settings["DATABASES"]["default"]["ENGINE"].endswith("postgresql")
    assert settings["CACHES"]["default"]["LOCATION"] == EXAMPLES["REDIS_URL"]
    assert settings["Q_CLUSTER"]["redis"].startswith(EXAMPLES["REDIS_URL"])
    assert settings["SECRET_KEY"] == EXAMPLES["SEISMO_SECRET_KEY"]


def test_everything_written_stays_in_the_data_directory(bare: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settings = loaded()
    assert Path(settings["DATABASES"]["default"]["NAME"]).parent == tmp_path
    for name in ("LAKE_DIR", "CALENDAR_DIR", "REJECT_DIR", "STATIC_ROOT"):
        assert tmp_path in Path(settings[name]).parents, name
    assert settings["SECRET_KEY"] == loaded()["SECRET_KEY"]


def test_the_first_user_has_an_address_and_a_password(bare: pytest.MonkeyPatch) -> None:
    bare.setenv("SEISMO_ADMIN_EMAIL", "ann@example.org")
    with pytest.raises(ImproperlyConfigured, match="SEISMO_ADMIN_EMAIL and SEISMO_ADMIN_PASSWORD belong together"):
        loaded()
    bare.setenv("SEISMO_ADMIN_PASSWORD", "a phrase of ann's")
    assert "phrase" not in repr(loaded())


def test_a_task_is_not_handed_out_again_while_it_runs(bare: pytest.MonkeyPatch) -> None:
    bare.setenv("SEISMO_TASK_TIMEOUT", "7200")
    queue = loaded()["Q_CLUSTER"]
    assert queue["retry"] > queue["timeout"] == 7200


@pytest.mark.slow
def test_an_installation_behind_https_passes_djangos_deployment_checks(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT,
        env={
            **{name: value for name, value in os.environ.items() if name not in names_read()},
            "SEISMO_ENV_FILE": os.devnull,
            "SEISMO_DATA_DIR": str(tmp_path),
            "SEISMO_HTTPS": "1",
            "SEISMO_ALLOWED_HOSTS": "seismo.example.org",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.django_db
def test_connections_are_set_up_for_a_server() -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            pool: ConnectionPool[Any] = connection.pool  # type: ignore[attr-defined]
            assert pool.max_size == 8
            return
        cursor.execute("PRAGMA journal_mode")
        assert cursor.fetchone() == ("wal",)
    assert connection.settings_dict["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
