"""The base class of commands that import files into the record: their options and output."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from marketdata.management.arguments import MARKET, day
from marketdata.management.command import SeismoCommand
from marketdata.management.import_progress import INTERRUPTED, ImportScreen
from marketdata.operations.imports.report import ImportReport
from marketdata.queries.instrument_search import DEFAULT_MARKET, find_codes


class ImportCommand(SeismoCommand):
    """Base of the commands; `usual_source` is the default of `--source`."""

    usual_source = "file"
    interrupted = INTERRUPTED
    problems = (*SeismoCommand.problems, ValueError)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="one or several")
        parser.add_argument("--source", help=f"record under this name (default: {self.usual_source})")
        parser.add_argument("--market", help=f"{MARKET} (default: kr)")
        parser.add_argument("--strict", action="store_true", help="refuse a file with a bad row")
        parser.add_argument("--code", help="the code, or name, of every row, for a file without a column of codes")
        parser.add_argument("--date", type=day, help="the day of every row, for a file without one: 2024-01-31")

    def run(self, operation: Callable[..., ImportReport], options: dict[str, Any]) -> None:
        """Import the files that the options name, by an operation such as `import_prices`; CommandError where one
        of them failed, has no valid row, or had half of its rows rejected for one reason."""
        arguments = {name: options[name] for name in ("files", "source", "market", "strict", "code")}
        arguments |= {"day": options["date"], "adjusted": options.get("allow_adjusted", False)}
        if arguments["code"]:
            (arguments["code"],) = find_codes([arguments["code"]], arguments["market"] or DEFAULT_MARKET)
        screen = ImportScreen(self.bar, self.stdout)
        report = operation(**arguments, as_of=timezone.now(), progress=screen.progress)
        self.bar.close()
        for file in report.files:
            screen.summary(file)
        for notice in report.notices:
            self.stdout.write(f"WARNING: {notice}")
        if report.failed or report.doubtful:
            raise CommandError(screen.failures(report))
