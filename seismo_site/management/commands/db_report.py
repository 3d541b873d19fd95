"""manage.py db_report: what costs time and space in the database."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import connection

from marketdata.management.command import SeismoCommand
from seismo_site.database_report import postgresql, sqlite
from seismo_site.database_report.slow_log import slow_statements


class Command(SeismoCommand):
    help = (
        "Report on the database: slowest statements, sequential scans of large tables, unused and duplicate indexes, "
        "bloat, cache hits; of SQLite what applies."
    )

    examples = ("db_report", "db_report --log postgresql.log")

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--log", type=Path, help="a log of PostgreSQL, whose slow statements are summed up")

    def handle(self, **options: Any) -> None:
        sections = list((postgresql if connection.vendor == "postgresql" else sqlite).sections())
        if options["log"]:
            try:
                with options["log"].open(encoding="utf-8", errors="replace") as lines:
                    sections.append(slow_statements(lines))
            except OSError as error:
                raise CommandError(f"The log {options['log']} cannot be read: {error.strerror}.") from error
        self.stdout.write("\n\n".join(section.text() for section in sections))
