"""manage.py reproduce_run: does a recorded run come out the same again?"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from marketdata.management.arguments import positive
from scans.management.arguments import ScanCommand
from scans.operations.scan import reproduce


class Command(ScanCommand):
    help = "Do a recorded run again and say identical, or exactly what differs."
    examples = ("reproduce_run 12", "reproduce_run 12 --all")

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("run", type=positive, help="the run's number")
        parser.add_argument("--all", action="store_true", help="list every change since, not 50")

    def handle(self, **options: Any) -> None:
        found = reproduce.reproduce_run(options["run"], as_of=timezone.now())
        told = reproduce.sentence(found, most=None if options["all"] else 50)
        if not found.identical:
            raise CommandError(told)
        self.stdout.write(told)
