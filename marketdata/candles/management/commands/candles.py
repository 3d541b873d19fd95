"""manage.py candles: the recorded series of candles, their gaps, and the candles themselves."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from marketdata.candles import queries
from marketdata.candles.collector.fill import EmptySlots
from marketdata.candles.management.screen import add_range, add_reading, add_series
from marketdata.candles.management.tables import CandleTables
from marketdata.candles.operations.advice import advice
from marketdata.management.arguments import add_format, positive
from marketdata.management.command import SeismoCommand
from marketdata.management.table_output import TABLES


class Command(SeismoCommand):
    help = (
        "Show the recorded series of candles; with --market the verified slots and the gaps of one; "
        "with --count, --from or --to its candles."
    )
    examples = (
        "candles",
        "candles --market KRW-BTC --timeframe 1m",
        "candles --advise",
        "candles --market KRW-BTC --timeframe 1m --to 2025-09-02 --count 60 --format csv",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add_series(parser, required=False)
        add_range(parser)
        add_reading(parser)
        add_format(parser, ("table", "json", *TABLES))
        parser.add_argument("--limit", type=positive, default=20, help="gaps shown of one series")

    def handle(self, **options: Any) -> None:
        tables = CandleTables(self.stdout, options["format"], options["output"], options["encoding"])
        if options["advise"]:
            tables.advice(advice(options["market"]))
            return
        if not options["market"]:
            tables.series(queries.recorded_series())
            return
        selection = {name: options[name] for name in ("start", "end", "count")}
        series = queries.get_series(options["source"], options["market"], options["timeframe"])
        closed = series.grid.floor(int(timezone.now().timestamp()))
        interval = queries.interval_of(series, **selection)
        if any(value is not None for value in selection.values()):
            empty = EmptySlots(options["empty"])
            tables.candles(queries.read(series, interval, empty=empty, closed_until=closed))
            return
        if options["format"] not in TABLES:  # a file has one table
            tables.series(queries.recorded_series(series))
        tables.gaps(queries.gaps(series, interval, closed_until=closed), options["limit"])
