"""manage.py collect_prices: daily bars from a source, as far as the record lacks them."""

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
    help = "Collect the daily bars that the record lacks, and say beforehand how many calls that takes."
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
        which = parser.add_mutually_exclusive_group()
        which.add_argument("--codes", type=shares, default=(), help="these alone: codes or names")
        again = "ask for all sessions of these again, and correct what differs"
        which.add_argument("--refetch", type=shares, default=(), metavar="CODES", help=again)
        parser.add_argument("--dry-run", action="store_true", help="plan, and ask for nothing")

    def handle(self, **options: Any) -> None:
        screen = CollectionScreen(self.bar, self.stdout)
        market, again, since = options["market"], options["refetch"], options["since"]
        codes = find_codes(again or options["codes"], market)
        given = collect.CollectionOptions.of_settings(codes=codes, since=since, refetch=bool(again))
        with closing(sources.get_daily_bar_source(market, options["source"])) as source:
            if options["dry_run"]:
                now = timezone.now()
                screen.plan(collect.make_plan(source, market=market, options=given, as_of=now))
                return
            watch = collect.Callbacks(screen.plan, self.stdout.write, screen.progress)
            report = collect.run(source, market, given, clock=timezone.now, watch=watch)[1]
        self.bar.close()
        screen.summary(report)
        if wrong := screen.failures(report):
            raise CommandError(wrong)
