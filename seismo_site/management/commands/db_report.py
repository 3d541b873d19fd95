"""manage.py db_report: what costs time and space in the database."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from seismo_site.database_report import postgresql, sqlite
from seismo_site.database_report.slow_log import slow_statements


class Command(BaseCommand):
    help = (
        "Report on the database: slowest statements, sequential scans of large tables, unused and duplicate indexes, "
        "bloat, cache hits; of SQLite what applies."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--log", type=Path, help="a log of PostgreSQL, whose slow statements are summed up")

    def handle(self, *args: Any, **options: Any) -> None:
        sections = list((postgresql if connection.vendor == "postgresql" else sqlite).sections())
        if options["log"]:
            try:
                with options["log"].open(encoding="utf-8", errors="replace") as lines:
                    sections.append(slow_statements(lines))
            except OSError as error:
                raise CommandError(f"The log {options['log']} cannot be read: {error.strerror}.") from error
        self.stdout.write("\n\n".join(section.text() for section in sections))
