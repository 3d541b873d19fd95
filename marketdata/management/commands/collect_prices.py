"""manage.py collect_prices: daily bars from a source, as far as the record lacks them."""

from __future__ import annotations

from contextlib import closing
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from marketdata.instrument_search import find_codes
from marketdata.management.arguments import add_market, day, shares
from marketdata.management.collecting import CollectScreen
from marketdata.management.command import SeismoCommand
from marketdata.management.progress import INTERRUPTED
from marketdata.operations import collect, sources
from marketdata.sources.base import SourceError


class Command(SeismoCommand):
    help = "Collect the daily bars that the record lacks, and say beforehand how many calls that takes."
    examples = (
        "collect_prices --dry-run",
        "collect_prices --market upbit --since 2024-01-01",
        "collect_prices --since 2025-01-02 --codes 005930,000660",
    )
    problems = (*SeismoCommand.problems, SourceError)
    interrupted = INTERRUPTED

    def add_arguments(self, parser: CommandParser) -> None:
        add_market(parser)
        parser.add_argument("--source", default="", help="default: the first configured one")
        parser.add_argument("--since", type=day, help="every session since that day")
        parser.add_argument("--codes", type=shares, default=(), help="these alone: codes or names")
        parser.add_argument("--dry-run", action="store_true", help="plan, and ask for nothing")

    def handle(self, **options: Any) -> None:
        screen = CollectScreen(self.bar, self.stdout)
        market, since = options["market"], options["since"]
        codes = find_codes(options["codes"], market)
        with closing(sources.of_daily_bars(market, options["source"])) as source:
            given = collect.Options.of_settings(codes=codes, since=since)
            plan = collect.plan(source, market=market, options=given, as_of=timezone.now())
            screen.plan(plan)
            if options["dry_run"]:
                return
            report = collect.collect(source, plan, clock=timezone.now, progress=screen.progress)
        self.bar.close()
        screen.summary(report)
        if wrong := screen.failures(report):
            raise CommandError(wrong)
