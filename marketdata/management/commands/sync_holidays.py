"""manage.py sync_holidays: the holidays of the coming days."""

from __future__ import annotations

from contextlib import closing
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from marketdata.management.arguments import add_market, add_source
from marketdata.management.command import SeismoCommand
from marketdata.number_format import count_of
from marketdata.operations import sources
from marketdata.operations.collect import holidays
from marketdata.sources.base import SourceError


class Command(SeismoCommand):
    help = "Synchronise the calendar with the holidays of a source, once a day at most."
    examples = ("sync_holidays", "sync_holidays --source kis")
    problems = (*SeismoCommand.problems, SourceError)

    def add_arguments(self, parser: CommandParser) -> None:
        add_market(parser)
        add_source(parser)

    def handle(self, **options: Any) -> None:
        market = options["market"]
        with closing(sources.get_holiday_source(market, options["source"])) as source:
            report = holidays.sync(source, market=market, as_of=timezone.now())
        if not report.is_due:
            self.stdout.write(f"{market}: the source has answered today already; it allows one such call a day.")
            return
        self.stdout.write(
            f"{market}: {count_of(report.days, 'day')} up to {report.until}; "
            f"{len(report.written)} differ from the calendar"
        )
        for text, days in (
            ("override written", report.written),
            ("override withdrawn: the source's answer is now that of the calendar", report.removed),
            ("disputed: your own override or recorded bars say otherwise, and the day stays as it is", report.disputed),
        ):
            for day in days:
                self.stdout.write(f"  {day} {text}")
        if not report.complete:
            self.stdout.write(f"  the answer does not contain today: the next run requests {market} again")
