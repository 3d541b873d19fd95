"""manage.py collect_index: the index series that the exchange publishes."""

from __future__ import annotations

from contextlib import closing
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from marketdata.management.arguments import add_market, add_source, day
from marketdata.management.command import SeismoCommand
from marketdata.number_format import count_of
from marketdata.operations import sources
from marketdata.operations.collect.index_levels import collect_index_levels
from marketdata.sources.base import SourceError


class Command(SeismoCommand):
    help = (
        "Collect the index series of a market (kr: KOSPI, KS200, KOSDAQ). Regimes use the one that is chosen for the "
        "market in the admin."
    )
    examples = ("collect_index", "collect_index --since 2016-01-04")
    problems = (*SeismoCommand.problems, SourceError)

    def add_arguments(self, parser: CommandParser) -> None:
        add_market(parser)
        add_source(parser)
        parser.add_argument("--since", type=day, help="every session since that day")

    def handle(self, **options: Any) -> None:
        market = options["market"]
        with closing(sources.get_index_source(market, options["source"])) as source:
            report = collect_index_levels(source, market, since=options["since"], clock=timezone.now)
        for series, counts in sorted(report.counts.items()):
            self.stdout.write(
                f"{series}: {counts.new:,} new, {counts.corrected:,} corrected, {counts.unchanged:,} unchanged"
            )
        if not report.counts and not report.failures:
            self.stdout.write("Nothing is missing.")
        if report.later:
            self.stdout.write(
                f"{count_of(report.later, 'more session')} exceed the calls of a day: run this again tomorrow"
            )
        if report.refused and not report.stopped:
            raise CommandError(" ".join(report.refused))
        if report.failures:
            first = min(report.failures)
            raise CommandError(
                report.stopped or f"{len(report.failures):,} days failed, {first} first: {report.failures[first]}"
            )
