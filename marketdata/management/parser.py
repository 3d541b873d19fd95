"""The argument parser of Seismo's commands: an error is one sentence, and help ends with examples.

Status 2 says that the command line itself does not fit, as Unix commands have it.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NoReturn

from django.core.management.base import CommandError, CommandParser

from marketdata.nearest_name import nearest_name

USAGE = 2

SENTENCES = (
    (r"argument (?P<name>[^:]+): expected one argument", "{name} needs a value."),
    (r"argument (?P<name>[^:]+): expected at least one argument", "{name} needs a value."),
    (r"argument (?P<name>[^:]+): expected (?P<n>\d+) arguments", "{name} needs {n} values."),
    (r"argument (?P<name>[^:]+): ignored explicit argument .*", "{name} takes no value."),
    (
        r"argument (?P<name>[^:]+): not allowed with argument (?P<other>.+)",
        "{name} and {other} exclude each other: give one of them.",
    ),
    (
        r"argument (?P<name>[^:]+): invalid (?:int|_?whole) value: (?P<value>.+)",
        "{name}: {value} is not a whole number.",
    ),
    (r"argument (?P<name>[^:]+): (?P<what>cannot be .+)", "{name} {what}."),
    (r"argument (?P<name>[^:]+): (?P<what>.+)", "{name}: {what}."),
    (r"the following arguments are required: (?P<names>.+)", "{command} needs {names}."),
    (r"one of the arguments (?P<names>.+) is required", "{command} needs one of {names}."),
    (r"ambiguous option: (?P<name>\S+) could match (?P<names>.+)", "{name} could be any of {names}: write it out."),
)
"""Patterns of argparse's messages and the sentences that replace them; the first match is used."""


class Formatter(argparse.HelpFormatter):
    """Help with its examples as they are written, line by line."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        if "\n" in text:
            return "\n".join(indent + line for line in text.splitlines())
        return super()._fill_text(text, width, indent)


class Parser(CommandParser):
    """Parser of a command or of one of its actions."""

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """The namespace of options; an unknown argument is refused with the nearest known one."""
        options, extras = self.parse_known_args(args, namespace)
        if extras:
            self.fail(self._unknown(extras[0]))
        return options

    def error(self, message: str) -> NoReturn:
        """End with one sentence and status 2; a `CommandError` where a program called the command."""
        for pattern, sentence in SENTENCES:
            if match := re.fullmatch(pattern, message.rstrip("."), re.DOTALL):
                groups = {name: _plain_name(text) for name, text in match.groupdict().items()}
                self.fail(sentence.format(command=self.command, **groups))
        self.fail(f"{self.command}: {message}.")

    def fail(self, sentence: str) -> NoReturn:
        """End with `sentence` and status 2."""
        if self.called_from_command_line:
            self.exit(USAGE, f"{sentence}\n")
        raise CommandError(sentence, returncode=USAGE)

    @property
    def command(self) -> str:
        """The command's name, with its action where it has one."""
        return self.prog.removeprefix("manage.py ")

    def options(self) -> Iterator[str]:
        """The long options of the parser and of its actions that are listed by help."""
        for action in self._actions:
            if action.help != argparse.SUPPRESS:
                yield from (text for text in action.option_strings if text.startswith("--"))
            for inner in action.choices.values() if isinstance(action.choices, dict) else ():
                if isinstance(inner, Parser):
                    yield from inner.options()

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            near = nearest_name(value, action.choices)
            hint = f"did you mean {near}, of" if near else "choose"
            raise argparse.ArgumentError(action, f"cannot be {shorten(value)}: {hint} {list_names(action.choices)}")

    def _unknown(self, argument: str) -> str:
        if not argument.startswith("-"):
            return (
                f"{self.command} takes no further argument {shorten(argument)}: quote what has spaces; "
                f"`manage.py {self.command.split()[0]} --help` shows an example."
            )
        name = argument.partition("=")[0]
        near = nearest_name(name, self.options())
        hint = f"did you mean {near}?" if near else f"it has {list_names(self.options(), 'and')}."
        return f"{self.command} has no option {shorten(name, quoted=False)}: {hint}"


def shorten(value: Any, *, quoted: bool = True) -> str:
    """The value on one line, cut at the length of a line."""
    text = str(value) if len(str(value)) <= 60 else f"{str(value)[:57]}..."
    return repr(text) if quoted or not text.isprintable() else text


def list_names(names: Iterable[Any], word: str = "or") -> str:
    """`a, b or c`."""
    texts: Sequence[str] = list(dict.fromkeys(map(str, names)))
    return f" {word} ".join([", ".join(texts[:-1]), texts[-1]] if len(texts) > 1 else texts)


def _plain_name(text: str) -> str:
    """`--verbosity` of `-v/--verbosity`."""
    return text.rpartition("/")[2] if text.startswith("-") else text
