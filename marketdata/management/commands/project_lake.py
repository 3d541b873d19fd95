"""manage.py project_lake: bring the lake up to date with the record."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import CommandParser

from marketdata.management.arguments import add_market
from marketdata.management.command import SeismoCommand
from marketdata.markets import get_market
from marketdata.number_format import count_of
from marketdata.operations.projection import project
from marketdata.queries.records import get_record


class Command(SeismoCommand):
    help = "Rewrite the lake's stale partitions from the record."
    examples = ("project_lake", "project_lake --market us --rebuild")

    def add_arguments(self, parser: CommandParser) -> None:
        add_market(parser)
        parser.add_argument("--rebuild", action="store_true", help="rewrite every partition")

    def handle(self, **options: Any) -> None:
        started = time.perf_counter()
        name = get_market(options["market"]).name
        project.mark_damaged(name)
        rebuild, progress = options["rebuild"], self.progress
        report = project.project_bars(name, rebuild=rebuild, progress=progress)
        report += project.project_flows(name, rebuild=rebuild, progress=progress)
        self.bar.close()
        get_record(name).refuse_empty()
        seconds = time.perf_counter() - started
        self.stdout.write(
            f"{name}: {count_of(report.partitions, 'partition')} rewritten, "
            f"{count_of(report.rows, 'row')}, {report.bytes / 1e6:.1f} MB, "
            f"{seconds:.1f} s"
        )

    def progress(self, month: str, done: int, of: int) -> None:
        """One month further."""
        self.bar.show(month, done / of, f"{done:,} of {of:,} months")
