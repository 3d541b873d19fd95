"""The base class of Seismo's commands: its parser, its options, its errors.

1. `--help` shows what the command does, its own options and examples; Django's options work, but are not listed.
2. An error is one sentence on standard error. Status 1: the work was not done, or not all of it. Status 2:
   the command line does not fit. Status 130: interrupted.
3. No system checks run: they would import every page and the API, which takes longer than a scan. `manage.py check`
   and CI run them.
"""

from __future__ import annotations

import sys
import uuid
from argparse import SUPPRESS, Action, ArgumentParser
from functools import cached_property
from typing import Any, ClassVar

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser, handle_default_options
from django.db import connections

from marketdata.errors import DataProblem, EmptyMarket
from marketdata.management.parser import Formatter, Parser
from marketdata.management.progress_bar import ProgressBar
from marketdata.markets import UnknownMarket
from marketdata.queries import instruments
from marketdata.request_id import get_request_id, request_id

INTERRUPTED = 130
"""128 + SIGINT, as shells have it."""


class Version(Action):
    """Show Seismo's version, not Django's, and end."""

    def __call__(self, parser: ArgumentParser, *_: Any) -> None:
        print(f"Seismo {settings.VERSION}")
        parser.exit()


class SeismoCommand(BaseCommand):
    """A command that a person runs.

    `examples` are command lines without `manage.py`, shown by `--help`; `problems` the exceptions whose text is the
    sentence that a person reads; `interrupted` is that sentence after Ctrl-C; `is_request`: whether a run is one
    request, under whose identifier it logs, comments statements and queues tasks.
    """

    requires_system_checks = ()
    examples: ClassVar[tuple[str, ...]] = ()
    problems: ClassVar[tuple[type[Exception], ...]] = (DataProblem, UnknownMarket)
    interrupted: ClassVar[str] = "Interrupted."
    is_request: ClassVar[bool] = True

    @cached_property
    def bar(self) -> ProgressBar:
        """Progress of the command, on a terminal only."""
        return ProgressBar(self.stderr)

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """The command's parser; an option of the command takes the place of Django's of that name."""
        examples = "".join(f"\n  manage.py {example}" for example in self.examples)
        parser = Parser(
            prog=f"manage.py {subcommand}",
            description=self.help,
            epilog=f"examples:{examples}" if examples else None,
            formatter_class=Formatter,
            conflict_handler="resolve",
            called_from_command_line=getattr(self, "_called_from_command_line", None),
            **kwargs,
        )
        parser.add_argument("--version", action=Version, nargs=0, help=SUPPRESS)
        parser.add_argument("-v", "--verbosity", type=int, choices=range(4), default=1, help=SUPPRESS)
        for name in ("--settings", "--pythonpath"):
            parser.add_argument(name, help=SUPPRESS)
        for name in ("--traceback", "--no-color", "--force-color", "--skip-checks"):
            parser.add_argument(name, action="store_true", help=SUPPRESS)
        self.add_arguments(parser)
        return parser

    def run_from_argv(self, argv: list[str]) -> None:
        """Run the command of `argv`; an error ends with its sentence alone."""
        self._called_from_command_line = True
        options = self.create_parser(argv[0], argv[1]).parse_args(argv[2:])
        handle_default_options(options)
        try:
            self.execute(**vars(options))
        except CommandError as error:
            if options.traceback:
                raise
            self.stderr.write(str(error))
            sys.exit(error.returncode)
        finally:
            connections.close_all()

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Run the command; its `problems` become a `CommandError`."""
        own = uuid.uuid4().hex if self.is_request and not get_request_id() else request_id.get()
        token = request_id.set(own)
        try:
            return super().execute(*args, **options)
        except self.problems as error:
            raise CommandError(f"{error}{_elsewhere(error)}") from error
        except KeyboardInterrupt:
            raise CommandError(self.interrupted, returncode=INTERRUPTED) from None
        finally:
            self.bar.close()
            request_id.reset(token)


def _elsewhere(error: Exception) -> str:
    """After a market without bars: the markets with bars, in case its name was mistyped."""
    if not isinstance(error, EmptyMarket):
        return ""
    recorded = instruments.get_recorded_markets()
    return f" Bars are recorded of {', '.join(recorded)}." if recorded else ""
