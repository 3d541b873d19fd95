"""What is written for people is true: every command, option, field and revision that is told, and none missing."""

from __future__ import annotations

import json
import re
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
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TOLD = [ROOT / name for name in ("README.md", "CHANGELOG.md", "Makefile", "Dockerfile", "compose.yaml")]
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
    known = {text for action in parser._actions for text in action.option_strings}
    own = {text for text in known if text.startswith("--")} - EVERYWHERE
    return own if command == "run_scan" else own - {"--version"}


def test_every_command_is_told() -> None:
    missing = {name for name in OURS if not re.search(rf"`?(manage\.py )?{name}\b", README)}
    assert not missing, "README.md does not tell of these commands"


@pytest.mark.parametrize("path", TOLD, ids=lambda path: path.name)
def test_every_command_told_of_exists(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    named = set(re.findall(r"(?:manage\.py|\$\(MANAGE\)) (\w+)", text))
    assert named <= {*COMMANDS, "help", "version"}


def test_every_command_that_a_message_advises_exists() -> None:
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            named = set(re.findall(r"`manage\.py (\w+)", path.read_text(encoding="utf-8")))
            assert named <= {*COMMANDS, "help", "version"}, path


@pytest.mark.parametrize("command", ["run_scan", "import_prices"])
def test_every_option_is_told(command: str) -> None:
    missing = {option for option in options(command) if option not in README}
    assert not missing


def test_every_option_told_of_exists() -> None:
    section = README[README.index("## Scanning") : README.index("## Versions")]
    told = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", section))
    assert told <= set().union(*(options(command) for command in OURS))


def test_the_json_line_has_the_fields_that_are_told() -> None:
    found = re.search(r"```json\n(.*?)```", README, re.DOTALL)
    assert found
    line = json.loads(found[1])
    assert list(line) == [
        "scanner_version",
        "market",
        *(field.name for field in fields(SessionAnswer)),
        "run",
        "unchanged",
    ]
    assert set(scan_tables.FLAT) | {"signals", "components", "flow"} == line["ranks"][0].keys()


def test_the_columns_of_the_lake_are_told() -> None:
    assert f"`{' '.join(schema.SCHEMA.names)}`" in README


def test_every_target_is_told_and_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE))
    told = set(re.findall(r"(?:^    |`)make ([a-z]+)", README, re.MULTILINE))
    assert told <= targets
    assert targets - told <= {"format", "install"}


def test_every_revision_is_in_the_changelog() -> None:
    listed = {(name, int(revision)) for name, revision in re.findall(r"^\| (\w+) \| (\d+) \|", CHANGELOG, re.MULTILINE)}
    assert {(name, engine.revision) for name, engine in ENGINES.items()} <= listed
    assert f"Schema version {schema.VERSION}:" in CHANGELOG


@pytest.mark.parametrize("text", [README, CHANGELOG], ids=["README.md", "CHANGELOG.md"])
def test_every_link_leads_somewhere(text: str) -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", text)
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_every_room_is_told_and_exists() -> None:
    told = set(re.findall(r"^\| `(\w+)/` \|", README, re.MULTILINE))
    assert told == {*ROOMS, "tests"}
    assert all((ROOT / room).is_dir() for room in told)
