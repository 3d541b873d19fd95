"""manage.py update_signals: open and update the signals of published picks."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from marketdata.management.arguments import add_market
from scans.api.after_publication import SHORT, warm_up_responses
from scans.management.arguments import ScanCommand
from scans.operations import signals


class Command(ScanCommand):
    help = "Open a signal for every published pick with a plan, and update those that are not finished."

    examples = ("update_signals", "update_signals --version v2 --rebuild")

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--version", action="append", default=[], help="repeatable; default: every enabled version")
        add_market(parser)
        parser.add_argument("--rebuild", action="store_true", help="follow finished signals again, too")

    def handle(self, **options: Any) -> None:
        reports = signals.update_signals(
            market=options["market"], versions=options["version"], as_of=timezone.now(), rebuild=options["rebuild"]
        )
        for report in reports:
            total = sum(report.counts.values())
            if not total:
                self.stdout.write(f"{report.version}: no signals")
                continue
            now = ", ".join(f"{count:,} {status}" for status, count in report.counts.items())
            self.stdout.write(
                f"{report.version}: {report.opened:,} new, {report.moved:,} earlier ones changed; "
                f"of {total:,} in all {now}"
            )
        warm_up_responses(options["market"], [], seconds=SHORT)
