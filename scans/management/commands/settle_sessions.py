"""manage.py settle_sessions: read the last sessions again once their bars are settled, and replace what changes."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from marketdata.management.arguments import add_market
from scans.api.after_publication import warm_up_responses
from scans.management.arguments import ScanCommand
from scans.operations.evening.settle import settle


class Command(ScanCommand):
    help = (
        "Read the bars of the last sessions again, from the exchange where its source is configured and from the "
        "broker, and scan again the sessions whose bars differ."
    )
    examples = ("settle_sessions", "settle_sessions --market kr")

    def add_arguments(self, parser: CommandParser) -> None:
        add_market(parser)

    def handle(self, **options: Any) -> None:
        report = settle(
            options["market"],
            clock=timezone.now,
            executor=settings.SCAN_EXECUTOR,
            started_by="command line",
            warm_up=warm_up_responses,
        )
        for line in report.lines():
            self.stdout.write(line)
        if report.failures or report.collected.error:
            raise CommandError("Not everything was settled: see above.")
