"""manage.py sources: the sources of market data and their missing settings."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandParser

from marketdata.management.arguments import add_format
from marketdata.management.command import SeismoCommand
from marketdata.operations.source_descriptions import describe_sources


class Command(SeismoCommand):
    help = "List the sources: what each can do, for how many calls, when bars are final, and whether it is configured."
    examples = ("sources", "sources --format json")

    def add_arguments(self, parser: CommandParser) -> None:
        add_format(parser, ("text", "json"))

    def handle(self, **options: Any) -> None:
        for source in describe_sources():
            if options["format"] == "json":
                row = asdict(source) | {"is_configured": source.is_configured}
                self.stdout.write(json.dumps(row, ensure_ascii=False))
                continue
            state = "configured" if source.is_configured else "not configured"
            missing = f", missing {' and '.join(source.missing)}" if source.missing else ""
            unofficial = "" if source.is_official else ", unofficial: its owner does not offer it"
            install = f", its library is missing: {source.install}" if source.install else ""
            self.stdout.write(f"{source.name:8} {source.title}: {state}{missing}{install}{unofficial}")
            self.stdout.write(f"         {source.wrong or ', '.join(source.can)}")
            if source.market:
                self.stdout.write(f"         {source.market}: {source.calls}")
                self.stdout.write(f"         final {source.final}")
