"""manage.py sync_instruments: the instruments of today, from the lists of a source."""

from __future__ import annotations

from contextlib import closing
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from marketdata.management.arguments import add_market, add_source
from marketdata.management.collection_progress import list_codes
from marketdata.management.command import SeismoCommand
from marketdata.number_format import count_of
from marketdata.operations import sources
from marketdata.operations.collect import instruments
from marketdata.sources.base import SourceError


class Command(SeismoCommand):
    help = "Record the instruments of today: names, segments, kinds, flags, listings and delistings."
    examples = ("sync_instruments", "sync_instruments --market upbit")
    problems = (*SeismoCommand.problems, SourceError)

    def add_arguments(self, parser: CommandParser) -> None:
        add_market(parser)
        add_source(parser)

    def handle(self, **options: Any) -> None:
        market = options["market"]
        with closing(sources.get_instrument_source(market, options["source"])) as source:
            report = instruments.sync(source, market=market, as_of=timezone.now())
        self.stdout.write(
            f"{market}: {count_of(report.listed, 'instrument')} listed, {report.new:,} new, {report.changed:,} "
            f"changed; {report.passed_over:,} of other kinds skipped"
        )
        for text, codes in (("no longer listed", report.gone), ("listed again", report.back)):
            if codes:
                self.stdout.write(f"  {text}: {list_codes(codes)}")
        if report.tick_failure:
            self.stdout.write(f"  {report.tick_failure}")
        if report.failures:
            raise CommandError("\n".join(f"{segment}: {why}" for segment, why in report.failures))
