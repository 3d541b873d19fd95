"""manage.py make_demo_prices --output FILE"""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from marketdata.operations.demo_prices import write_demo_prices
from marketdata.sources.demo.market import SEED


class Command(BaseCommand):
    help = "Writes a generated market to a price file for import_prices; the same seed gives the same market."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--output", type=Path, required=True, metavar="FILE")
        parser.add_argument("--instruments", type=int, default=300)
        parser.add_argument("--sessions", type=int, default=700)
        parser.add_argument("--end", type=date.fromisoformat, help="last session (default: today)")
        parser.add_argument("--seed", type=int, default=SEED)

    def handle(self, *args: Any, **options: Any) -> None:
        given = {name: options[name] for name in ("output", "instruments", "sessions", "seed")}
        end = options["end"] or timezone.now().date()
        try:
            rows = write_demo_prices(**given, end=end)
        except (ValueError, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"{options['output']}: {rows:,} rows of {options['instruments']:,} generated instruments, "
            f"seed {options['seed']}"
        )
