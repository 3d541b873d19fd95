"""manage.py verify_lake: does the lake tell what the record says?"""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from marketdata.errors import DataProblem
from marketdata.markets import UnknownMarket, market
from marketdata.operations.verify import verify


class Command(BaseCommand):
    help = "Compare the lake with the record: rows, digests, gaps."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--market", default="kr")

    def handle(self, **options: Any) -> None:
        try:
            name = market(options["market"]).name
            found = list(verify(name))
        except (DataProblem, UnknownMarket) as error:
            raise CommandError(str(error)) from error
        for finding in found:
            where = f"{finding.month:%Y-%m} " if finding.month else ""
            self.stdout.write(f"{name} {where}{finding.text}")
        faults = sum(finding.is_fault for finding in found)
        if faults:
            raise CommandError(f"{faults} faults in the lake of market {name}.")
        self.stdout.write(f"The lake of market {name} agrees with the record.")
