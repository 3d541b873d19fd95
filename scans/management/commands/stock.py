"""manage.py stock: which scans caught an instrument."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from marketdata import catalogue
from marketdata.markets import UnknownMarket, market
from scans import results
from scans.management.arguments import positive


class Command(BaseCommand):
    help = "The published picks of one instrument by version, the newest first."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("code")
        parser.add_argument("--market", default="kr")
        parser.add_argument("--last", type=positive, default=50, help="how many picks at most")

    def handle(self, **options: Any) -> None:
        try:
            name = market(options["market"]).name
        except UnknownMarket as error:
            raise CommandError(str(error)) from error
        found = catalogue.instruments(name).filter(code=options["code"]).first()
        if found is None:
            raise CommandError(
                f"Market {name} has no instrument {options['code']}: search for it in the admin."
            )
        self.stdout.write(
            f"{found}  {found.segment} {found.kind}  bars {found.first_bar} to {found.last_bar}"
        )
        rows = results.picks(name, found.code).order_by("-date", "scanner_version__slug")[
            : options["last"]
        ]
        for row in rows:
            mark = f"{row.date}  {row.scanner_version.slug:12} rank {row.rank:3}  score {row.score:8.2f}"
            self.stdout.write(
                f"{mark}  {row.strategy or '-':9} {row.label or '-':14} close {row.close:,.10g}"
            )
        if not rows:
            self.stdout.write("No published scan has picked it.")
