"""manage.py stock: the published picks of one instrument."""

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
from scans.management.delivery import add_delivery, deliver, delivery
from scans.queries import results


class Command(ScanCommand):
    help = "Show the published picks of one instrument by version, the newest first."
    examples = (
        "stock 005930",
        "stock 삼성전자 --sessions 60",
        "stock brk-b --market us --last 10",
        "stock 005930 --format xlsx --output picks.xlsx",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("share", nargs="+", metavar="SHARE", help="a code, or a name or a part of it")
        add_market(parser, default=None)
        parser.add_argument("--last", type=positive, default=50, help="the latest N picks (default: 50)")
        parser.add_argument("--sessions", type=positive, help="only picks of the market's last N sessions")
        add_delivery(parser)

    def handle(self, **options: Any) -> None:
        where = delivery(options)
        market = options["market"] and get_market(options["market"]).name
        instrument = find_instrument(" ".join(options["share"]), market)
        freshness.warn_of_market(self, instrument.market, timezone.now())
        bars = f"bars {instrument.first_bar} to {instrument.last_bar}" if instrument.first_bar else "no bars"
        headline = f"{instrument}  {instrument.segment} {instrument.kind}  {bars}"
        since = None
        if options["sessions"]:
            since = get_record(instrument.market).sessions[-options["sessions"] :][0].item()
        rows = list(results.instrument_picks(instrument.market, instrument.code, since=since))
        deliver(picks.pick_results(headline, rows, options["last"], since), where, self.stdout)
        if where.for_programs and (note := picks.cut_note(rows, options["last"])):
            self.stderr.write(note)
