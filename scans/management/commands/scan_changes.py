"""manage.py scan_changes: who entered and left a version's picks since the session before."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from marketdata.management.arguments import add_market, day
from marketdata.management.table import Column, write_table
from marketdata.markets import get_market
from marketdata.number_format import MISSING_TEXT
from scans.management import freshness
from scans.management.arguments import ScanCommand
from scans.queries import results, versions

COLUMNS = (
    Column("change", text=True),
    Column("code", text=True),
    Column("name", text=True),
    Column("rank"),
)


class Command(ScanCommand):
    help = "Show who entered and left a version's picks since the published session before."
    examples = ("scan_changes", "scan_changes --version v1 --version v2 --date 2026-08-21")
    problems = (*ScanCommand.problems, results.NoSession)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--version", action="append", default=[], help="default: the active one")
        add_market(parser)
        parser.add_argument("--date", type=day, help="default: the latest published session")

    def handle(self, **options: Any) -> None:
        name = get_market(options["market"]).name
        freshness.warn_of_market(self, name, timezone.now())
        for version in versions.get_versions(name, options["version"]):
            found = results.pick_changes(name, version, options["date"])
            since = f"since {found.before.date}" if found.before else "(the first published session)"
            self.stdout.write(
                f"{version.slug}  {name}  {found.now.date} {since}: {len(found.entered):,} entered, "
                f"{len(found.left):,} left"
            )
            rows = [("entered", row) for row in found.entered] + [("left", row) for row in found.left]
            cells = ((word, row.code, row.name or MISSING_TEXT, str(row.rank)) for word, row in rows)
            write_table(self.stdout, COLUMNS, cells)
