"""manage.py collect_prices: daily bars from a source, as far as the record lacks them."""

from __future__ import annotations

from contextlib import closing
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from marketdata.errors import DataProblem
from marketdata.management.collecting import CollectScreen, codes
from marketdata.markets import UnknownMarket
from marketdata.operations import collect, sources
from marketdata.sources.base import SourceError


class Command(BaseCommand):
    help = "Collects the daily bars that the record lacks, and tells beforehand how many calls that takes."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--market", default="kr")
        parser.add_argument("--source", default="", help="default: the first configured one")
        parser.add_argument("--since", type=date.fromisoformat, help="every session since that day")
        parser.add_argument("--codes", type=codes, default=(), help="these instruments alone")
        parser.add_argument("--dry-run", action="store_true", help="plan, and ask for nothing")

    def handle(self, **options: Any) -> None:
        screen = CollectScreen(self.stderr, self.stdout)
        market, asked = options["market"], {name: options[name] for name in ("codes", "since")}
        try:
            with closing(sources.of_daily_bars(market, options["source"])) as source:
                given = collect.Options.of_settings(**asked)
                plan = collect.plan(source, market=market, options=given, as_of=timezone.now())
                screen.plan(plan)
                if options["dry_run"]:
                    return
                report = collect.collect(source, plan, clock=timezone.now, progress=screen.progress)
        except (DataProblem, SourceError, UnknownMarket) as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            raise CommandError(screen.interrupted) from None
        screen.summary(report)
        if wrong := screen.failures(report):
            raise CommandError(wrong)
