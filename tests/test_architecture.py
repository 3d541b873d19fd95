"""The house stays as it is laid out: doors, door signs, sizes, names, and nothing of one machine in it."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("seismo_site", "scans", "marketdata", "caching")
SOURCES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py") if "migrations" not in path.parts)
TESTS = sorted((ROOT / "tests").rglob("*.py"))
COMMANDS = [path for path in SOURCES if path.parent.name == "commands" and path.stem != "__init__"]
KERNELS = sorted((ROOT / "scans" / "kernels").glob("*.py"))
CATCH_ALL = {"utils", "util", "helpers", "helper", "common", "misc", "services"}
MACHINE = re.compile(
    r"/work/|/root/|/home/\w|/tmp/\w+/|[a-z]:\\users\\"  # a place on a single machine
    r"|pypi\.org|pythonhosted\.org|(?<!no-emit-)index-url|/simple/?\b",  # a package registry
    re.IGNORECASE,
)


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_imports_go_through_the_doors() -> None:
    """In a process of its own: import-linter configures logging anew and silences every logger there is."""
    program = "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_cache=True, no_logo=True))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, check=False, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", KERNELS, ids=name)
def test_kernels_import_numpy_only(path: Path) -> None:
    allowed = sys.stdlib_module_names | {"numpy", "scans"}
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            assert {one.name.split(".")[0] for one in node.names} <= allowed
        if isinstance(node, ast.ImportFrom):
            module = node.module or ""
            assert module.split(".")[0] in allowed
            assert not module.startswith("scans") or module.startswith("scans.kernels")


def test_only_settings_reads_the_environment() -> None:
    readers = {
        name(path)
        for path in SOURCES
        if re.search(r"\bos\.(environ|getenv)|import environ|import getenv", path.read_text())
    }
    allowed = {
        "seismo_site/command_line.py",  # names the settings module
        "scans/seismo/frames.py",  # likewise, for a program that imports it
        "seismo_site/wsgi.py",
        "seismo_site/asgi.py",
        "seismo_site/aws_lambda.py",
        "seismo_site/dask_worker.py",
        "scans/execution/executors.py",  # asks what kind of machine this is, not how to be set up
    }
    assert readers - allowed == {"seismo_site/env.py"}
    imported = re.compile(r"from seismo_site import .*\benv\b")
    users = {name(path) for path in SOURCES if imported.search(path.read_text())}
    assert users == {"seismo_site/settings.py"}


@pytest.mark.parametrize("path", [path for path in SOURCES + TESTS if path.stem == "__init__"], ids=name)
def test_door_signs_only_hand_names_on(path: Path) -> None:
    for statement in ast.parse(path.read_text()).body:
        docstring = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
        names = isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "__all__"
        imports = isinstance(statement, ast.Import | ast.ImportFrom)
        assert docstring or names or imports, f"line {statement.lineno} defines something"


def test_files_can_be_read_in_one_sitting() -> None:
    limits = [(path, 400) for path in SOURCES] + [(path, 500) for path in TESTS]
    long = {name(path): lines for path, most in limits if (lines := len(path.read_text().splitlines())) > most}
    assert not long


def test_commands_parse_call_and_print() -> None:
    long = {name(path): lines for path in COMMANDS if (lines := lines_of_code(path)) > 40}
    assert not long


def lines_of_code(path: Path) -> int:
    """Lines that are neither blank, nor comments, nor docstrings, nor imports."""
    text = path.read_text()
    skipped: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import | ast.ImportFrom) or (
            isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        ):
            skipped.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return sum(
        number not in skipped and bool(line.strip()) and not line.strip().startswith("#")
        for number, line in enumerate(text.splitlines(), start=1)
    )


def test_no_room_is_a_catch_all() -> None:
    named = {part for path in SOURCES + TESTS for part in path.relative_to(ROOT).with_suffix("").parts}
    assert not named & CATCH_ALL


def test_nothing_of_one_machine_is_tracked() -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True
    ).stdout.split("\0")
    hits = []
    for file in filter(None, tracked):
        path = ROOT / file
        if not path.is_file() or path == Path(__file__):
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        hits += [
            f"{file}:{number}: {line.strip()[:100]}"
            for number, line in enumerate(text.splitlines(), start=1)
            if MACHINE.search(line)
        ]
    assert not hits, "\n".join(hits)
