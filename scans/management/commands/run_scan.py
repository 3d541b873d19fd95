"""manage.py run_scan: rank a market by one or several scanner versions."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from marketdata.management.parser import USAGE
from marketdata.markets import get_market
from scans.api.after_publication import warm_up_responses
from scans.management import freshness, scan_tables
from scans.management.arguments import ScanCommand, add_request, scan_request
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
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add_request(parser)
        add_delivery(parser)
        parser.add_argument(
            "--explain",
            metavar="SHARE",
            help="instead of ranks, why one share was picked or not: a code, or a name or a part of it",
        )
        freshness.add_strict_fresh(parser)

    def handle(self, **options: Any) -> None:
        request = scan_request(options)
        where = delivery(options)
        beside = where.for_programs or bool(options["explain"])
        freshness.warn(self, request, strict=options["strict_fresh"], beside=beside)
        if options["explain"]:
            self.explain(request, options)
            return
        scans = run.run_scan(request)
        freshness.write_notices(self, scans)
        deliver(scan_tables.scan_results(scans), where, self.stdout)
        write_next_steps(self.stdout, scans)
        warm_up_responses(request.market, [scan.version.slug for scan in scans if not scan.error])
        if errors := [scan.error for scan in scans if scan.error]:
            raise CommandError(" ".join(errors))

    def explain(self, request: run.RunRequest, options: dict[str, Any]) -> None:
        """Write why each version picked the share or not."""
        # What only an explanation needs; every scan would pay for it.
        from marketdata.queries.instrument_search import find_instrument
        from scans.management import explanations

        if options["format"] not in explanations.FORMATS or options["output"]:
            sentence = "--explain is shown as a table or with --format json, and without --output."
            raise CommandError(sentence, returncode=USAGE)
        instrument = find_instrument(options["explain"], get_market(request.market).name)
        share = explanations.Share(instrument.market, instrument.code, instrument.name)
        explained = run.check_instrument(request, share.code)
        explanations.write_explanations(self.stdout, explained, share, options["format"])
