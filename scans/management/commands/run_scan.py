"""manage.py run_scan: rank a market by one or several scanner versions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from marketdata.management.arguments import add_format
from scans import tasks
from scans.management import rendering
from scans.management.arguments import ScanCommand, add_request, request
from scans.operations import run


class Command(ScanCommand):
    help = "Scan a market with one or several scanner versions and publish the ranks."
    examples = (
        "run_scan",
        "run_scan --version v1 --version v2 --date 2026-08-21",
        "run_scan --version v2 --from 2024-07-01 --format parquet --output ranks.parquet",
        "run_scan --explain 005930",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add_request(parser)
        add_format(parser, rendering.FORMATS)
        parser.add_argument("--output", type=Path, help="a file instead of the terminal")
        parser.add_argument("--explain", metavar="CODE", help="why it was picked or not")

    def handle(self, **options: Any) -> None:
        wanted = request(options)
        if options["explain"]:
            found = run.explain(wanted, options["explain"])
            self.stdout.write(rendering.checks(found, options["explain"], wanted.market), ending="")
            return
        scans = run.run(wanted)
        rendering.deliver(scans, options["format"], options["output"], self.stdout)
        tasks.warm_up(wanted.market, [scan.version.slug for scan in scans if not scan.error])
        failed = [scan.error for scan in scans if scan.error]
        if failed:
            raise CommandError(" ".join(failed))
