"""manage.py scan_changes: the picks that entered and left since the session before."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from marketdata.management.arguments import add_market, day
from marketdata.markets import get_market
from scans.management import freshness
from scans.management.arguments import ScanCommand
from scans.management.delivery import add_delivery, deliver, delivery
from scans.management.rank_changes import change_results
from scans.queries import results, versions


class Command(ScanCommand):
    help = "Show the picks that entered and left since the published session before."
    examples = (
        "scan_changes",
        "scan_changes --version v1 --version v2 --date 2026-08-21",
        "scan_changes --format csv --output changes.csv",
    )
    problems = (*ScanCommand.problems, results.NoSession)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--version", action="append", default=[], help="repeatable; default: the active one")
        add_market(parser)
        parser.add_argument("--date", type=day, help="default: the latest published session")
        add_delivery(parser)

    def handle(self, **options: Any) -> None:
        where = delivery(options)
        market = get_market(options["market"]).name
        freshness.warn_of_market(self, market, timezone.now())
        changes = [
            (version, results.pick_changes(market, version, options["date"]))
            for version in versions.get_versions(market, options["version"])
        ]
        deliver(change_results(market, changes), where, self.stdout)
