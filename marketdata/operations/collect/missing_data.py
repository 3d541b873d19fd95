"""The collection of an evening: instruments, bars and, where it is used, investor flow that a market lacks, from the
source configured for it. Returns a summary; failures are part of it instead of errors."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from marketdata.errors import DataProblem
from marketdata.operations import sources
from marketdata.operations.collect import flows as flow_collection
from marketdata.operations.collect import holidays, instruments
from marketdata.operations.collect.collection import Callbacks, collection_lease, run
from marketdata.operations.collect.plan import CollectionOptions
from marketdata.operations.collect.report import CollectionReport
from marketdata.operations.collect.whole_sessions import SessionPlan, run_sessions
from marketdata.sources.base import Capability, Source, SourceError, SourceRefused
from marketdata.sources.daily import InstrumentSource
from marketdata.sources.sessions import ListingSource, SessionSource

LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CollectionSummary:
    """Counts of rows, calls and seconds; `source` is "" where none is configured, `note` then the reason; `left_out`:
    why a closed session was not requested, "" where none was left out; `listed`: new instruments; `failed`: instruments
    whose bars are missing; `flows`: new or corrected rows of investor flow; `error`: why it is incomplete, "" where it
    is complete."""

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

    def __add__(self, other: CollectionSummary) -> CollectionSummary:
        """Both as one: counts are added, texts follow each other, and `left_out` is the other's."""
        counts = ("listed", "calls", "new", "corrected", "unchanged", "rejected", "failed", "flows", "seconds")
        return CollectionSummary(
            source=" and ".join(filter(None, (self.source, other.source))),
            note=" ".join(filter(None, (self.note, other.note))),
            left_out=other.left_out,
            error=" ".join(filter(None, (self.error, other.error))),
            **{name: round(getattr(self, name) + getattr(other, name), 1) for name in counts},
        )


def collect_missing(
    market: str, *, flows: bool, clock: Callable[[], datetime], beat: Callable[[], None], lists: bool = True
) -> CollectionSummary:
    """Collect what `market` lacks, investor flow only with `flows`, lists of instruments with `lists`; `beat` is called
    after each answer, and its exception ends the collection."""
    try:
        source = sources.get_bar_source(market)
    except SourceRefused as refusal:
        return CollectionSummary(note=str(refusal))
    with closing(source):
        if isinstance(source, SessionSource):
            summary = _collect_sessions(source, market, clock, beat)
            if not summary.new:
                return summary
            listed, problems = _sync_instruments(source, market, clock())
            return replace(_add_problems(summary, *problems), listed=listed)
        new_instruments, problems = _sync_instruments(source, market, clock()) if lists else (0, list[str]())
        try:
            callbacks = Callbacks(progress=lambda _: beat())
            plan, report = run(source, market, _options(market), clock=clock, callbacks=callbacks)
        except (DataProblem, SourceError) as error:
            LOGGER.warning("Market %s was not collected from %s: %s", market, source.name, error)
            return CollectionSummary(source.name, listed=new_instruments, error=" ".join([*problems, str(error)]))
    problems += [report.stopped, report.refused, _failure_text(report.failures) if report.failures else ""]
    summary = _summary(source.name, report, plan.note, problems, new_instruments)
    # Flow is compared with the bars of its session; a source that is unavailable for bars is so for flow.
    return _with_flows(summary, market, clock, beat) if flows and not report.stopped else summary


def _options(market: str) -> CollectionOptions:
    """The options of an evening. Where the exchange's own lists settle each session, with its base prices, the bars of
    instruments in turn are not requested beside quotes."""
    options = CollectionOptions.of_settings()
    try:
        sources.get_session_source(market).close()
    except SourceRefused:
        return options
    return replace(options, check_every=0)


SETTLED_SESSIONS = timedelta(days=14)
"""How far back a morning requests the sessions of an exchange that publishes them later."""


def collect_settled(market: str, *, clock: Callable[[], datetime], beat: Callable[[], None]) -> CollectionSummary:
    """Collect what settles the last sessions of `market`: the exchange's own where a source has whole sessions, then
    what the source of daily bars reads again."""
    summary = None
    try:
        source = sources.get_session_source(market)
    except SourceRefused:
        pass
    else:
        with closing(source):
            since = (clock() - SETTLED_SESSIONS).date()
            summary = _collect_sessions(source, market, clock, beat, since)
    try:
        sources.get_daily_bar_source(market).close()
    except SourceRefused as refusal:
        return summary or CollectionSummary(note=str(refusal))
    daily = collect_missing(market, flows=False, clock=clock, beat=beat, lists=False)  # the evening has them
    if summary is None:
        return daily
    return summary + daily


