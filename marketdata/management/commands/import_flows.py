"""manage.py import_flows FILE..."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from marketdata.management.progress import ImportScreen
from marketdata.markets import UnknownMarket
from marketdata.operations.import_flows import import_flows


class Command(BaseCommand):
    help = (
        "Imports who bought: net buying of kinds of investors per code and date (Parquet or CSV)."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
        parser.add_argument("--source", help="record under this name (default: file)")
        parser.add_argument("--market", help="kr or us, or one such as kr-adj (default: kr)")
        parser.add_argument("--strict", action="store_true", help="refuse a file with a bad row")

    def handle(self, *args: Any, **options: Any) -> None:
        given = {name: options[name] for name in ("files", "source", "market", "strict")}
        screen = ImportScreen(self.stderr, self.stdout)
        try:
            report = import_flows(**given, as_of=timezone.now(), progress=screen.progress)
        except (UnknownMarket, ValueError) as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            raise CommandError(screen.interrupted) from None
        for file in report.files:
            screen.summary(file)
        if report.failed:
            raise CommandError(screen.failures(report))
