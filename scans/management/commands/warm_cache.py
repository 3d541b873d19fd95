"""manage.py warm_cache: cache what readers request first."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from marketdata.management.arguments import MARKET, positive
from marketdata.markets import get_market
from scans.management.arguments import ScanCommand

WITHOUT_REDIS = "The cache is in this process' memory and ends with it: set REDIS_URL, so that the server reads it too."


class Command(ScanCommand):
    help = (
        "Cache what readers request first: the latest scans and signals, the evening's pages, the charts and pages of "
        "the latest picks and of the most-read stocks."
    )
    examples = ("warm_cache", "warm_cache --market us --seconds 120")

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--market", help=f"{MARKET}; default: each with published sessions")
        parser.add_argument("--seconds", type=positive, default=60, help="at most so many in all; default: 60")

    def handle(self, **options: Any) -> None:
        from scans.api.warm_up import warm_up_market, warm_up_markets  # their import takes half a second

        if not settings.REDIS_URL:
            raise CommandError(WITHOUT_REDIS)
        seconds = options["seconds"]
        if options["market"]:
            market = get_market(options["market"]).name
            reports = {market: warm_up_market(market, seconds=seconds)}
        else:
            reports = warm_up_markets(seconds)
        if not reports:
            self.stdout.write("Nothing is published yet.")
        for name, report in reports.items():
            rest = f", {report.skipped:,} beyond the time" if report.skipped else ""
            self.stdout.write(f"{name}: {report.warmed:,} answers cached in {report.seconds:.1f} s{rest}")
        failed = [name for report in reports.values() for name in report.failed]
        if failed:
            raise CommandError(f"{len(failed)} failed: {', '.join(failed[:5])}. The log has the errors.")
