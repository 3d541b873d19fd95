"""A collection of daily bars as a background task, whose result is one sentence for the record of tasks and the log."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import datetime
from typing import Any

from marketdata.errors import DataProblem
from marketdata.number_format import count_of
from marketdata.operations import sources
from marketdata.operations.collect.collection import Callbacks, run
from marketdata.operations.collect.group import options_json, options_of
from marketdata.operations.collect.plan import CollectionOptions
from marketdata.operations.collect.report import CollectionReport
from marketdata.operations.lease import LeaseTaken
from marketdata.operations.tasks.queueing import enqueue
from marketdata.sources.base import SourceError, SourceUnavailable

LOGGER = logging.getLogger(__name__)


def queue_bars(market: str, source: str, options: CollectionOptions) -> str:
    """Queue a collection of the bars of `market` from `source`; returns the number of its task."""
    name = f"collection of {market} from {source}"
    return enqueue("collection", market=market, source=source, options=options_json(options), name=name)


def collect_bars(market: str, source: str, options: Mapping[str, Any], *, clock: Callable[[], datetime]) -> str:
    """Collect in this task; returns the result as text. An error that may pass is raised."""
    try:
        with closing(sources.get_daily_bar_source(market, source)) as bars:
            report = run(bars, market, options_of(options), clock=clock, callbacks=Callbacks())[1]
    except (LeaseTaken, SourceUnavailable):
        raise
    except (DataProblem, SourceError) as error:
        LOGGER.error("Market %s was not collected from %s: %s", market, source, error)
        return str(error)
    summary = f"{market} from {source}: {_summary(report)}"
    LOGGER.info("%s", summary)
    return summary


def _summary(report: CollectionReport) -> str:
    counts = report.counts
    text = f"{counts.new:,} new, {counts.corrected:,} corrected, {counts.unchanged:,} unchanged bars in "
    text += f"{count_of(report.calls, 'call')}."
    if report.failures:
        code = min(report.failures)
        text += f" {count_of(len(report.failures), 'instrument')} failed, {code} among them: {report.failures[code]}"
    return " ".join(filter(None, (text, report.stopped, report.refused, *report.notices)))
