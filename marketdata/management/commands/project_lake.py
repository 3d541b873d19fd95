"""manage.py project_lake: bring the lake up to date with the record."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from marketdata.errors import DataProblem
from marketdata.markets import UnknownMarket, market
from marketdata.operations import project


class Command(BaseCommand):
    help = "Rewrite the lake's stale partitions from the record."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--market", default="kr")
        parser.add_argument("--rebuild", action="store_true", help="rewrite every partition")

    def handle(self, **options: Any) -> None:
        began = time.perf_counter()
        try:
            name = market(options["market"]).name
            if not options["rebuild"]:
                project.mark_broken(name)
            rebuild, tell = options["rebuild"], self.progress
            done = project.project(name, rebuild=rebuild, progress=tell)
            done += project.project_flows(name, rebuild=rebuild, progress=tell)
        except (DataProblem, UnknownMarket) as error:
            raise CommandError(str(error)) from error
        seconds = time.perf_counter() - began
        self.stdout.write(
            f"{name}: {done.partitions} partitions rewritten, {done.rows:,} rows, {done.bytes / 1e6:.1f} MB, "
            f"{seconds:.1f} s"
        )

    def progress(self, month: str, done: int, of: int) -> None:
        if self.stderr.isatty():
            self.stderr.write(f"\r{month}  {done} of {of}", ending="\n" if done == of else "")