def _collect_sessions(
    source: SessionSource,
    market: str,
    clock: Callable[[], datetime],
    beat: Callable[[], None],
    since: date | None = None,
) -> CollectionSummary:
    """The summary of collecting the published sessions that `market` lacks."""
    plans: list[SessionPlan] = []
    try:
        report = run_sessions(source, market, since=since, clock=clock, on_plan=plans.append, progress=lambda _: beat())
    except (DataProblem, SourceError) as error:
        LOGGER.warning("Market %s was not collected from %s: %s", market, source.name, error)
        return CollectionSummary(source.name, error=str(error))
    waiting = plans[0].waiting
    left_out = f"Session {waiting[0]} is published from {waiting[1]:%Y-%m-%d %H:%M} on." if waiting else ""
    failures = [f"Session {day}: {why}" for day, why in report.failures.items()]
    return _summary(source.name, report, left_out, [report.stopped, *failures[:1]])


def sync_holidays(market: str, *, as_of: datetime) -> str:
    """Synchronise the holidays of `market` where a source has them and its answer for today is missing; returns the
    problem as a sentence, "" where there is none."""
    try:
        source = sources.get_holiday_source(market)
    except SourceRefused:
        return ""
    with closing(source):
        if Capability.HOLIDAYS not in source.capabilities:
            return ""
        try:
            report = holidays.sync(source, market=market, as_of=as_of)
        except SourceError as error:
            LOGGER.warning("The holidays of market %s were not synchronised: %s", market, error)
            return f"The holidays of market {market} are not synchronised: {error}"
    for day in report.disputed:
        LOGGER.warning("%s says of %s the opposite of the calendar of market %s, which stays", source.name, day, market)
    return ""


def _with_flows(
    summary: CollectionSummary, market: str, clock: Callable[[], datetime], beat: Callable[[], None]
) -> CollectionSummary:
    """`summary` with the collection of the flow that `market` lacks. A source of daily bars may have no flow: another
    one may, and where none does, scans run without flow and report that."""
    try:
        source = sources.get_flow_source(market)
    except SourceRefused:
        return summary
    with closing(source):
        try:
            with collection_lease("flow", market, source.name):
                plan = flow_collection.make_flow_plan(source, market=market, as_of=clock())
                report = flow_collection.collect_flows(source, plan, clock=clock, progress=lambda _: beat())
        except (DataProblem, SourceError) as error:
            LOGGER.warning("Flow of market %s was not collected: %s", market, error)
            return _add_problems(summary, f"Investor flow was not collected: {error}")
    problems = [f"Investor flow: {report.stopped}"] if report.stopped else []
    if report.failures:
        problems.append(f"The investor flow of {_failure_text(report.failures)}")
    return replace(
        _add_problems(summary, *problems),
        calls=summary.calls + report.calls,
        flows=report.counts.new + report.counts.corrected,
        rejected=summary.rejected + sum(report.rejected.values()),
        seconds=round(summary.seconds + report.seconds, 1),
    )


def _add_problems(summary: CollectionSummary, *problems: str) -> CollectionSummary:
    return replace(summary, error=" ".join(problem for problem in (summary.error, *problems) if problem))


def _sync_instruments(source: Source, market: str, at: datetime) -> tuple[int, list[str]]:
    """Synchronise the instruments, where the source lists them: the count of new ones, and the problems. Bars of
    instruments recorded before are collected all the same."""
    if not isinstance(source, InstrumentSource | ListingSource):
        return 0, []
    try:
        report = instruments.sync(source, market=market, as_of=at)
    except (DataProblem, SourceError) as error:
        LOGGER.warning("What trades on market %s is not up to date: %s", market, error)
        return 0, [f"The list of instruments was not brought up to date: {error}"]
    problems = [f"The list of {segment} failed: {why}" for segment, why in report.failures]
    return report.new, [*problems, *filter(None, [report.tick_failure])]


def _summary(
    source: str, report: CollectionReport, left_out: str, problems: Sequence[str], listed: int = 0
) -> CollectionSummary:
    return CollectionSummary(
        source=source,
        left_out=left_out,
        listed=listed,
        calls=report.calls,
        new=report.counts.new,
        corrected=report.counts.corrected,
        unchanged=report.counts.unchanged,
        rejected=sum(report.rejected.values()),
        failed=len(report.failures),
        seconds=round(report.seconds, 1),
        error=" ".join(problem for problem in problems if problem),
    )


def _failure_text(failures: Mapping[str, str]) -> str:
    """The count of failures, and the one with the lowest code as an example."""
    code = min(failures)
    return f"{len(failures)} instruments failed, {code} among them: {failures[code]}"
