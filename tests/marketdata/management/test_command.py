"""Every command's parser and help: one sentence for an argument that does not fit, examples, no option of Django's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command, load_command_class

from marketdata.management.arguments import MARKET
from marketdata.management.command import SeismoCommand
from tests.seismo_site.running import manage
from tests.test_docs import OURS

DJANGO = ("--settings", "--pythonpath", "--traceback", "--no-color", "--skip-checks", "--verbosity")
WITH_EXAMPLES = sorted(OURS)
PAIRS = {"candles", "collect_candles"}
"""Commands whose --market is a pair on an exchange, such as KRW-BTC."""


def parsers(parser: Any) -> Iterator[Any]:
    """The parser and those of its actions."""
    yield parser
    for action in parser._actions:
        if isinstance(action.choices, dict):
            yield from action.choices.values()


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_help_shows_an_example_and_no_option_of_djangos(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    made = load_command_class(str(OURS[name]), name).create_parser("manage.py", name)
    text = made.format_help()
    assert re.search(rf"\nexamples:\n  manage\.py {name}\b", text)
    assert not [option for option in DJANGO if option in text]
    for parser in parsers(made):
        assert all(action.help for action in parser._actions), "every argument is explained"
        if "--market" in parser._option_string_actions and name not in PAIRS:
            assert MARKET in parser.format_help()


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_every_example_is_a_command_line_that_parses(name: str) -> None:
    command = load_command_class(str(OURS[name]), name)
    assert isinstance(command, SeismoCommand)
    for example in command.examples:
        words, *arguments = example.split()
        assert words == name
        command.create_parser("manage.py", name).parse_args(arguments)


@pytest.mark.parametrize("name", OURS)
def test_djangos_options_still_work(name: str) -> None:
    command = load_command_class(str(OURS[name]), name)
    rows = ["--settings", "s", "--pythonpath", "p", "--traceback", "--no-color", "-v", "2"]
    example = command.examples[0].split()[1:] if isinstance(command, SeismoCommand) else []
    parser = command.create_parser("manage.py", name)
    options = parser.parse_args([*rows, "--skip-checks", *example])
    assert (options.settings, options.pythonpath, options.verbosity) == ("s", "p", 2)
    assert (options.traceback, options.no_color, options.skip_checks) == (True, True, True)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["run_scan", "--verison", "v2"], "run_scan has no option --verison: did you mean --version?"),
        (["stock"], "stock needs SHARE."),
        (["run_scan", "--top", "0"], "--top: '0' is not a whole number above 0."),
        (["run_scan", "--top"], "--top needs a value."),
        (["run_scan", "--date", "21.8."], "--date: '21.8.' is not a date; write it as 2026-08-21."),
        (
            ["run_scan", "--format", "tabel"],
            "--format cannot be 'tabel': did you mean table, of table, json, csv, parquet or xlsx.",
        ),
        (["run_scan", "--no-save=1"], "--no-save takes no value."),
        (
            ["schedule", "--list", "--remove"],
            "--remove and --list exclude each other: give one of them.",
        ),
        (
            ["scanner_version", "lst"],
            "ACTION cannot be 'lst': did you mean list, of list, show, history, create, set or activate.",
        ),
        (["scanner_version", "show"], "scanner_version show needs VERSION."),
        (
            ["scanner_version", "show", "v2", "--engin", "v2"],
            "scanner_version has no option --engin: did you mean --engine?",
        ),
        (["import_index", "f.csv", "--name"], "--name needs a value."),
        (["make_demo_prices", "--output", "f", "--seed", "x"], "--seed: 'x' is not a whole number."),
        (
            ["check_data", "kr"],
            "check_data takes no further argument 'kr': quote what has spaces; `manage.py check_data --help` shows an "
            "example.",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)  # fmt: skip
def test_an_argument_that_does_not_fit_is_one_sentence(words: list[str], sentence: str) -> None:
    with pytest.raises(CommandError) as raised:
        call_command(*words, stdout=StringIO())
    assert (str(raised.value), raised.value.returncode) == (sentence, 2)


def test_a_long_argument_is_cut() -> None:
    with pytest.raises(CommandError) as raised:
        call_command("run_scan", "--format", "x" * 10_000)
    assert len(str(raised.value)) < 200


def test_the_process_ends_with_the_sentence_and_status_2(tmp_path: Path) -> None:
    done = manage(tmp_path, "run_scan", "--verison", "v2")
    assert done.stderr == "run_scan has no option --verison: did you mean --version?\n"
    assert (done.returncode, done.stdout) == (2, "")


def test_a_command_that_does_not_exist(tmp_path: Path) -> None:
    done = manage(tmp_path, "run_scna")
    assert done.stderr == "There is no command 'run_scna': did you mean run_scan?\n"
    assert done.returncode == 2


@pytest.mark.slow
def test_the_overview_begins_with_seismos_commands(tmp_path: Path) -> None:
    done = manage(tmp_path, "help", COLUMNS="120")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    djangos = next(n for n, line in enumerate(lines) if line.startswith("Django's"))
    named = {line.split()[0]: line for line in lines[:djangos] if re.match(r"  \w", line)}
    assert named.keys() == OURS.keys()
    assert all(len(line.split()) > 3 for line in named.values()), "each with what it does"


@pytest.mark.parametrize("words", [["version"], ["--version"], ["stock", "--version"]])
def test_the_version_is_seismos(tmp_path: Path, words: list[str]) -> None:
    project = Path(__file__).parents[3] / "pyproject.toml"
    stated = re.search(r'^version = "(.+)"$', project.read_text(encoding="utf-8"), re.MULTILINE)
    assert stated
    done = manage(tmp_path, *words)
    assert (done.stdout, done.returncode) == (f"Seismo {stated[1]}\n", 0)


def test_an_interrupt_is_a_sentence_and_status_130() -> None:
    class Interrupted(SeismoCommand):
        interrupted = "Interrupted: nothing is half done."

        def handle(self, **options: Any) -> None:
            raise KeyboardInterrupt

    with pytest.raises(CommandError, match="nothing is half done") as raised:
        call_command(Interrupted())
    assert raised.value.returncode == 130
