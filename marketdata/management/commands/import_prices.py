"""manage.py import_prices FILE..."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from marketdata.management.import_command import ImportCommand
from marketdata.operations.imports.prices import import_prices


class Command(ImportCommand):
    help = (
        "Import daily bars (marcap, tidy, the exports of the KRX data portal, pykrx, FinanceDataReader and yfinance; "
        "Parquet, CSV, zip, gzip or xlsx) and factor events (date, code, ratio). The status is 1 where a file could "
        "not be read, where none of its rows could be recorded, and where half of them were rejected for one reason."
    )
    examples = (
        "import_prices bars-2025.parquet bars-2026.parquet",
        "import_prices us.csv --market us --source yahoo",
        "import_prices history.csv --code 005930",
    )
    usual_source = "marcap, else file"

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--allow-adjusted", action="store_true", help="allow adjusted prices of yfinance in a market of raw prices"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        self.run(import_prices, options)
