"""manage.py check_data: what looks wrong with the record."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from marketdata import queries, readiness
from marketdata.data_quality.report import findings
from marketdata.management.arguments import add_format, add_market, positive
from marketdata.management.command import SeismoCommand
from marketdata.markets import market
from marketdata.number_format import format_number
from marketdata.operations import project


class Command(SeismoCommand):
    help = "List what looks wrong with the record: missing sessions, suspected corporate actions, disagreements."
    examples = ("check_data", "check_data --market us --limit 5", "check_data --format json")

    def add_arguments(self, parser: CommandParser) -> None:
        add_market(parser)
        add_format(parser, ("text", "json"))
        parser.add_argument(
            "--limit", type=positive, default=20, help="cases shown of each finding"
        )
        parser.add_argument(
            "--strict", action="store_true", help="status 1 where anything is found"
        )

    def handle(self, **options: Any) -> None:
        name = market(options["market"]).name
        project.bring_up_to_date(name)
        queries.record(name).refuse_empty()
        found = [
            *readiness.findings(name, timezone.now()),
            *findings(name, limit=options["limit"]),
        ]
        for finding in found:
            if options["format"] == "json":
                self.stdout.write(json.dumps(asdict(finding), ensure_ascii=False))
                continue
            cut = 0 < len(finding.cases) < finding.count
            listed = f" ({len(finding.cases):,} listed)" if cut else ""
            self.stdout.write(f"{name}: {finding.text}: {finding.count:,}{listed}")
            for case in finding.cases:
                shown = ", ".join(f"{key} {_text(value)}" for key, value in case.items())
                self.stdout.write(f"  {shown}")
        if not found and options["format"] == "text":
            self.stdout.write(f"Nothing looks wrong with market {name}.")
        if found and options["strict"]:
            raise CommandError(f"{len(found)} checks of market {name} found something.")


def _text(value: str | float) -> str:
    return value if isinstance(value, str) else format_number(value, 10)
