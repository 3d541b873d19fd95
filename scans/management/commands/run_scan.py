"""manage.py run_scan: rank a market by one or several scanner versions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from scans import tasks
from scans.management import rendering
from scans.management.arguments import VersionedCommand, add_request, one_sentence, request
from scans.operations import run


class Command(VersionedCommand):
    help = "Scan a market with one or several scanner versions and publish the ranks."

    def add_arguments(self, parser: CommandParser) -> None:
        add_request(parser)
        parser.add_argument("--format", choices=rendering.FORMATS, default="table")
        parser.add_argument("--output", type=Path, help="a file instead of the terminal")
        parser.add_argument("--explain", metavar="CODE", help="why it was picked or not")

    def handle(self, **options: Any) -> None:
        wanted = request(options)
        with one_sentence():
            if options["explain"]:
                found = run.explain(wanted, options["explain"])
                self.stdout.write(
                    rendering.checks(found, options["explain"], wanted.market), ending=""
                )
                return
            scans = run.run(wanted)
        rendering.deliver(scans, options["format"], options["output"], self.stdout)
        tasks.warm_up(wanted.market, [scan.version.slug for scan in scans if not scan.error])
        failed = [scan.error for scan in scans if scan.error]
        if failed:
            raise CommandError(" ".join(failed))
