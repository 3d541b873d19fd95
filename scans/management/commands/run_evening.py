"""manage.py run_evening: collect, scan, follow signals and notify after a close."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from marketdata.management.arguments import add_market, day
from scans.api.after_publication import warm_up_responses
from scans.management import evenings
from scans.management.arguments import ScanCommand
from scans.operations.evening import evening


class Command(ScanCommand):
    help = "Collect, scan by every version, follow signals and notify, for the session that closed."
    examples = ("run_evening", "run_evening --market us --version v2-us --date 2026-08-21")

    def add_arguments(self, parser: CommandParser) -> None:
        add_market(parser)
        parser.add_argument(
            "--version", action="append", default=[], help="repeatable; default: every version that fits"
        )
        parser.add_argument("--no-collect", action="store_true", help="scan the recorded bars only")
        parser.add_argument("--date", type=day, help="default: the session that closed in the last 24 hours")

    def handle(self, **options: Any) -> None:
        request = evening.EveningRequest(
            market=options["market"],
            versions=options["version"],
            session=options["date"],
            collects=not options["no_collect"],
            executor=settings.SCAN_EXECUTOR,
            started_by="command line",
        )
        report = evening.run_evening(request, clock=timezone.now, warm_up=warm_up_responses)
        self.stdout.write(evenings.evening_text(report), ending="")
        if failures := report.failures():
            raise CommandError(" ".join(failures))
