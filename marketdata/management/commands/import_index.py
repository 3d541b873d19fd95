"""manage.py import_index FILE --name KS11"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from marketdata.management.arguments import add_market
from marketdata.management.command import SeismoCommand
from marketdata.markets import OWN_EQUAL
from marketdata.operations.imports.index_series import choose_index, import_index
from marketdata.queries import index_series
from marketdata.sources.files import PriceFileError


class Command(SeismoCommand):
    help = "Import an external index series (date, high, low, close), which regimes may use."
    examples = ("import_index krx_index.parquet --name KS11 --choose",)
    problems = (*SeismoCommand.problems, PriceFileError)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE", help="Parquet or CSV")
        parser.add_argument("--name", required=True, help="the series, as KS11")
        add_market(parser)
        parser.add_argument("--choose", action="store_true", help="make it the market's index")

    def handle(self, **options: Any) -> None:
        file, market, name = (options[key] for key in ("file", "market", "name"))
        report = import_index(file=file, market=market, name=name, as_of=timezone.now())
        if options["choose"]:
            choose_index(market=market, name=name)
        index_name = index_series.get_index_name(market) or OWN_EQUAL
        for line in report.lines():
            self.stdout.write(line)
        self.stdout.write(f"The regimes of market {market} depend on {index_name}.")
