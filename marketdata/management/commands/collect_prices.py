"""manage.py collect_prices: the daily bars that the record lacks, from a source."""

from __future__ import annotations

from contextlib import closing
from typing import Any

from django.core.management.base import CommandError, CommandParser

from marketdata.management.arguments import add_market, add_source, day, positive, shares
from marketdata.management.collection_progress import CollectionScreen
from marketdata.management.command import SeismoCommand
from marketdata.management.import_progress import INTERRUPTED
from marketdata.management.price_collection import collect_bars, collect_sessions
from marketdata.operations import sources
from marketdata.sources.base import SourceError
from marketdata.sources.sessions import SessionSource


class Command(SeismoCommand):
    help = "Collect the daily bars that the record lacks; the plan with its number of calls comes first."
    examples = (
        "collect_prices --dry-run",
        "collect_prices --market upbit --since 2024-01-01",
        "collect_prices --since 2025-01-02 --codes 005930,000660",
        "collect_prices --source krx --since 2016-01-04",
        "collect_prices --since 2016-01-04 --tasks 4",
        "collect_prices --refetch 005930,000660 --since 2026-08-03",
    )
    problems = (*SeismoCommand.problems, SourceError)
    interrupted = INTERRUPTED

    def add_arguments(self, parser: CommandParser) -> None:
        add_market(parser)
        add_source(parser)
        parser.add_argument("--since", type=day, help="every session since that day")
        selection = parser.add_mutually_exclusive_group()
        selection.add_argument("--codes", type=shares, default=(), help="these alone: codes or names")
        refetch_help = "request all sessions of these again, and correct differences"
        selection.add_argument("--refetch", type=shares, default=(), metavar="CODES", help=refetch_help)
        action = parser.add_mutually_exclusive_group()
        action.add_argument("--dry-run", action="store_true", help="show the plan without requests")
        action.add_argument(
            "--tasks", type=positive, metavar="N", help="by task workers, in N parts of the instruments"
        )

    def handle(self, **options: Any) -> None:
        screen = CollectionScreen(self.bar, self.stdout)
        with closing(sources.get_bar_source(options["market"], options["source"])) as source:
            if isinstance(source, SessionSource):
                report, what = collect_sessions(source, screen, self.stdout.write, options), "session"
            else:
                report, what = collect_bars(source, screen, self.stdout.write, options), "instrument"
        if report is None:
            return
        self.bar.close()
        screen.summary(report)
        if failures := screen.failures(report, what):
            raise CommandError(failures)
