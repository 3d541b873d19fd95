"""manage.py sync_instruments: what trades today, from the lists of a source."""

from __future__ import annotations

from contextlib import closing
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from marketdata.management.arguments import add_market
from marketdata.management.collection_progress import list_codes
from marketdata.management.command import SeismoCommand
from marketdata.operations import sources
from marketdata.operations.collect import instruments
from marketdata.sources.base import SourceError


class Command(SeismoCommand):
    help = "Record what trades today: names, segments, kinds, flags, listings and delistings."
    examples = ("sync_instruments", "sync_instruments --market upbit")
    problems = (*SeismoCommand.problems, SourceError)

    def add_arguments(self, parser: CommandParser) -> None:
        add_market(parser)
        parser.add_argument("--source", default="", help="default: the first configured one")

    def handle(self, **options: Any) -> None:
        market = options["market"]
        with closing(sources.get_instrument_source(market, options["source"])) as source:
            done = instruments.sync(source, market=market, as_of=timezone.now())
        self.stdout.write(
            f"{market}: {done.listed:,} instruments listed, {done.new:,} new, {done.changed:,} changed; "
            f"{done.passed_over:,} of other kinds passed over"
        )
        for told, codes in (("no longer listed", done.gone), ("listed again", done.back)):
            if codes:
                self.stdout.write(f"  {told}: {list_codes(codes)}")
        if done.failures:
            raise CommandError("\n".join(f"{segment}: {why}" for segment, why in done.failures))
