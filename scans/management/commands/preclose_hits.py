"""manage.py preclose_hits: how many picks of scans before the close were in the lists at the close."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from marketdata.management.arguments import add_market, positive
from scans.management import preclose
from scans.management.arguments import ScanCommand
from scans.management.delivery import add_delivery, deliver, delivery
from scans.queries.preclose import SESSIONS, hit_shares


class Command(ScanCommand):
    help = "How many picks of each version's last scan before the close were in its list at the close."
    examples = ("preclose_hits", "preclose_hits --sessions 20 --format json")

    def add_arguments(self, parser: CommandParser) -> None:
        add_market(parser)
        parser.add_argument("--sessions", type=positive, default=SESSIONS, help=f"the last N (default: {SESSIONS})")
        add_delivery(parser)

    def handle(self, **options: Any) -> None:
        shares = hit_shares(options["market"], sessions=options["sessions"])
        deliver(preclose.hit_results(shares), delivery(options), self.stdout)
