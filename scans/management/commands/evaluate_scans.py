"""manage.py evaluate_scans: returns of the picks of scanner versions."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from django.core.management.base import CommandParser

from marketdata.management.table import write_prose
from scans.management import freshness
from scans.management.arguments import ScanCommand
from scans.management.delivery import add_delivery, deliver, delivery
from scans.management.evaluation_options import add_evaluation_options, evaluation_request, versions
from scans.management.evaluation_tables import evaluation_results
from scans.operations.evaluation.evaluate import GROUPINGS, evaluate_versions
from scans.queries.settling import settling_figures, settling_sentence
from scans.queries.versions import get_versions


class Command(ScanCommand):
    help = "Judge the picks of scanner versions: returns, hit rates, excess over the market, with errors."
    examples = (
        "evaluate_scans --versions v1,v2",
        "evaluate_scans --versions v2 --from 2024-07-01 --horizons 5,20 --costs 0.25 --by regime",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--versions", type=versions, required=True, help="v1,v2,v3")
        add_evaluation_options(parser)
        parser.add_argument("--by", choices=GROUPINGS, default="", help="also the figures of each group")
        parser.add_argument(
            "--permutations",
            action="store_true",
            help="also how often the same pattern of picks on other names does so",
        )
        add_delivery(parser)

    def handle(self, **options: Any) -> None:
        where = delivery(options)
        request = replace(
            evaluation_request(options, options["versions"], options["by"]), permutations=options["permutations"]
        )
        freshness.warn(self, request, beside=True)
        evaluation = evaluate_versions(request)
        deliver(evaluation_results(evaluation), where, self.stdout)
        if not where.for_programs:
            days = (date.fromisoformat(day) for day in (evaluation.first, evaluation.last))
            rows = get_versions(request.market, list(request.versions))
            for figures in settling_figures(request.market, rows, *days):
                if figures.sessions:
                    write_prose(self.stdout, settling_sentence(figures))
