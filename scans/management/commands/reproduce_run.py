"""manage.py reproduce_run: run a recorded run again and compare the result."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from marketdata.management.arguments import positive
from scans.management.arguments import ScanCommand
from scans.operations.scan import reproduce


class Command(ScanCommand):
    help = "Run a recorded run again and say identical, or exactly what differs."
    examples = ("reproduce_run 12", "reproduce_run 12 --all")

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("run", type=positive, help="the run's number")
        parser.add_argument("--all", action="store_true", help="list every change since the run, not only 50")

    def handle(self, **options: Any) -> None:
        reproduction = reproduce.reproduce_run(options["run"], as_of=timezone.now())
        sentence = reproduce.sentence(reproduction, most=None if options["all"] else 50)
        if not reproduction.identical:
            raise CommandError(sentence)
        self.stdout.write(sentence)
