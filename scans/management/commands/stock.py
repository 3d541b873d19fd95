"""manage.py stock: which scans caught an instrument."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from marketdata import catalogue, queries
from marketdata.markets import market
from scans import results
from scans.management import looking
from scans.management.arguments import one_sentence, positive


class Command(BaseCommand):
    help = "The published picks of one instrument by version, the newest first."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("code")
        parser.add_argument("--market", default="kr")
        parser.add_argument("--last", type=positive, default=50, help="how many picks at most")
        parser.add_argument("--sessions", type=positive, help="of the market's last N alone")

    def handle(self, **options: Any) -> None:
        with one_sentence():
            name = market(options["market"]).name
        found = catalogue.instruments(name).filter(code=options["code"]).first()
        if found is None:
            raise CommandError(
                f"Market {name} has no instrument {options['code']}: search for it in the admin."
            )
        self.stdout.write(
            f"{found}  {found.segment} {found.kind}  bars {found.first_bar} to {found.last_bar}"
        )
        since = None
        if options["sessions"]:
            since = queries.record(name).sessions[-options["sessions"] :][0].item()
        rows = results.picks(name, found.code, since=since)
        for line in looking.picks(list(rows), options["last"], since):
            self.stdout.write(line)
