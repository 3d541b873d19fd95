"""manage.py backfill: publish a version's answers for a long range of sessions."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from marketdata.management.parser import USAGE
from marketdata.management.progress_bar import time_left
from scans.management.arguments import ScanCommand, add_request, scan_request
from scans.operations.scan import backfill


class Command(ScanCommand):
    help = "Publish every session of a range for one or several scanner versions; resumable."
    examples = (
        "backfill --from 2016-01-04",
        "backfill --version v1 --version v2 --from 2024-01-02 --to 2024-12-30 --resume",
    )
    interrupted = "Interrupted: what is published stays; the same command with --resume does the rest."

    def add_arguments(self, parser: CommandParser) -> None:
        add_request(parser)
        published = parser.add_mutually_exclusive_group()
        published.add_argument("--resume", action="store_true", help="leave what is published")
        published.add_argument("--replace", action="store_true", help="publish everything again")

    def handle(self, **options: Any) -> None:
        if options["no_save"]:
            raise CommandError("A backfill publishes: leave out --no-save.", returncode=USAGE)
        if options["first"] is None and options["date"] is None:
            raise CommandError("Say where to begin: --from 2016-01-04.", returncode=USAGE)
        wanted = scan_request(options)
        done = backfill.run_backfill(
            wanted,
            resume=options["resume"],
            overwrite=options["replace"],
            progress=self.progress,
        )
        self.bar.close()
        for one in done:
            self.stdout.write(
                f"{one.version}: {one.published:,} sessions published, {one.kept:,} already published, "
                f"{one.seconds:.1f} s"
            )
        if backfill.failures(done):
            raise CommandError(" ".join(backfill.failures(done)))

    def progress(self, now: backfill.BackfillProgress) -> None:
        """One session further."""
        share = now.done / now.total if now.total else 1.0
        notes = (f"{now.done:,} of {now.total:,} sessions", time_left(now.remaining))
        self.bar.show(now.version, share, *notes)
