"""manage.py collect_candles: candles of a source into the record, as far as the record lacks them."""

from __future__ import annotations

from contextlib import closing
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from marketdata.candles.collector.collector import StuckError
from marketdata.candles.collector.planner import RequestError
from marketdata.candles.management import progress as screens
from marketdata.candles.operations.collect import collect
from marketdata.candles.operations.sources import candle_source
from marketdata.management.command import SeismoCommand
from marketdata.operations.lease import LeaseLost
from marketdata.sources.base import SourceError


class Command(SeismoCommand):
    help = (
        "Collect candles: the last --count, --count before --to, from --from to --to, or from --from to now. "
        "What is recorded is not asked for again, and a run that was ended is taken up by the same command."
    )
    examples = (
        "collect_candles --market KRW-BTC --timeframe 1m --count 2000",
        "collect_candles --market KRW-BTC --timeframe 1m --from 2025-09-01 --to 2025-10-01",
        "collect_candles --source bithumb --market KRW-BTC --timeframe 1d --from 2024-01-01",
    )
    problems = (*SeismoCommand.problems, LeaseLost, SourceError, RequestError, StuckError)
    interrupted = screens.INTERRUPTED

    def add_arguments(self, parser: CommandParser) -> None:
        screens.add_series(parser, required=True)
        screens.add_range(parser)
        parser.add_argument("--closed", action="store_true", help="without the forming candle")

    def handle(self, **options: Any) -> None:
        screen = screens.CandleScreen(self.bar, self.stdout, self.stderr)
        request = screens.request_of(options)
        with closing(candle_source(options["source"])) as source:
            told = screen.progress
            done = collect(source=source, request=request, as_of=timezone.now(), on_progress=told)
        self.bar.close()
        screen.summary(done)
        wrong, status = screen.failure(done)
        if wrong:
            raise CommandError(wrong, returncode=status)
