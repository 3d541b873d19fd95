"""manage.py sync_holidays: on which of the coming days the exchange opens."""

from __future__ import annotations

from contextlib import closing
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from marketdata.management.arguments import add_market
from marketdata.management.command import SeismoCommand
from marketdata.operations import sources
from marketdata.operations.collect import holidays
from marketdata.sources.base import SourceError


class Command(SeismoCommand):
    help = "Ask, once a day at most, on which of the coming days the exchange opens."
    examples = ("sync_holidays", "sync_holidays --source kis")
    problems = (*SeismoCommand.problems, SourceError)

    def add_arguments(self, parser: CommandParser) -> None:
        add_market(parser)
        parser.add_argument("--source", default="", help="default: the first configured one")

    def handle(self, **options: Any) -> None:
        market = options["market"]
        with closing(sources.get_holiday_source(market, options["source"])) as source:
            done = holidays.sync(source, market=market, as_of=timezone.now())
        if not done.is_due:
            self.stdout.write(f"{market}: asked today already; the source takes one such call a day.")
            return
        self.stdout.write(
            f"{market}: {done.days} days up to {done.until}; {len(done.written)} differ from the calendar"
        )
        for told, days in (
            ("override written", done.written),
            ("override withdrawn: the source's answer is now that of the calendar", done.removed),
            ("your own override says otherwise and stays", done.disputed),
        ):
            for day in days:
                self.stdout.write(f"  {day} {told}")
        if not done.complete:
            self.stdout.write(f"  the answer says nothing of today: {market} is asked again by the next call")
