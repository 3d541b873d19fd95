"""manage.py compare_versions: two scanner versions beside each other."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from scans.management import comparisons
from scans.management.arguments import one_sentence
from scans.management.judging import add_judging, wanted
from scans.operations.compare import compare_versions


class Command(BaseCommand):
    help = (
        "Compare two scanner versions: what both pick, whose picks do better, and how sure that is."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("versions", nargs=2, metavar="VERSION", help="two of them, as v2 v3")
        add_judging(parser)
        parser.add_argument("--format", choices=("table", "json"), default="table")

    def handle(self, **options: Any) -> None:
        if len(set(options["versions"])) == 1:
            raise CommandError(f"Name two different versions: both are {options['versions'][0]}.")
        with one_sentence():
            found = compare_versions(wanted(options, options["versions"]))
        self.stdout.write(comparisons.compared(found, options["format"]), ending="")
