"""manage.py make_demo_prices --output FILE"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from marketdata.management.arguments import day, positive
from marketdata.management.command import SeismoCommand
from marketdata.number_format import count_of
from marketdata.operations.imports.demo_prices import write_demo_prices
from marketdata.sources.demo.market import SEED


class Command(SeismoCommand):
    help = "Write a generated market to a price file for import_prices; the same seed gives the same market."
    examples = ("make_demo_prices --output prices.parquet --instruments 50 --sessions 300",)
    problems = (*SeismoCommand.problems, ValueError, OSError)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--output", type=Path, required=True, metavar="FILE", help="Parquet")
        parser.add_argument("--instruments", type=positive, default=300, help="how many (default: 300)")
        parser.add_argument("--sessions", type=positive, default=700, help="how many (default: 700)")
        parser.add_argument("--end", type=day, help="last session (default: today)")
        parser.add_argument("--seed", type=int, default=SEED, help="another number gives another market")

    def handle(self, *args: Any, **options: Any) -> None:
        arguments = {name: options[name] for name in ("output", "instruments", "sessions", "seed")}
        end = options["end"] or timezone.now().date()
        rows = write_demo_prices(**arguments, end=end)
        self.stdout.write(
            f"{options['output']}: {count_of(rows, 'row')} of "
            f"{count_of(options['instruments'], 'generated instrument')}, "
            f"seed {options['seed']}"
        )
