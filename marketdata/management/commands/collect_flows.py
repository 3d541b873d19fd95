"""manage.py collect_flows: who bought in the last sessions, from a source."""

from __future__ import annotations

from contextlib import closing
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from marketdata.errors import DataProblem
from marketdata.management.collecting import CollectScreen, codes
from marketdata.markets import UnknownMarket
from marketdata.operations import sources
from marketdata.operations.collect import flows
from marketdata.sources.base import SourceError


class Command(BaseCommand):
    help = "Collects the investor flow of the last sessions, one call for each instrument."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--market", default="kr")
        parser.add_argument("--source", default="", help="default: the first configured one")
        parser.add_argument("--codes", type=codes, default=(), help="these instruments alone")
        parser.add_argument("--dry-run", action="store_true", help="plan, and ask for nothing")

    def handle(self, **options: Any) -> None:
        screen = CollectScreen(self.stderr, self.stdout)
        market, asked, now = options["market"], options["codes"], timezone.now()
        try:
            with closing(sources.of_flows(market, options["source"])) as source:
                plan = flows.plan(source, market=market, codes=asked, as_of=now)
                screen.flow_plan(plan)
                if options["dry_run"]:
                    return
                report = flows.collect(source, plan, clock=timezone.now, progress=screen.progress)
        except (DataProblem, SourceError, UnknownMarket) as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            raise CommandError(screen.interrupted) from None
        screen.summary(report)
        if wrong := screen.failures(report):
            raise CommandError(wrong)
