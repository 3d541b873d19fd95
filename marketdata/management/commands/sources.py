"""manage.py sources: who can be asked for market data, and what is still missing."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandParser

from marketdata.management.arguments import add_format
from marketdata.management.command import SeismoCommand
from marketdata.operations.sources import describe_sources


class Command(SeismoCommand):
    help = "List the sources: what each can do, and whether it is configured."
    examples = ("sources", "sources --format json")

    def add_arguments(self, parser: CommandParser) -> None:
        add_format(parser, ("text", "json"))

    def handle(self, **options: Any) -> None:
        for one in describe_sources():
            if options["format"] == "json":
                said = asdict(one) | {"is_configured": one.is_configured}
                self.stdout.write(json.dumps(said, ensure_ascii=False))
                continue
            state = "configured" if one.is_configured else "not configured"
            lacks = f", missing {' and '.join(one.missing)}" if one.missing else ""
            self.stdout.write(f"{one.name:8} {one.title}: {state}{lacks}")
            self.stdout.write(f"         {one.wrong or ', '.join(one.can)}")
