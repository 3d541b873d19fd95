"""manage.py sync_holidays: on which of the coming days the exchange opens."""

from __future__ import annotations

from contextlib import closing
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from marketdata.markets import UnknownMarket
from marketdata.operations import sources
from marketdata.operations.collect import holidays
from marketdata.sources.base import SourceError


class Command(BaseCommand):
    help = "Asks, once a day at most, on which of the coming days the exchange opens."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--market", default="kr")
        parser.add_argument("--source", default="", help="default: the first configured one")

    def handle(self, **options: Any) -> None:
        market = options["market"]
        try:
            with closing(sources.of_holidays(market, options["source"])) as source:
                done = holidays.sync(source, market=market, as_of=timezone.now())
        except (SourceError, UnknownMarket) as error:
            raise CommandError(str(error)) from error
        if not done.asked:
            self.stdout.write(
                f"{market}: asked today already; the source takes one such call a day."
            )
            return
        self.stdout.write(
            f"{market}: {done.days} days up to {done.until}; {len(done.written)} differ from the calendar"
        )
        for told, days in (
            ("override written", done.written),
            ("override no longer needed", done.removed),
            ("your own override says otherwise and stands", done.disputed),
        ):
            for day in days:
                self.stdout.write(f"  {day} {told}")
