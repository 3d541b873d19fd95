"""manage.py candles: what is recorded of candles, and the candles themselves."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from marketdata.candles import queries
from marketdata.candles.collector.fill import EmptySlots
from marketdata.candles.management import progress as screens
from marketdata.candles.management.tables import CandleTables
from marketdata.management.arguments import add_format, positive
from marketdata.management.command import SeismoCommand
from marketdata.management.table_output import TABLES


class Command(SeismoCommand):
    help = (
        "Show the recorded series of candles; with --market what is verified of one and where its gaps are; "
        "with --count, --from or --to its candles."
    )
    examples = (
        "candles",
        "candles --market KRW-BTC --timeframe 1m",
        "candles --market KRW-BTC --timeframe 1m --to 2025-09-02 --count 60 --format csv",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        screens.add_series(parser, required=False)
        screens.add_range(parser)
        parser.add_argument(
            "--empty",
            choices=[str(one) for one in EmptySlots],
            default=str(EmptySlots.FORWARD),
            help="slots without trades: filled with the close before (default), null, or dropped",
        )
        add_format(parser, ("table", "json", *TABLES))
        parser.add_argument("--limit", type=positive, default=20, help="gaps shown of one series")

    def handle(self, **options: Any) -> None:
        said = (options[name] for name in ("format", "output", "encoding"))
        tables = CandleTables(self.stdout, *said)
        if not options["market"]:
            tables.series(queries.recorded_series())
            return
        asked = {name: options[name] for name in ("start", "end", "count")}
        found = queries.series(*(options[n] for n in ("source", "market", "timeframe")))
        closed = found.grid.floor(int(timezone.now().timestamp()))
        interval = queries.interval_of(found, **asked)
        if any(value is not None for value in asked.values()):
            empty = EmptySlots(options["empty"])
            tables.candles(queries.read(found, interval, empty=empty, closed_until=closed))
            return
        if options["format"] not in TABLES:  # a file holds one table
            tables.series(queries.recorded_series(found))
        tables.gaps(queries.gaps(found, interval, closed_until=closed), options["limit"])
