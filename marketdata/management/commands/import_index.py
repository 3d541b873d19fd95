"""manage.py import_index FILE --name KS11"""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from marketdata import series
from marketdata.errors import DataProblem
from marketdata.markets import UnknownMarket
from marketdata.operations.import_index import choose, import_index
from marketdata.sources.files import PriceFileError


class Command(BaseCommand):
    help = "Imports an external index series (date, high, low, close), which regimes may stand on."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")
        parser.add_argument("--name", required=True, help="the series, as KS11")
        parser.add_argument("--market", default="kr")
        parser.add_argument("--choose", action="store_true", help="make it the market's index")

    def handle(self, **options: Any) -> None:
        file, market, name = (options[key] for key in ("file", "market", "name"))
        try:
            made = import_index(file=file, market=market, name=name, as_of=timezone.now())
            if options["choose"]:
                choose(market=market, name=name)
            used = series.chosen(market) or "its own"
        except (DataProblem, PriceFileError, UnknownMarket) as error:
            raise CommandError(str(error)) from error
        for line in made.lines():
            self.stdout.write(line)
        self.stdout.write(f"Market {market} uses {used} index.")
