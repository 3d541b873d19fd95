"""A collection that nobody watches: what trades, the bars and, where somebody reads it, the investor flow that a market
lacks, from the source that is configured for it; what came of it is a value instead of an error."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime

from marketdata.errors import DataProblem
from marketdata.operations import sources
from marketdata.operations.collect import flows as flow_collection
from marketdata.operations.collect import holidays, instruments
from marketdata.operations.collect.collection import Callbacks, collection_lease, run
from marketdata.operations.collect.plan import CollectionOptions, CollectionPlan
from marketdata.operations.collect.report import CollectionReport
from marketdata.sources.base import Capability, SourceError, SourceRefused
from marketdata.sources.daily import DailyBarSource, InstrumentSource

LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CollectionSummary:
    """What was collected: rows, calls and seconds; `source` "" where none is configured, which `note` then says;
    `left_out`: why a session that has closed was not asked for, "" where none was left out;
    `listed` instruments that were new, `failed` ones without their bars; `flows` rows of investor flow that are new or
    corrected; `error`: why it ended early or did not get everything, "" where it did."""

    source: str = ""
    note: str = ""
    left_out: str = ""
    listed: int = 0
    calls: int = 0
    new: int = 0
    corrected: int = 0
    unchanged: int = 0
    rejected: int = 0
    failed: int = 0
    flows: int = 0
    seconds: float = 0.0
    error: str = ""


def collect_missing(
    market: str, *, flows: bool, clock: Callable[[], datetime], beat: Callable[[], None]
) -> CollectionSummary:
    """Collect what `market` lacks, of `flows` only if they are wanted; `beat` is called again and again, and what it
    raises ends the collection."""
    try:
        source = sources.get_daily_bar_source(market)
    except SourceRefused as refusal:
        return CollectionSummary(note=str(refusal))
    with closing(source):
        listed, wrong = _synced(source, market, clock())
        try:
            watch = Callbacks(progress=lambda _: beat())
            plan, report = run(source, market, CollectionOptions.of_settings(), clock=clock, watch=watch)
        except (DataProblem, SourceError) as error:
            LOGGER.warning("Market %s was not collected from %s: %s", market, source.name, error)
            return CollectionSummary(source.name, listed=listed, error=" ".join([*wrong, str(error)]))
    told = _told(source.name, plan, report, listed, wrong)
    # Flow is held against the bars of its session; a source that is away for bars is away for flow.
    return _with_flows(told, market, clock, beat) if flows and not report.stopped else told


def sync_holidays(market: str, *, as_of: datetime) -> str:
    """Ask on which days the exchange opens, where a source has that and its answer for today is missing; what went
    wrong, "" where nothing did."""
    try:
        source = sources.get_holiday_source(market)
    except SourceRefused:
        return ""
    with closing(source):
        if Capability.HOLIDAYS not in source.capabilities:
            return ""
        try:
            done = holidays.sync(source, market=market, as_of=as_of)
        except SourceError as error:
            LOGGER.warning("The holidays of market %s were not asked for: %s", market, error)
            return f"The holidays of market {market} are not known: {error}"
    for day in done.disputed:
        LOGGER.warning("%s says of %s the opposite of the override of market %s", source.name, day, market)
    return ""


def _with_flows(
    told: CollectionSummary, market: str, clock: Callable[[], datetime], beat: Callable[[], None]
) -> CollectionSummary:
    """What is told, and what became of the flow that `market` lacks. Who has daily bars need not have flow: another
    source may, and where none does, runs go without, as they say themselves."""
    try:
        source = sources.get_flow_source(market)
    except SourceRefused:
        return told
    with closing(source):
        try:
            with collection_lease("flow", market, source.name):
                wanted = flow_collection.make_flow_plan(source, market=market, as_of=clock())
                report = flow_collection.collect_flows(source, wanted, clock=clock, progress=lambda _: beat())
        except (DataProblem, SourceError) as error:
            LOGGER.warning("Flow of market %s was not collected: %s", market, error)
            return _adding(told, f"Investor flow was not collected: {error}")
    wrong = [f"Investor flow: {report.stopped}"] if report.stopped else []
    if report.failures:
        wrong.append(f"The investor flow of {_failed(report.failures)}")
    return replace(
        _adding(told, *wrong),
        calls=told.calls + report.calls,
        flows=report.counts.new + report.counts.corrected,
        rejected=told.rejected + sum(report.rejected.values()),
        seconds=round(told.seconds + report.seconds, 1),
    )


def _adding(told: CollectionSummary, *wrong: str) -> CollectionSummary:
    return replace(told, error=" ".join(one for one in (told.error, *wrong) if one))


def _synced(source: DailyBarSource, market: str, at: datetime) -> tuple[int, list[str]]:
    """Bring what trades up to date, where the source lists it: how many are new, and what went wrong. Bars of what was
    known before can be had all the same."""
    if not isinstance(source, InstrumentSource):
        return 0, []
    try:
        done = instruments.sync(source, market=market, as_of=at)
    except (DataProblem, SourceError) as error:
        LOGGER.warning("What trades on market %s is not up to date: %s", market, error)
        return 0, [f"The list of instruments was not brought up to date: {error}"]
    return done.new, [f"The list of {segment} failed: {why}" for segment, why in done.failures]


def _told(
    source: str, plan: CollectionPlan, report: CollectionReport, listed: int, wrong: list[str]
) -> CollectionSummary:
    failed = len(report.failures)
    told = [*wrong, *(one for one in (report.stopped, report.refused) if one)]
    if failed:
        told.append(_failed(report.failures))
    return CollectionSummary(
        source=source,
        left_out=plan.note,
        listed=listed,
        calls=report.calls,
        new=report.counts.new,
        corrected=report.counts.corrected,
        unchanged=report.counts.unchanged,
        rejected=sum(report.rejected.values()),
        failed=failed,
        seconds=round(report.seconds, 1),
        error=" ".join(told),
    )


def _failed(failures: Mapping[str, str]) -> str:
    """The first by its code stands for all, whichever answered first."""
    code = min(failures)
    return f"{len(failures)} instruments failed, {code} among them: {failures[code]}"
