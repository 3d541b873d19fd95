"""manage.py stock: which scans caught an instrument."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from marketdata.management.arguments import add_market, positive
from marketdata.markets import get_market
from marketdata.queries.instrument_search import find_instrument
from marketdata.queries.records import get_record
from scans.management import freshness, picks
from scans.management.arguments import ScanCommand
from scans.queries import results


class Command(ScanCommand):
    help = "Show the published picks of one instrument by version, the newest first."
    examples = ("stock 005930", "stock 삼성전자 --sessions 60", "stock brk-b --market us --last 10")

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("share", nargs="+", metavar="SHARE", help="code, or name or a part of it")
        add_market(parser, default=None)
        parser.add_argument("--last", type=positive, default=50, help="how many picks at most")
        parser.add_argument("--sessions", type=positive, help="of the market's last N alone")

    def handle(self, **options: Any) -> None:
        named = options["market"] and get_market(options["market"]).name
        found = find_instrument(" ".join(options["share"]), named)
        freshness.warn_of_market(self, found.market, timezone.now())
        bars = f"bars {found.first_bar} to {found.last_bar}" if found.first_bar else "no bars"
        self.stdout.write(f"{found}  {found.segment} {found.kind}  {bars}")
        since = None
        if options["sessions"]:
            since = get_record(found.market).sessions[-options["sessions"] :][0].item()
        rows = results.instrument_picks(found.market, found.code, since=since)
        picks.write_history(self.stdout, list(rows), options["last"], since)
