"""manage.py collect_prices: the daily bars that the record lacks, from a source."""

from __future__ import annotations

from contextlib import closing
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from marketdata.management.arguments import add_market, day, shares
from marketdata.management.collection_progress import CollectionScreen
from marketdata.management.command import SeismoCommand
from marketdata.management.import_progress import INTERRUPTED
from marketdata.operations import collect, sources
from marketdata.queries.instrument_search import find_codes
from marketdata.sources.base import SourceError


class Command(SeismoCommand):
    help = "Collect the daily bars that the record lacks; the plan with its number of calls comes first."
    examples = (
        "collect_prices --dry-run",
        "collect_prices --market upbit --since 2024-01-01",
        "collect_prices --since 2025-01-02 --codes 005930,000660",
        "collect_prices --refetch 005930,000660 --since 2026-08-03",
    )
    problems = (*SeismoCommand.problems, SourceError)
    interrupted = INTERRUPTED

    def add_arguments(self, parser: CommandParser) -> None:
        add_market(parser)
        parser.add_argument("--source", default="", help="default: the first configured one")
        parser.add_argument("--since", type=day, help="every session since that day")
        selection = parser.add_mutually_exclusive_group()
        selection.add_argument("--codes", type=shares, default=(), help="these alone: codes or names")
        refetch_help = "request all sessions of these again, and correct differences"
        selection.add_argument("--refetch", type=shares, default=(), metavar="CODES", help=refetch_help)
        parser.add_argument("--dry-run", action="store_true", help="show the plan without requests")

    def handle(self, **options: Any) -> None:
        screen = CollectionScreen(self.bar, self.stdout)
        market, refetch, since = options["market"], options["refetch"], options["since"]
        codes = find_codes(refetch or options["codes"], market)
        collection_options = collect.CollectionOptions.of_settings(codes=codes, since=since, refetch=bool(refetch))
        with closing(sources.get_daily_bar_source(market, options["source"])) as source:
            if options["dry_run"]:
                now = timezone.now()
                screen.plan(collect.make_plan(source, market=market, options=collection_options, as_of=now))
                return
            callbacks = collect.Callbacks(screen.plan, self.stdout.write, screen.progress)
            report = collect.run(source, market, collection_options, clock=timezone.now, callbacks=callbacks)[1]
        self.bar.close()
        screen.summary(report)
        if failures := screen.failures(report):
            raise CommandError(failures)
