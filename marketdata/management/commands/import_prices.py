"""manage.py import_prices FILE..."""

from __future__ import annotations

from typing import Any

from marketdata.management.importing import ImportCommand
from marketdata.operations.import_prices import import_prices


class Command(ImportCommand):
    help = (
        "Import daily bars (marcap or tidy, Parquet or CSV) and factor events (date, code, ratio)."
    )
    examples = (
        "import_prices bars-2025.parquet bars-2026.parquet",
        "import_prices us.csv --market us --source yahoo",
    )
    usual_source = "marcap, else file"

    def handle(self, *args: Any, **options: Any) -> None:
        self.run(import_prices, options)
