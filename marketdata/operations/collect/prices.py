"""Execution of a collection plan.

1. Quotes of today first: the fewest calls for the most instruments. The bars of an instrument that is missing from an
   answer, or whose recorded history may have changed (`history_changes`), are requested.
2. The requests of the plan. Answers are recorded batch by batch: bars and coverage in one transaction; an interruption
   at any moment leaves whole batches, and the next plan has the rest.
3. An instrument whose answer shows that its recorded history has changed is not recorded yet: its whole history is
   requested and recorded as one.
4. Bars recorded on the day of their session are read again after they are settled; differences are corrected.

A row that lacks a price or the volume is not recorded, nor is one that validation rejects: the session stays open, is
requested once more at the end, and again by the next run. A bar that lacks the amount or the base price is recorded and
requested again in the same way. A bar read at a time at which it is not the session's own (`same_day`) is not recorded.

An instrument that fails is requested once more at the end, where that may help; a second failure is in the report.
Refused credentials, or a source that fails for every instrument, end the collection (`CollectionReport.stopped`).
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
from marketdata.operations.record.price_basis import PriceBasis
from marketdata.operations.record.readings import record_provisional, settle_by_coverage
from marketdata.operations.record.rejects import RejectFile
from marketdata.operations.record.validation import FINE, Validator
from marketdata.operations.record.valuations import record_valuations
from marketdata.sources.base import AccessRefused, SourceError, SourceGone, SourceUnavailable, UnknownInstrument
from marketdata.sources.daily import BarAnswer, BarRequest, DailyBarSource, QuoteSource

LOGGER = logging.getLogger(__name__)
BATCH_ROWS = 5_000
BATCH_ANSWERS = 200
BATCH_SECONDS = 5.0
PATIENCE = 40
"""Failures in a row after which the source is taken to be unavailable."""

CHANGED, SETTLED = "changed at the source", "read again once settled"
HISTORY_CHANGED, REFETCHED = "history restated", "fetched again"
"""Reasons of corrections."""

Pairs = list[tuple[BarRequest, BarAnswer]]


def execute_plan(
    source: DailyBarSource,
    plan: CollectionPlan,
    *,
    clock: Callable[[], datetime],
    progress: Callable[[CollectionProgress], None] | None = None,
    permit: Callable[[], None] = lambda: None,
    part: str = "",
) -> CollectionReport:
    """Execute `plan`; `clock` returns the time of record of each batch. Failures of single instruments are in the
    report. `permit` is called first in each batch's transaction, and its exception rolls it back; `part`: the name of
    the part of a collection, for its reject file."""
    name = f"{plan.source}-{plan.market.name}{part}"
    with RejectFile(Path(settings.REJECT_DIR), name, clock(), COLUMNS) as rejects:
        collection = _PlanExecution(source, plan, clock, rejects, progress or (lambda _: None), permit)
        collection.run()
        return replace(
            collection.report,
            rejected=dict(rejects.counts.most_common()),
            reject_file=rejects.file,
            notices=(
                *collection.days.closed(plan.market.name),
                *collection.basis.notices(plan.market.name, plan.source),
            ),
        )


class _CollectionStopped(Exception):
    """No further request is made to the source."""


class _PlanExecution:
    """The state of one execution of a plan."""

    def __init__(
        self,
        source: DailyBarSource,
        plan: CollectionPlan,
        clock: Callable[[], datetime],
        rejects: RejectFile,
        progress: Callable[[CollectionProgress], None],
        permit: Callable[[], None],
    ) -> None:
        self._source, self._plan, self._clock, self._permit = source, plan, clock, permit
        self._rejects, self._on_progress = rejects, progress
        self._started = self._flushed = perf_counter()
        self._calls_before = source.calls_made
        self._calls, self._planned = 0, plan.calls
        self._pending: Pairs = []
        self._unknown_codes: list[str] = []
        self._refetch: dict[str, BarRequest] = {}
        self._failed: list[tuple[BarRequest, SourceError]] = []
        self._incomplete_once: dict[BarRequest, str] = {}
        self._incomplete: dict[BarRequest, str] = {}
        self._in_a_row = 0
        self.report = CollectionReport()
        self.days = DayFingerprints()
        self.basis = PriceBasis()

    def run(self) -> None:
        """Execute all four steps."""
        stopped, refetch = "", self._plan.options.refetch
        try:
            requests = [*self._quotes(), *self._plan.requests]
            self._phase(requests, watch=not refetch, reason=REFETCHED if refetch else CHANGED)
            self._phase(list(self._refetch.values()), reason=HISTORY_CHANGED)
            self._phase(list(self._plan.settle), reason=SETTLED)
        except _CollectionStopped as error:
            stopped = str(error)
        settle_by_coverage(self._plan.market.name, self._plan.source, self._clock())
        lacking = self._incomplete | self._incomplete_once
        self.report = replace(
            self.report,
            calls=self._source.calls_made - self._calls_before,
            planned=self._planned,
            seconds=perf_counter() - self._started,
            stopped=stopped,
            failures={request.code: why for request, why in lacking.items() if why}
            | {request.code: str(error) for request, error in self._failed},
            refetched=tuple(sorted(self._refetch)),
        )
        self._log("finished")

    def _quotes(self) -> list[BarRequest]:
        """Record the quotes; returns the requests for the bars of the instruments that need them."""
        if not self._plan.quotes or not isinstance(self._source, QuoteSource):
            return []
        last, bar_requests, reading = self._plan.last, [], self._plan.reading
        for group, answer in self._source.quotes_of(self._plan.quotes):
            self._calls += 1
            if isinstance(answer, SourceError):
                self._fail([self._overlapping(code) for code in group], answer)
            elif answer.read_at and reading.unreadable([last], answer.read_at):
                self._in_a_row = 0
                self._refuse(answer.read_at)
            else:
                self._in_a_row = 0
                doubtful = history_changes.doubtful_quotes(self._plan, answer.quotes)
                quotes_by_code = {quote.code: quote for quote in answer.quotes if quote.code not in doubtful}
                bar_requests += [self._overlapping(code) for code in group if code not in quotes_by_code]
                self._pending += [
                    (BarRequest(code, last, last), BarAnswer([quote_bar(quote, last)]))
                    for code, quote in quotes_by_code.items()
                ]
            self._flush_when_due(watch=False)
        self._flush(watch=False)
        self._planned += sum(self._calls_of(request) for request in bar_requests)
        return bar_requests

    def _phase(self, requests: Sequence[BarRequest], *, watch: bool = False, reason: str = "") -> None:
        """Request bars, and once more those that failed or lacked values."""
        self._bars(requests, watch=watch, reason=reason)
        if again := self._repeat_requests():
            self._bars(again, watch=watch, reason=reason)
        self._incomplete |= self._incomplete_once
        self._incomplete_once = {}

    def _bars(self, requests: Sequence[BarRequest], *, watch: bool = False, reason: str = "") -> None:
        """Request bars and record them; with `watch`, instruments whose history has changed are left to a refetch."""
        try:
            for request, answer in self._source.daily_bars_of(requests):
                self._calls += self._calls_of(request)
                if isinstance(answer, UnknownInstrument):
                    self._unknown_codes.append(request.code)
                elif isinstance(answer, SourceError):
                    self._fail([request], answer)
                else:
                    self._in_a_row = 0
                    readable, refused = self._plan.reading.readable(answer)
                    if refused is not None and answer.read_at is not None:
                        self._refuse(answer.read_at)
                        request = request._replace(end=refused - timedelta(days=1))
                    if request.start <= request.end:
                        self._pending.append((request, readable))
                self._flush_when_due(watch=watch, reason=reason)
        finally:
            self._flush(watch=watch, reason=reason)

    def _refuse(self, read_at: float) -> None:
        """Report why the last session is not recorded."""
        if not self.report.refused:
            at = datetime.fromtimestamp(read_at, UTC)
            reason = self._plan.reading.refusal(self._plan.last, at, self._source.title)
            self.report = replace(self.report, refused=reason)

    def _fail(self, requests: list[BarRequest], error: SourceError) -> None:
        self._failed += [(request, error) for request in requests]
        self._in_a_row += 1
        LOGGER.warning("collect event=failed source=%s error=%s", self._plan.source, error)
        if isinstance(error, AccessRefused | SourceGone):
            raise _CollectionStopped(str(error))
        if self._in_a_row >= PATIENCE:
            raise _CollectionStopped(f"{self._source.title} failed {PATIENCE} times in a row: {error}")

    def _repeat_requests(self) -> list[BarRequest]:
        """The requests that failed for a temporary reason, and those of answers that lacked values; they count as
        failures no longer."""
        temporary = [failure for failure in self._failed if isinstance(failure[1], SourceUnavailable)]
        self._failed = [failure for failure in self._failed if failure not in temporary]
        again = [*(request for request, _ in temporary), *self._incomplete_once]
        self._incomplete_once = {}
        self._planned += sum(self._calls_of(request) for request in again)
        return again

    def _flush_when_due(self, *, watch: bool, reason: str = "") -> None:
        rows = sum(len(answer.bars) for _, answer in self._pending)
        late = perf_counter() - self._flushed > BATCH_SECONDS
        if rows >= BATCH_ROWS or len(self._pending) >= BATCH_ANSWERS or late:
            self._flush(watch=watch, reason=reason)
        self._on_progress(self._progress())

    def _flush(self, *, watch: bool, reason: str = "") -> None:
        """Record the pending answers as one batch."""
        answers_of_batch, unknown_codes = self._pending, sorted(set(self._unknown_codes))
        self._pending, self._unknown_codes, self._flushed = [], [], perf_counter()
        if not answers_of_batch and not unknown_codes:
            return
        refetches = history_changes.refetch_requests(self._plan, answers_of_batch) if watch and answers_of_batch else {}
        self._refetch |= refetches
        self._planned += sum(self._calls_of(request) for request in refetches.values())
        answers_of_batch = [(request, answer) for request, answer in answers_of_batch if request.code not in refetches]
        counts = self._record(answers_of_batch, unknown_codes, reason)
        self.report = replace(
            self.report,
            counts=self.report.counts + counts,
            unknown=(*self.report.unknown, *unknown_codes),
            settled=self.report.settled + (counts.corrected if reason == SETTLED else 0),
            absent=(
                *self.report.absent,
                *(answers.absent_bars(self._plan, answers_of_batch) if reason == REFETCHED else ()),
            ),
        )
        self._log("recorded")

    def _record(self, pairs: Pairs, unknown_codes: Iterable[str], reason: str) -> Counts:
        market, at = self._plan.market, self._clock()
        rows = bar_batch(bar for _, answer in pairs for bar in answer.bars)
        counts, rejects = Counts(), set[tuple[str, date]]()
        with transaction.atomic():
            self._permit()
            if len(rows):
                reasons = Validator(market, self._plan.calendar, at).bars(rows)
                self._rejects.add(rows.raw, rows.row, reasons)
                valid = rows.take(np.flatnonzero(reasons == FINE))
                keys = {"market": market.name, "source": self._plan.source, "at": at}
                self.days.add(valid)
                counts = bars.record_bars(valid, **keys, reason=reason, basis=self.basis)  # type: ignore[arg-type]
                rejects = answers.rejected_keys(rows, reasons)
                if at < self._plan.reading.settles(self._plan.last) and (valid.date == self._plan.last).any():
                    record_provisional(market.name, self._plan.last, at)
            valuations = {request.code: answer.valuation for request, answer in pairs if answer.valuation}
            record_valuations(valuations, market=market.name, source=self._plan.source, at=at)
            coverage.add(
                market.name,
                self._plan.source,
                answers.coverage_of(self._plan, pairs, rejects, at),
                unknown=unknown_codes,
                calendar=self._plan.calendar,
                at=at,
                reopens=reason in (REFETCHED, SETTLED),
            )
        repeats = (answers.repeat_request(request, answer) for request, answer in pairs)
        self._incomplete_once |= dict(repeat for repeat in repeats if repeat is not None)
        return counts

    def _overlapping(self, code: str) -> BarRequest:
        """The last session and a few before it."""
        start = self._plan.before_last(max(self._plan.options.overlap, 1))
        return BarRequest(code, start, self._plan.last)

    def _calls_of(self, request: BarRequest) -> int:
        return self._plan.calls_of(request, self._source)

    def _progress(self) -> CollectionProgress:
        counts = self.report.counts
        rows = counts.new + counts.corrected + counts.unchanged
        return CollectionProgress(self._calls, max(self._planned, self._calls), rows, perf_counter() - self._started)

    def _log(self, event: str) -> None:
        progress, counts = self._progress(), self.report.counts
        LOGGER.info(
            "collect event=%s source=%s market=%s calls=%d of=%d new=%d corrected=%d unchanged=%d seconds=%.1f",
            event, self._plan.source, self._plan.market.name, progress.calls, progress.of,
            counts.new, counts.corrected, counts.unchanged, progress.seconds,
        )  # fmt: skip
