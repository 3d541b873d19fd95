"""manage.py verify_lake: the differences between the lake and the record."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from marketdata.management.arguments import add_market
from marketdata.management.command import SeismoCommand
from marketdata.markets import get_market
from marketdata.number_format import count_of
from marketdata.operations.projection.verify import verify


class Command(SeismoCommand):
    help = "Compare the lake with the record: rows, digests, gaps."
    examples = ("verify_lake", "verify_lake --market us")

    def add_arguments(self, parser: CommandParser) -> None:
        add_market(parser)

    def handle(self, **options: Any) -> None:
        name = get_market(options["market"]).name
        findings = list(verify(name))
        for finding in findings:
            where = f"{finding.month:%Y-%m} " if finding.month else ""
            self.stdout.write(f"{name} {where}{finding.text}")
        faults = sum(finding.is_fault for finding in findings)
        if faults:
            raise CommandError(f"{count_of(faults, 'fault')} in the lake of market {name}.")
        self.stdout.write(f"The lake of market {name} agrees with the record.")
