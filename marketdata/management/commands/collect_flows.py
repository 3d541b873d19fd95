"""manage.py collect_flows: the investor flow of the last sessions from a source."""

from __future__ import annotations

from contextlib import closing
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from marketdata.management.arguments import add_market, add_source, shares
from marketdata.management.collection_progress import CollectionScreen
from marketdata.management.command import SeismoCommand
from marketdata.management.import_progress import INTERRUPTED
from marketdata.operations import sources
from marketdata.operations.collect import flows
from marketdata.operations.collect.collection import collection_lease
from marketdata.queries.instrument_search import find_codes
from marketdata.sources.base import SourceError


class Command(SeismoCommand):
    help = "Collect the investor flow of the last sessions, one call for each instrument."
    examples = ("collect_flows --dry-run", "collect_flows --codes 005930,000660")
    problems = (*SeismoCommand.problems, SourceError)
    interrupted = INTERRUPTED

    def add_arguments(self, parser: CommandParser) -> None:
        add_market(parser)
        add_source(parser)
        parser.add_argument("--codes", type=shares, default=(), help="these alone: codes or names")
        parser.add_argument("--dry-run", action="store_true", help="show the plan without requests")

    def handle(self, **options: Any) -> None:
        screen = CollectionScreen(self.bar, self.stdout)
        market, now = options["market"], timezone.now()
        codes = find_codes(options["codes"], market)
        with closing(sources.get_flow_source(market, options["source"])) as source:
            if options["dry_run"]:
                screen.flow_plan(flows.make_flow_plan(source, market=market, codes=codes, as_of=now))
                return
            with collection_lease("flow", market, source.name, self.stdout.write):
                plan = flows.make_flow_plan(source, market=market, codes=codes, as_of=timezone.now())
                screen.flow_plan(plan)
                report = flows.collect_flows(source, plan, clock=timezone.now, progress=screen.progress)
        self.bar.close()
        screen.summary(report)
        if failures := screen.failures(report):
            raise CommandError(failures)
