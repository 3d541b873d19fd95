"""manage.py sources: the sources of market data and their missing settings."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandParser
from django.db import DatabaseError

from marketdata.management.arguments import add_format
from marketdata.management.command import SeismoCommand
from marketdata.market_time import market_time
from marketdata.number_format import count_of
from marketdata.operations.source_descriptions import describe_sources
from marketdata.queries.call_records import call_records


class Command(SeismoCommand):
    help = "List the sources: what each can do, for how many calls, when bars are final, its settings and last calls."
    examples = ("sources", "sources --format json")

    def add_arguments(self, parser: CommandParser) -> None:
        add_format(parser, ("text", "json"))

    def handle(self, **options: Any) -> None:
        try:
            calls = call_records()
        except DatabaseError:  # before the first migration
            calls = {}
        for source in describe_sources():
            if options["format"] == "json":
                record = calls.get(source.name)
                row = asdict(source) | {"is_configured": source.is_configured}
                row["last_calls"] = record and record._asdict()
                self.stdout.write(json.dumps(row, ensure_ascii=False, default=str))
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
            if source.switches:
                self.stdout.write(f"         {' '.join(f'{name}={value}' for name, value in source.switches)}")
            if record := calls.get(source.name):
                limit = f" of {source.calls_a_day:,}" if source.calls_a_day else ""
                refused = f", refused {record.refusals:,}" if record.refusals else ""
                self.stdout.write(
                    f"         last call {market_time(record.at, source.market)}, "
                    f"{count_of(record.calls, 'call')}{limit} that day{refused}"
                )
                if record.refused_at:
                    self.stdout.write(
                        f"         last refused {market_time(record.refused_at, source.market)}: {record.refusal}"
                    )
