"""manage.py reproduce_run: does a recorded run come out the same again?"""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from scans.management.arguments import one_sentence
from scans.operations import reproduce


class Command(BaseCommand):
    help = "Do a recorded run again and say identical, or exactly what differs."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("run", type=int, help="the run's number")
        parser.add_argument("--all", action="store_true", help="list every change since, not 50")

    def handle(self, **options: Any) -> None:
        with one_sentence():
            found = reproduce.reproduce(options["run"], as_of=timezone.now())
        told = reproduce.sentence(found, most=None if options["all"] else 50)
        if not found.identical:
            raise CommandError(told)
        self.stdout.write(told)
