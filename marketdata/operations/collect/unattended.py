"""A collection that nobody watches: everything a market lacks, from the source that is configured for it, and what came
of it as a value instead of an error."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime

from marketdata.errors import DataProblem
from marketdata.operations import sources
from marketdata.operations.collect.planning import Options, plan
from marketdata.operations.collect.prices import Report, collect
from marketdata.sources.base import SourceError, SourceRefused

LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Collected:
    """What was collected: rows, calls and seconds; `source` "" where none is configured, which `note` then says;
    `failed` instruments; `error`: why it ended early or did not get everything, "" where it did."""

    source: str = ""
    note: str = ""
    calls: int = 0
    new: int = 0
    corrected: int = 0
    unchanged: int = 0
    rejected: int = 0
    failed: int = 0
    seconds: float = 0.0
    error: str = ""


def collect_missing(
    market: str, *, clock: Callable[[], datetime], beat: Callable[[], None]
) -> Collected:
    """Collect what `market` lacks; `beat` is called again and again, and what it raises ends the collection."""
    try:
        source = sources.of_daily_bars(market)
    except SourceRefused as refusal:
        return Collected(note=str(refusal))
    with closing(source):
        try:
            wanted = plan(source, market=market, options=Options.of_settings(), as_of=clock())
            report = collect(source, wanted, clock=clock, progress=lambda _: beat())
        except (DataProblem, SourceError) as error:
            LOGGER.warning("Market %s was not collected from %s: %s", market, source.name, error)
            return Collected(source.name, error=str(error))
    return _told(source.name, report)


def _told(source: str, report: Report) -> Collected:
    failed = len(report.failures)
    told = [report.stopped] if report.stopped else []
    if failed:
        code, why = next(iter(report.failures.items()))
        told.append(f"{failed} instruments failed, {code} among them: {why}")
    return Collected(
        source=source,
        calls=report.calls,
        new=report.counts.new,
        corrected=report.counts.corrected,
        unchanged=report.counts.unchanged,
        rejected=sum(report.rejected.values()),
        failed=failed,
        seconds=round(report.seconds, 1),
        error=" ".join(told),
    )
