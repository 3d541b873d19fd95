"""manage.py backfill: publish the scans of a long range of sessions."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from marketdata.management.parser import USAGE
from marketdata.management.progress_bar import time_left
from marketdata.number_format import count_of
from scans.management.arguments import ScanCommand, add_request, scan_request
from scans.operations.scan import backfill


class Command(ScanCommand):
    help = "Publish every session of a range for one or several scanner versions; resumable."
    examples = (
        "backfill --from 2016-01-04",
        "backfill --version v1 --version v2 --from 2024-01-02 --to 2024-12-30 --resume",
    )
    interrupted = "Interrupted: what is published stays; the same command with --resume publishes the rest."

    def add_arguments(self, parser: CommandParser) -> None:
        add_request(parser)
        published = parser.add_mutually_exclusive_group()
        published.add_argument("--resume", action="store_true", help="skip sessions that are published")
        published.add_argument("--replace", action="store_true", help="publish every session again")

    def handle(self, **options: Any) -> None:
        if options["no_save"]:
            raise CommandError("A backfill publishes: leave out --no-save.", returncode=USAGE)
        if options["first"] is None and options["date"] is None:
            raise CommandError("Name the first session: --from 2016-01-04.", returncode=USAGE)
        reports = backfill.run_backfill(
            scan_request(options), resume=options["resume"], overwrite=options["replace"], progress=self.progress
        )
        self.bar.close()
        for report in reports:
            self.stdout.write(
                f"{report.version}: {count_of(report.published, 'session')} published, {report.unchanged:,} already "
                f"published, {report.seconds:.1f} s"
            )
        if failures := backfill.failures(reports):
            raise CommandError(" ".join(failures))

    def progress(self, now: backfill.BackfillProgress) -> None:
        """Show the progress after a session."""
        share = now.done / now.total if now.total else 1.0
        notes = (f"{now.done:,} of {count_of(now.total, 'session')}", time_left(now.remaining))
        self.bar.show(now.version, share, *notes)
