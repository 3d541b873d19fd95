"""A connection to SQLite that stays open sees a file that takes the place of its own, and does not outlive an error."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connections

from seismo_site.sqlite.base import DatabaseWrapper
from tests.seismo_site.running import ROOT


def write(file: Path, text: str) -> None:
    with closing(sqlite3.connect(file)) as opened:
        opened.execute("CREATE TABLE kept (text)")
        opened.execute("INSERT INTO kept VALUES (?)", [text])
        opened.commit()


def read(connection: DatabaseWrapper) -> Any:
    with connection.cursor() as cursor:
        return cursor.execute("SELECT text FROM kept").fetchone()[0]


@pytest.fixture
def kept(tmp_path: Path, django_db_blocker: Any) -> Iterator[DatabaseWrapper]:
    write(tmp_path / "kept.sqlite3", "first")
    options = {"NAME": tmp_path / "kept.sqlite3", "CONN_MAX_AGE": None, "CONN_HEALTH_CHECKS": True}
    connection = DatabaseWrapper({**connections["default"].settings_dict, **options, "OPTIONS": {}}, "kept")
    with django_db_blocker.unblock():
        yield connection
        connection.close()


def end_request(connection: DatabaseWrapper) -> None:
    """As Django does after each request."""
    connection.close_if_unusable_or_obsolete()


def test_connection_stays_open(kept: DatabaseWrapper) -> None:
    assert read(kept) == "first"
    opened = kept.connection
    end_request(kept)
    assert read(kept) == "first"
    assert kept.connection is opened


def test_restored_file_is_read(kept: DatabaseWrapper, tmp_path: Path) -> None:
    assert read(kept) == "first"
    end_request(kept)
    write(tmp_path / "restored.sqlite3", "second")
    os.replace(tmp_path / "restored.sqlite3", tmp_path / "kept.sqlite3")
    assert read(kept) == "second"


def test_connection_with_an_error_is_opened_anew(kept: DatabaseWrapper) -> None:
    assert read(kept) == "first"
    opened = kept.connection
    with pytest.raises(OperationalError), kept.cursor() as cursor:
        cursor.execute("SELECT nothing FROM nowhere")
    end_request(kept)
    assert read(kept) == "first"
    assert kept.connection is not opened


SERVER = """
import multiprocessing
multiprocessing.parent_process = lambda: True  # as in a worker of a server
import seismo_site.wsgi
from django.db import connections
connection = connections["default"]
settings = connection.settings_dict
print(type(connection).__module__, settings["CONN_MAX_AGE"], settings["CONN_HEALTH_CHECKS"])
"""


@pytest.mark.slow
def test_server_keeps_its_connections(tmp_path: Path) -> None:
    names = {name: value for name, value in os.environ.items() if not name.startswith(("SEISMO_", "DATABASE", "REDIS"))}
    env = names | {"SEISMO_DATA_DIR": str(tmp_path), "SEISMO_ENV_FILE": os.devnull, "SEISMO_WARM_SECONDS": "0"}
    done = subprocess.run([sys.executable, "-c", SERVER], cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["seismo_site.sqlite.base", "None", "True"]
