"""The documents are true: every command, option, field, setting, link and revision in them exists, none is missing."""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class

from marketdata.lake import schema
from scans.engines.registry import ENGINES
from scans.management import scan_tables
from scans.operations.scan.answers import SessionAnswer

ROOT = Path(__file__).parent.parent
ROOMS = ("seismo_site", "scans", "marketdata", "caching")
README = (ROOT / "README.md").read_text(encoding="utf-8")
CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
CONTRIBUTING = ROOT / "CONTRIBUTING.md"
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
PAGES = sorted((ROOT / "docs").rglob("*.md"))
DOCUMENTS = [ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")] + PAGES
MANUAL = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "README.md", *PAGES))
FILES = [*DOCUMENTS, *(ROOT / name for name in ("Makefile", "Dockerfile", "compose.yaml"))]
NO_COMMANDS = {"means", "names"}
COMMANDS = get_commands()
OURS = {name: app for name, app in COMMANDS.items() if str(app).split(".")[0] in ROOMS}

EVERYWHERE = {
    "--help",
    "--verbosity",
    "--settings",
    "--pythonpath",
    "--traceback",
    "--no-color",
    "--force-color",
    "--skip-checks",
}


def options(command: str) -> set[str]:
    """The long options of one of Seismo's own commands, without those that every Django command has."""
    parser = load_command_class(str(OURS[command]), command).create_parser("manage.py", command)
    parsers = [parser]
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            parsers += action.choices.values()
    texts = {text for each in parsers for action in each._actions for text in action.option_strings}
    own = {text for text in texts if text.startswith("--")} - EVERYWHERE
    return own if command == "run_scan" else own - {"--version"}


def main_options(command: str) -> set[str]:
    """The long options in the command's own help; those of its actions are in the actions' help."""
    parser = load_command_class(str(OURS[command]), command).create_parser("manage.py", command)
    texts = {text for action in parser._actions for text in action.option_strings if text.startswith("--")}
    return texts - EVERYWHERE - {"--version"}


def test_every_command_is_documented() -> None:
    missing = {name for name in OURS if not re.search(rf"`?(manage\.py )?{name}\b", MANUAL)}
    assert not missing, "no document names these commands"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_documented_command_exists(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    names = set(re.findall(r"(?:manage\.py|\$\(MANAGE\)) (\w+)", text)) - NO_COMMANDS
    assert names <= {*COMMANDS, "help", "version"}


def test_every_command_that_a_message_advises_exists() -> None:
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            named = set(re.findall(r"`manage\.py (\w+)", path.read_text(encoding="utf-8")))
            assert named <= {*COMMANDS, "help", "version"}, path


@pytest.mark.parametrize("command", ["run_scan", "import_prices"])
def test_every_option_is_documented(command: str) -> None:
    missing = {option for option in options(command) if option not in MANUAL}
    assert not missing


@pytest.mark.parametrize("name", ["scan", "import", "collect", "candles", "evening", "version", "backup"])
def test_every_documented_option_exists(name: str) -> None:
    text = (ROOT / "docs" / "how-to" / f"{name}.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text))
    assert documented <= set().union(*(options(command) for command in OURS)) | {"--version"}


def test_every_documented_setting_exists() -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    settings = set(re.findall(r"^#? ?(?:e\.g\. )?([A-Z][A-Z_]+)=", example, re.MULTILINE))
    documented = set(re.findall(r"\b(?:SEISMO|KIS|UPBIT|BITHUMB)_[A-Z_]*[A-Z]\b", MANUAL))
    assert {name.removesuffix("_FILE") for name in documented} - settings <= {"SEISMO_SHARED_DATA"}


@pytest.mark.slow
def test_the_page_of_commands_has_each_with_its_options() -> None:
    program = "import sys; sys.path.insert(0, 'docs'); import generated; print(generated.command_help())"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    sections = dict(re.findall(r"^## (\w+)\n\n```text\n(.*?)\n```$", done.stdout, re.MULTILINE | re.DOTALL))
    assert sections.keys() == OURS.keys()
    assert not {name for name, text in sections.items() if not all(option in text for option in main_options(name))}


@pytest.mark.slow
def test_the_site_builds_without_warnings(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path / "site")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    pages = list((tmp_path / "site").rglob("*.html"))
    assert len(pages) == len(PAGES) + 1  # and the page of an address that does not exist
    for page in pages:
        loaded = re.findall(
            r"<(?:script|link|img)[^>]* (?:src|href)=\"?(https?:[^\s\">]+)", page.read_text(encoding="utf-8")
        )
        assert not loaded, page


def test_the_json_line_has_the_fields_of_an_answer() -> None:
    block = re.search(r"```json\n(.*?)```", README, re.DOTALL)
    assert block
    line = json.loads(block[1])
    assert list(line) == [
        "scanner_version",
        "market",
        *(field.name for field in fields(SessionAnswer)),
        "run",
        "unchanged",
    ]
    assert set(scan_tables.FLAT) | {"signals", "components", "flow"} == line["ranks"][0].keys()


def test_the_columns_of_the_lake_are_documented() -> None:
    assert f"`{' '.join(schema.SCHEMA.names)}`" in MANUAL


def test_every_target_is_documented_and_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE))
    documented = set(re.findall(r"(?:^    |`|^- +|\d\. `)make ([a-z]+)", MANUAL, re.MULTILINE))
    assert documented <= targets
    assert targets - documented <= {"format"}


def test_every_revision_is_in_the_changelog() -> None:
    listed = {(name, int(revision)) for name, revision in re.findall(r"^\| (\w+) \| (\d+) \|", CHANGELOG, re.MULTILINE)}
    assert {(name, engine.revision) for name, engine in ENGINES.items()} <= listed
    assert f"Schema version {schema.VERSION}:" in CHANGELOG


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(path: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8"))
    assert [link for link in links if not (path.parent / link).exists()] == []


def test_every_folder_that_an_explanation_names_exists() -> None:
    text = "".join(
        path.read_text(encoding="utf-8") for path in [*(ROOT / "docs" / "explanation").glob("*.md"), CONTRIBUTING]
    )
    names = set(re.findall(r"`((?:scans|marketdata|seismo_site|caching|tests)/[\w/.]*)`", text))
    assert [name for name in sorted(names) if not re.search("NAME|breakout", name) and not (ROOT / name).exists()] == []
    assert len(names) >= 10


def test_every_table_that_contributing_names_is_in_its_file() -> None:
    text = " ".join(CONTRIBUTING.read_text(encoding="utf-8").split())
    pairs = re.findall(r"`(\w+)` (?:in|of) `([\w/.]+\.py)`", text)
    assert {"MODULES", "SOURCES", "LENIENT"} <= {name for name, _ in pairs}
    for name, path in pairs:
        assert re.search(rf"^{name}\b", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE), (name, path)


def test_the_readme_is_short_and_its_pictures_are_small() -> None:
    assert len(README.splitlines()) <= 150
    pictures = {ROOT / name for name in re.findall(r"!\[[^]]+\]\(([^)]+)\)", README)}
    assert pictures == set((ROOT / "docs" / "images").iterdir())
    assert all(10_000 < picture.stat().st_size < 150_000 for picture in pictures)


def test_every_room_is_documented_and_exists() -> None:
    documented = set(re.findall(r"^\| `(\w+)/` \|", README, re.MULTILINE))
    assert documented == {*ROOMS, "tests"}
    assert all((ROOT / room).is_dir() for room in documented)
