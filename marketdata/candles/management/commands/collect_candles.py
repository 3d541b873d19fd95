"""manage.py collect_candles: records the missing candles of a source."""

from __future__ import annotations

from contextlib import closing
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from marketdata.candles.collector.collector import StuckError
from marketdata.candles.collector.planner import RequestError
from marketdata.candles.management.queueing import queue_series
from marketdata.candles.management.screen import INTERRUPTED, CandleScreen, add_range, add_series, request_of
from marketdata.candles.operations.advice import advised_pace
from marketdata.candles.operations.collect import collect
from marketdata.candles.operations.sources import candle_source
from marketdata.management.command import SeismoCommand
from marketdata.operations.lease import LeaseLost
from marketdata.sources.base import SourceError


class Command(SeismoCommand):
    help = (
        "Collect candles: the last --count, --count before --to, from --from to --to, or from --from to now. "
        "Recorded candles are not collected again, and the same command resumes an interrupted run."
    )
    examples = (
        "collect_candles --market KRW-BTC --timeframe 1m --count 2000",
        "collect_candles --market KRW-BTC --timeframe 1m --from 2025-09-01 --to 2025-10-01",
        "collect_candles --market KRW-BTC,KRW-ETH --timeframe 1m,1d --from 2025-09-01 --tasks",
        "collect_candles --source bithumb --market KRW-BTC --timeframe 1d --from 2024-01-01",
    )
    problems = (*SeismoCommand.problems, LeaseLost, SourceError, RequestError, StuckError)
    interrupted = INTERRUPTED

    def add_arguments(self, parser: CommandParser) -> None:
        add_series(parser, required=True)
        add_range(parser)
        parser.add_argument("--closed", action="store_true", help="without the forming candle")
        several = "by task workers, also several markets and timeframes, separated by commas"
        parser.add_argument("--tasks", action="store_true", help=several)

    def handle(self, **options: Any) -> None:
        if options["tasks"]:
            queue_series(self.stdout.write, options)
            return
        screen = CandleScreen(self.bar, self.stdout, self.stderr)
        request = request_of(options)
        if pace := advised_pace(options["source"]):
            self.stdout.write(f"At {pace:.1f} calls a second, as advised (flag advised_pace).")
        with closing(candle_source(options["source"], per_second=pace)) as source:
            report = collect(source=source, request=request, as_of=timezone.now(), on_progress=screen.progress)
        self.bar.close()
        screen.summary(report)
        failure, status = screen.failure(report)
        if failure:
            raise CommandError(failure, returncode=status)
