"""manage.py backfill: publish a version's answers for a long range of sessions."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from scans.management.arguments import VersionedCommand, add_request, one_sentence, request
from scans.operations import backfill


class Command(VersionedCommand):
    help = "Publish every session of a range for one or several scanner versions; resumable."

    def add_arguments(self, parser: CommandParser) -> None:
        add_request(parser)
        published = parser.add_mutually_exclusive_group()
        published.add_argument("--resume", action="store_true", help="leave what is published")
        published.add_argument("--replace", action="store_true", help="publish everything again")

    def handle(self, **options: Any) -> None:
        if options["no_save"]:
            raise CommandError("A backfill publishes: leave out --no-save.")
        if options["first"] is None and options["date"] is None:
            raise CommandError("Say where to begin: --from 2016-01-04.")
        wanted = request(options)
        with one_sentence():
            done = backfill.backfill(
                wanted,
                resume=options["resume"],
                overwrite=options["replace"],
                progress=self.progress,
            )
        for one in done:
            self.stdout.write(
                f"{one.version}: {one.published} sessions published, {one.kept} left as they were, {one.seconds:.1f} s"
            )
        if backfill.failures(done):
            raise CommandError(" ".join(backfill.failures(done)))

    def progress(self, now: backfill.Progress) -> None:
        if self.stderr.isatty():
            rest = f"{now.version}  {now.done} of {now.total} sessions, {now.remaining:.0f} s left"
            self.stderr.write(f"\r{rest}   ", ending="\n" if now.done == now.total else "")
