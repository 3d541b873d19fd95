"""A collection of several series that is left to the task workers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.utils import timezone

from marketdata.candles.management.screen import request_of


def queue_series(write: Callable[[str], None], options: Mapping[str, Any]) -> None:
    """Queue every market and timeframe of the options of `collect_candles`, and write where the result will be."""
    from marketdata.candles.operations import group  # the queue takes long to import
    from marketdata.operations.task_queue import advice

    markets, timeframes = (list(dict.fromkeys(options[name].split(","))) for name in ("market", "timeframe"))
    series = [{"market": market, "timeframe": timeframe} for market in markets for timeframe in timeframes]
    requests = [request_of({**options, **each}) for each in series]
    number = group.queue_series(options["source"], requests, as_of=timezone.now())
    where = "its result will be among the admin's background tasks"
    write(f"{len(requests):,} series queued as task {number}: {where}.")
    if hint := advice(timezone.now()):
        write(hint)
