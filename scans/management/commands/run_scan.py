"""manage.py run_scan: rank a market by one or several scanner versions."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from scans.api.after_publication import SHORT, warm_up_responses
from scans.management import freshness, scan_tables
from scans.management.arguments import ScanCommand, add_provisional, add_request, scan_request
from scans.management.delivery import add_delivery, deliver, delivery
from scans.management.next_steps import write_next_steps
from scans.operations.scan import run


class Command(ScanCommand):
    help = "Scan a market with one or several scanner versions and publish the ranks."
    examples = (
        "run_scan",
        "run_scan --version v1 --version v2 --date 2026-08-21",
        "run_scan --version v2 --from 2024-07-01 --format parquet --output ranks.parquet",
        "run_scan --version v2 --explain 삼성전자",
        "run_scan --provisional",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add_request(parser)
        add_delivery(parser)
        parser.add_argument(
            "--explain",
            metavar="SHARE",
            help="instead of ranks, why one share was picked or not: a code, or a name or a part of it",
        )
        add_provisional(parser)
        freshness.add_strict_fresh(parser)

    def handle(self, **options: Any) -> None:
        if options["provisional"]:
            from scans.management.preclose import write_preclose  # what only this needs

            write_preclose(self, options)
            return
        request = scan_request(options)
        where = delivery(options)
        beside = where.for_programs or bool(options["explain"])
        freshness.warn(self, request, strict=options["strict_fresh"], beside=beside)
        if options["explain"]:
            from scans.management.explanations import explain_share  # every scan would pay for it

            explain_share(self.stdout, request, options)
            return
        scans = run.run_scan(request)
        freshness.write_notices(self, scans)
        deliver(scan_tables.scan_results(scans), where, self.stdout)
        write_next_steps(self.stdout, scans)
        if request.save:
            slugs = [scan.version.slug for scan in scans if not scan.error]
            warm_up_responses(request.market, slugs, seconds=SHORT)
        if errors := [scan.error for scan in scans if scan.error]:
            raise CommandError(" ".join(errors))
