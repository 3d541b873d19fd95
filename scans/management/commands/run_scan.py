"""manage.py run_scan: rank a market by one or several scanner versions."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from marketdata.management.arguments import add_format
from marketdata.management.parser import USAGE
from marketdata.markets import get_market
from scans.api.after_publication import warm_up_responses
from scans.management import freshness, scan_tables
from scans.management.arguments import ScanCommand, add_request, scan_request
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
        add_format(parser, scan_tables.FORMATS)
        parser.add_argument(
            "--explain",
            metavar="SHARE",
            help="instead of ranks, why one share was picked or not: a code, or a name or a part of it",
        )
        freshness.add_strict_fresh(parser)

    def handle(self, **options: Any) -> None:
        wanted = scan_request(options)
        beside = options["format"] != "table" or options["explain"]
        freshness.warn(self, wanted, strict=options["strict_fresh"], beside=bool(beside))
        if options["explain"]:
            self.explain(wanted, options)
            return
        scans = run.run_scan(wanted)
        freshness.write_notices(self, scans)
        form, output, encoding = (options[n] for n in ("format", "output", "encoding"))
        scan_tables.deliver(scans, form, output, self.stdout, encoding)
        write_next_steps(self.stdout, scans)
        warm_up_responses(wanted.market, [scan.version.slug for scan in scans if not scan.error])
        if failed := [scan.error for scan in scans if scan.error]:
            raise CommandError(" ".join(failed))

    def explain(self, wanted: run.RunRequest, options: dict[str, Any]) -> None:
        """Why each version picked the share or not."""
        # What only an explanation needs; every scan would pay for it.
        from marketdata.queries.instrument_search import find_instrument
        from scans.management import explanations

        if options["format"] not in explanations.FORMATS or options["output"]:
            told = "--explain is shown as a table or with --format json, and without --output."
            raise CommandError(told, returncode=USAGE)
        found = find_instrument(options["explain"], get_market(wanted.market).name)
        share = explanations.Share(found.market, found.code, found.name)
        explained = run.check_instrument(wanted, share.code)
        explanations.write_explanations(self.stdout, explained, share, options["format"])
