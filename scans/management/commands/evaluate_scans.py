"""manage.py evaluate_scans: how the picks of scanner versions did."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from marketdata.management.arguments import add_format
from scans.management import evaluation_tables, freshness
from scans.management.arguments import ScanCommand
from scans.management.evaluation_options import add_evaluation_options, evaluation_request, versions
from scans.management.scan_tables import FORMATS
from scans.operations.evaluation.evaluate import GROUPINGS, evaluate_versions


class Command(ScanCommand):
    help = "Judge the picks of scanner versions: returns, hit rates, excess over the market, with errors."
    examples = (
        "evaluate_scans --versions v1,v2",
        "evaluate_scans --versions v2 --from 2024-07-01 --horizons 5,20 --costs 0.25 --by regime",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--versions", type=versions, required=True, help="v1,v2,v3")
        add_evaluation_options(parser)
        parser.add_argument("--by", choices=GROUPINGS, default="", help="figures of each of these, too")
        add_format(parser, FORMATS)

    def handle(self, **options: Any) -> None:
        asked = evaluation_request(options, options["versions"], options["by"])
        freshness.warn(self, asked, beside=True)
        form, output, encoding = (options[n] for n in ("format", "output", "encoding"))
        evaluation_tables.deliver(evaluate_versions(asked), form, output, self.stdout, encoding)
