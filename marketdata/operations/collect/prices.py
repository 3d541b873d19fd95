"""Carries a plan out.

1. Quotes of today first: the fewest calls for the most instruments. Whoever is left out of an answer, or shows a sign
   of a restatement, is asked for its bars.
2. The requests of the plan. Answers are recorded batch by batch: bars through the door, and what was answered for, in
   one transaction; an interruption at any moment leaves whole batches, and the next plan holds the rest.
3. An instrument whose answer shows that recorded history was restated is not recorded yet: its whole history is asked
   for and recorded as one.
4. What was recorded on the day of its session is read again once its bars are settled; what differs is corrected.

A row that lacks a price or the volume is not recorded, nor is one that the door rejects: the session stays open, is
asked for once more at the end, and again by the next run. A bar that lacks the amount or the base price is recorded and
asked for again in the same way. A bar that was read at a time at which it is not the session's own (`same_day`) is not
recorded.

An instrument that fails is asked for once more at the end, where that may help; if it fails again it is named in the
report. Credentials that are refused, or a source that fails for everything, end the collection: `Report.stopped`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from time import perf_counter

import numpy as np
from django.conf import settings
from django.db import transaction

from marketdata.operations.closure_notices import DayFingerprints
from marketdata.operations.collect import answers, coverage, history_changes
from marketdata.operations.collect.batches import COLUMNS, bar_batch, quote_bar
from marketdata.operations.collect.plan import CollectionPlan
from marketdata.operations.collect.report import CollectionProgress, CollectionReport
from marketdata.operations.record import bars
from marketdata.operations.record.corrections import Counts
from marketdata.operations.record.rejects import RejectFile
from marketdata.operations.record.validation import FINE, Validator
from marketdata.sources.base import (
    AccessRefused,
    SourceError,
    SourceGone,
    SourceUnavailable,
    UnknownInstrument,
)
from marketdata.sources.daily import BarAnswer, BarRequest, DailyBarSource, QuoteSource

LOGGER = logging.getLogger(__name__)
BATCH_ROWS = 5_000
BATCH_ANSWERS = 200
BATCH_SECONDS = 5.0
PATIENCE = 40
"""Failures in a row after which the source itself is taken to be away."""

CHANGED, SETTLED = "changed at the source", "read again once settled"
RESTATED, REFETCHED = "history restated", "asked for again"
"""Reasons of corrections."""

Pairs = list[tuple[BarRequest, BarAnswer]]


def execute_plan(
    source: DailyBarSource,
    plan: CollectionPlan,
    *,
    clock: Callable[[], datetime],
    progress: Callable[[CollectionProgress], None] | None = None,
) -> CollectionReport:
    """Carry `plan` out; `clock` tells the time of record of each batch. What goes wrong with an instrument is in the
    report."""
    with RejectFile(Path(settings.REJECT_DIR), f"{plan.source}-{plan.market.name}", clock(), COLUMNS) as rejects:
        work = _Collection(source, plan, clock, rejects, progress or (lambda told: None))
        work.run()
        return replace(
            work.report,
            rejected=dict(rejects.counts.most_common()),
            reject_file=rejects.file,
            notices=work.days.closed(plan.market.name),
        )


class _Stopped(Exception):
    """The source is asked for nothing more."""


class _Collection:
    """One plan being carried out."""

    def __init__(
        self,
        source: DailyBarSource,
        plan: CollectionPlan,
        clock: Callable[[], datetime],
        rejects: RejectFile,
        tell: Callable[[CollectionProgress], None],
    ) -> None:
        self._source, self._plan, self._clock = source, plan, clock
        self._rejects, self._tell = rejects, tell
        self._began = self._flushed = perf_counter()
        self._made = source.calls_made
        self._calls, self._planned = 0, plan.calls
        self._held: Pairs = []
        self._strangers: list[str] = []
        self._refetch: dict[str, BarRequest] = {}
        self._failed: list[tuple[BarRequest, SourceError]] = []
        self._spoiled: dict[BarRequest, str] = {}
        self._lacking: dict[BarRequest, str] = {}
        self._in_a_row = 0
        self.report = CollectionReport()
        self.days = DayFingerprints()

    def run(self) -> None:
        """All four steps."""
        stopped, anew = "", self._plan.options.refetch
        try:
            requests = [*self._quotes(), *self._plan.requests]
            self._phase(requests, watch=not anew, reason=REFETCHED if anew else CHANGED)
            self._phase(list(self._refetch.values()), reason=RESTATED)
            self._phase(list(self._plan.settle), reason=SETTLED)
        except _Stopped as error:
            stopped = str(error)
        lacking = self._lacking | self._spoiled
        self.report = replace(
            self.report,
            calls=self._source.calls_made - self._made,
            planned=self._planned,
            seconds=perf_counter() - self._began,
            stopped=stopped,
            failures={request.code: why for request, why in lacking.items() if why}
            | {request.code: str(error) for request, error in self._failed},
            refetched=tuple(sorted(self._refetch)),
        )
        self._say("finished")

    def _quotes(self) -> list[BarRequest]:
        """Record what quotes tell; the requests for the instruments that need more than that."""
        if not self._plan.quotes or not isinstance(self._source, QuoteSource):
            return []
        last, further, reading = self._plan.last, [], self._plan.reading
        for group, found in self._source.quotes_of(self._plan.quotes):
            self._calls += 1
            if isinstance(found, SourceError):
                self._fail([self._overlapping(code) for code in group], found)
            elif found.read_at and reading.unreadable([last], found.read_at):
                self._in_a_row = 0
                self._refuse(found.read_at)
            else:
                self._in_a_row = 0
                doubtful = history_changes.doubtful_quotes(self._plan, found.quotes)
                sound = {one.code: one for one in found.quotes if one.code not in doubtful}
                further += [self._overlapping(code) for code in group if code not in sound]
                self._held += [
                    (BarRequest(code, last, last), BarAnswer([quote_bar(one, last)])) for code, one in sound.items()
                ]
            self._flush_when_due(watch=False)
        self._flush(watch=False)
        self._planned += sum(self._calls_of(request) for request in further)
        return further

    def _phase(self, requests: Sequence[BarRequest], *, watch: bool = False, reason: str = "") -> None:
        """Ask for bars, and once more for what failed or lacked values."""
        self._bars(requests, watch=watch, reason=reason)
        if again := self._once_more():
            self._bars(again, watch=watch, reason=reason)
        self._lacking |= self._spoiled
        self._spoiled = {}

    def _bars(self, requests: Sequence[BarRequest], *, watch: bool = False, reason: str = "") -> None:
        """Ask for bars and record them; with `watch`, instruments with restated history are put aside."""
        try:
            for request, found in self._source.daily_bars_of(requests):
                self._calls += self._calls_of(request)
                if isinstance(found, UnknownInstrument):
                    self._strangers.append(request.code)
                elif isinstance(found, SourceError):
                    self._fail([request], found)
                else:
                    self._in_a_row = 0
                    readable, refused = self._plan.reading.readable(found)
                    if refused is not None and found.read_at is not None:
                        self._refuse(found.read_at)
                        request = request._replace(end=refused - timedelta(days=1))
                    if request.start <= request.end:
                        self._held.append((request, readable))
                self._flush_when_due(watch=watch, reason=reason)
        finally:
            self._flush(watch=watch, reason=reason)

    def _refuse(self, read_at: float) -> None:
        """Remember why the last session is not recorded."""
        if not self.report.refused:
            at = datetime.fromtimestamp(read_at, UTC)
            why = self._plan.reading.refusal(self._plan.last, at, self._source.title)
            self.report = replace(self.report, refused=why)

    def _fail(self, requests: list[BarRequest], error: SourceError) -> None:
        self._failed += [(request, error) for request in requests]
        self._in_a_row += 1
        LOGGER.warning("collect event=failed source=%s error=%s", self._plan.source, error)
        if isinstance(error, AccessRefused | SourceGone):
            raise _Stopped(str(error))
        if self._in_a_row >= PATIENCE:
            raise _Stopped(f"{self._source.title} failed {PATIENCE} times in a row: {error}")

    def _once_more(self) -> list[BarRequest]:
        """The requests that failed for a reason that may have passed, and those of answers that lacked values; they are
        forgotten as failures."""
        passing = [one for one in self._failed if isinstance(one[1], SourceUnavailable)]
        self._failed = [one for one in self._failed if one not in passing]
        again = [*(request for request, _ in passing), *self._spoiled]
        self._spoiled = {}
        self._planned += sum(self._calls_of(request) for request in again)
        return again

    def _flush_when_due(self, *, watch: bool, reason: str = "") -> None:
        rows = sum(len(answer.bars) for _, answer in self._held)
        late = perf_counter() - self._flushed > BATCH_SECONDS
        if rows >= BATCH_ROWS or len(self._held) >= BATCH_ANSWERS or late:
            self._flush(watch=watch, reason=reason)
        self._tell(self._progress())

    def _flush(self, *, watch: bool, reason: str = "") -> None:
        """Record what is held, as one batch."""
        held, strangers = self._held, sorted(set(self._strangers))
        self._held, self._strangers, self._flushed = [], [], perf_counter()
        if not held and not strangers:
            return
        aside = history_changes.refetch_requests(self._plan, held) if watch and held else {}
        self._refetch |= aside
        self._planned += sum(self._calls_of(request) for request in aside.values())
        held = [(request, answer) for request, answer in held if request.code not in aside]
        counts = self._record(held, strangers, reason)
        self.report = replace(
            self.report,
            counts=self.report.counts + counts,
            unknown=(*self.report.unknown, *strangers),
            settled=self.report.settled + (counts.corrected if reason == SETTLED else 0),
            absent=(
                *self.report.absent,
                *(answers.absent_bars(self._plan, held) if reason == REFETCHED else ()),
            ),
        )
        self._say("recorded")

    def _record(self, held: Pairs, strangers: Iterable[str], reason: str) -> Counts:
        market, at = self._plan.market, self._clock()
        rows = bar_batch(bar for _, answer in held for bar in answer.bars)
        counts, rejects = Counts(), set[tuple[str, date]]()
        with transaction.atomic():
            if len(rows):
                reasons = Validator(market, self._plan.calendar, at).bars(rows)
                self._rejects.add(rows.raw, rows.row, reasons)
                fine = rows.take(np.flatnonzero(reasons == FINE))
                given = {"market": market.name, "source": self._plan.source, "at": at}
                self.days.add(fine)
                counts = bars.record_bars(fine, **given, reason=reason)  # type: ignore[arg-type]
                rejects = answers.rejected_keys(rows, reasons)
            coverage.add(
                market.name,
                self._plan.source,
                answers.coverage_of(self._plan, held, rejects, at),
                unknown=strangers,
                calendar=self._plan.calendar,
                at=at,
                reopens=reason in (REFETCHED, SETTLED),
            )
        found = (answers.repeat_request(request, answer) for request, answer in held)
        self._spoiled |= dict(one for one in found if one is not None)
        return counts

    def _overlapping(self, code: str) -> BarRequest:
        """The last session and a few before it."""
        start = self._plan.before_last(max(self._plan.options.overlap, 1))
        return BarRequest(code, start, self._plan.last)

    def _calls_of(self, request: BarRequest) -> int:
        return self._plan.calls_of(request, self._source.bars_a_call)

    def _progress(self) -> CollectionProgress:
        counts = self.report.counts
        rows = counts.new + counts.corrected + counts.unchanged
        return CollectionProgress(self._calls, max(self._planned, self._calls), rows, perf_counter() - self._began)

    def _say(self, event: str) -> None:
        told, counts = self._progress(), self.report.counts
        LOGGER.info(
            "collect event=%s source=%s market=%s calls=%d of=%d new=%d corrected=%d unchanged=%d seconds=%.1f",
            event, self._plan.source, self._plan.market.name, told.calls, told.of,
            counts.new, counts.corrected, counts.unchanged, told.seconds,
        )  # fmt: skip
