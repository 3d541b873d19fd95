"""The metadata of the package, its console script, and the version at every face."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.seismo_site.running import ROOT, environment

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
VERSION: str = PROJECT["project"]["version"]
LOCAL_ONLY = {".py", ".pyc"}


def test_the_licence_is_named_and_present() -> None:
    assert PROJECT["project"]["license"] == "MIT"
    for name in PROJECT["project"]["license-files"]:
        assert (ROOT / name).read_text(encoding="utf-8").startswith("MIT License\n")


def test_dependencies_come_from_a_file_of_requirements_that_setuptools_can_read() -> None:
    assert PROJECT["project"]["dynamic"] == ["dependencies"]
    files = PROJECT["tool"]["setuptools"]["dynamic"]["dependencies"]["file"]
    lines = [line for name in files for line in (ROOT / name).read_text(encoding="utf-8").splitlines()]
    names = [line for line in lines if line and not line.startswith("#")]
    assert {"numpy", "pyarrow", "djangorestframework"} <= set(names)
    assert not [line for line in names if line.startswith("-")], "setuptools refuses options of pip in such a file"


def test_every_set_of_requirements_pins_what_the_others_pin() -> None:
    pins: dict[str, dict[str, set[str]]] = {}
    for file in sorted((ROOT / "requirements").glob("*.txt")):
        for line in file.read_text(encoding="utf-8").splitlines():
            if found := re.match(r"([\w.-]+)==([^ ;]+)", line):
                pins.setdefault(found[1], {}).setdefault(file.stem, set()).add(found[2])
    assert {"numpy", "yfinance"} <= set(pins)
    assert {name: sets for name, sets in pins.items() if len({frozenset(one) for one in sets.values()}) > 1} == {}


def test_every_folder_of_product_code_is_packaged() -> None:
    patterns = PROJECT["tool"]["setuptools"]["packages"]["find"]["include"]
    assert set(patterns) == {"seismo_site*", "scans*", "marketdata*", "caching*", "seismo"}
    where = PROJECT["tool"]["setuptools"]["packages"]["find"]["where"]
    assert [path for path in where if (ROOT / path / "seismo" / "__init__.py").is_file()] == ["scans"]


def test_every_kind_of_product_file_is_packaged() -> None:
    tracked = subprocess.run(["git", "ls-files", "--", "seismo_site", "scans", "marketdata", "caching"], cwd=ROOT,
                             capture_output=True, text=True, check=True).stdout.split()  # fmt: skip
    suffixes = {Path(name).suffix for name in tracked} - LOCAL_ONLY
    packaged = {pattern.removeprefix("*") for pattern in PROJECT["tool"]["setuptools"]["package-data"]["*"]}
    assert suffixes <= packaged


def test_the_console_script_is_the_command_line(tmp_path: Path) -> None:
    module, function = PROJECT["project"]["scripts"]["seismo"].split(":")
    assert callable(getattr(importlib.import_module(module), function))
    program = f"import sys; from {module} import {function}; sys.exit({function}())"
    done = subprocess.run([sys.executable, "-c", program, "--version"], cwd=ROOT, env=environment(tmp_path / "data"),
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, f"Seismo {VERSION}\n", "")
    done = subprocess.run([sys.executable, "-c", program, "run_scam"], cwd=ROOT, env=environment(tmp_path / "data"),
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 2
    assert "did you mean run_scan?" in done.stderr


@pytest.mark.django_db
def test_the_api_names_the_version(client: Client) -> None:
    for address in ("/api/health/live", "/api/versions", "/api/nowhere"):
        assert client.get(address).headers["X-Seismo-Version"] == VERSION


@pytest.mark.django_db
def test_pages_and_admin_name_the_version(client: Client) -> None:
    client.force_login(User.objects.create_superuser("owner"))
    for address in ("/help", "/admin/"):
        html = client.get(address).content.decode()
        assert re.search(rf"Seismo {re.escape(VERSION)}\b", html), address
