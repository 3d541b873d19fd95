"""manage.py scan_changes: who entered and left a version's picks since the session before."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from marketdata.markets import market
from scans import queries, results
from scans.management.arguments import VersionedCommand, day, one_sentence


class Command(VersionedCommand):
    help = "Who entered and left a version's picks since the published session before."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--version", action="append", default=[], help="default: the active one"
        )
        parser.add_argument("--market", default="kr")
        parser.add_argument("--date", type=day, help="default: the latest published session")

    def handle(self, **options: Any) -> None:
        with one_sentence():
            name = market(options["market"]).name
            chosen = queries.versions(name, options["version"])
        for version in chosen:
            try:
                found = results.changes(name, version, options["date"])
            except results.NoSession as error:
                raise CommandError(str(error)) from error
            since = (
                f"since {found.before.date}" if found.before else "(the first published session)"
            )
            self.stdout.write(f"{version.slug}  {name}  {found.now.date} {since}")
            for word, rows in (("entered", found.entered), ("left", found.left)):
                for row in rows:
                    self.stdout.write(f"  {word:8} {row.code}  {row.name}  rank {row.rank}")
            if not found.entered and not found.left:
                self.stdout.write("  nobody entered or left")
