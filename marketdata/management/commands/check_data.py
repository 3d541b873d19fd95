"""manage.py check_data: the suspicious data of a record."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from marketdata.data_quality import age
from marketdata.data_quality.report import get_findings
from marketdata.management.arguments import add_format, add_market, positive
from marketdata.management.command import SeismoCommand
from marketdata.management.findings import write_finding
from marketdata.management.progress_bar import ProgressBar
from marketdata.markets import get_market
from marketdata.number_format import count_of
from marketdata.operations.projection import project
from marketdata.queries.records import get_record


class Command(SeismoCommand):
    help = "List what looks wrong with the record: missing sessions, suspected corporate actions, disagreements."
    examples = ("check_data", "check_data --market us --limit 5", "check_data --format json")

    def add_arguments(self, parser: CommandParser) -> None:
        add_market(parser)
        add_format(parser, ("text", "json"))
        parser.add_argument("--limit", type=positive, default=20, help="cases shown of each finding")
        parser.add_argument("--strict", action="store_true", help="status 1 where there is a finding")

    def handle(self, **options: Any) -> None:
        name = get_market(options["market"]).name
        project.update_lake(name)
        get_record(name).refuse_empty()
        results = list(age.check_age(name, timezone.now(), limit=options["limit"]))
        bar = ProgressBar(self.stderr)
        try:
            results += get_findings(name, limit=options["limit"], progress=bar.show)
        finally:
            bar.close()
        for finding in results:
            if options["format"] == "json":
                self.stdout.write(json.dumps(asdict(finding), ensure_ascii=False))
            else:
                write_finding(self.stdout, finding)
        if not results and options["format"] == "text":
            self.stdout.write(f"Nothing looks wrong with market {name}.")
        if results and options["strict"]:
            raise CommandError(f"{count_of(len(results), 'check')} of market {name} with findings.")
