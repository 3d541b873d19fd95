"""manage.py check_data: what looks wrong with the record."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from marketdata.errors import DataProblem
from marketdata.health import findings
from marketdata.markets import UnknownMarket, market
from marketdata.operations import project


class Command(BaseCommand):
    help = "Lists what looks wrong with the record: missing sessions, suspected corporate actions, disagreements."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--market", default="kr")
        parser.add_argument("--format", choices=("text", "json"), default="text")
        parser.add_argument("--limit", type=int, default=20, help="cases shown of each finding")
        parser.add_argument(
            "--strict", action="store_true", help="status 1 where anything is found"
        )

    def handle(self, **options: Any) -> None:
        try:
            name = market(options["market"]).name
            project.bring_up_to_date(name)
            found = list(findings(name, limit=options["limit"]))
        except (DataProblem, UnknownMarket) as error:
            raise CommandError(str(error)) from error
        for finding in found:
            if options["format"] == "json":
                self.stdout.write(json.dumps(asdict(finding), ensure_ascii=False))
                continue
            self.stdout.write(f"{name}: {finding.text}: {finding.count:,}")
            for case in finding.cases:
                shown = ", ".join(f"{key} {value}" for key, value in case.items())
                self.stdout.write(f"  {shown}")
        if not found and options["format"] == "text":
            self.stdout.write(f"Nothing looks wrong with market {name}.")
        if found and options["strict"]:
            raise CommandError(f"{len(found)} checks of market {name} found something.")
