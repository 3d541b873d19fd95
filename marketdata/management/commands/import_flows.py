"""manage.py import_flows FILE..."""

from __future__ import annotations

from typing import Any

from marketdata.management.import_command import ImportCommand
from marketdata.operations.imports.flows import import_flows


class Command(ImportCommand):
    help = "Import investor flow: net buying by kinds of investors per code and date (Parquet or CSV)."

    examples = ("import_flows flows-2026.parquet", "import_flows flows.csv --source krx --strict")

    def handle(self, *args: Any, **options: Any) -> None:
        self.run(import_flows, options)
