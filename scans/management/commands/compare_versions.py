"""manage.py compare_versions: two scanner versions beside each other."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from marketdata.management.parser import USAGE
from scans.management import freshness
from scans.management.arguments import ScanCommand
from scans.management.comparison_tables import comparison_results
from scans.management.delivery import add_delivery, deliver, delivery
from scans.management.evaluation_options import add_evaluation_options, evaluation_request
from scans.operations.evaluation.compare import compare_versions


class Command(ScanCommand):
    help = "Compare two scanner versions: what both pick, whose picks do better, and how sure that is."

    examples = (
        "compare_versions v1 v2",
        "compare_versions v2 v3 --from 2024-07-01 --horizons 5,20 --costs 0.25",
        "compare_versions v1 v2 --format xlsx --output v1-v2.xlsx",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("versions", nargs=2, metavar="VERSION", help="two versions, as v2 v3")
        add_evaluation_options(parser)
        add_delivery(parser)

    def handle(self, **options: Any) -> None:
        if len(set(options["versions"])) == 1:
            raise CommandError(f"Name two different versions: both are {options['versions'][0]}.", returncode=USAGE)
        where = delivery(options)
        request = evaluation_request(options, options["versions"])
        freshness.warn(self, request, beside=True)
        deliver(comparison_results(compare_versions(request)), where, self.stdout)
