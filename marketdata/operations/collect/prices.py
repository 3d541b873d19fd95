"""Carries a plan out.

1. Quotes of today first: the fewest calls for the most instruments. Whoever is left out of an answer, or shows a sign
   of a restatement, is asked for its bars.
2. The requests of the plan. Answers are recorded batch by batch: bars through the door, and what was answered for, in
   one transaction; an interruption at any moment leaves whole batches, and the next plan holds the rest.
3. An instrument whose answer shows that recorded history was restated is not recorded yet: its whole history is asked
   for and recorded as one.

An instrument that fails is asked for once more at the end, where that may help; if it fails again it is named in the
report. Credentials that are refused, or a source that fails for everything, end the collection: `Report.stopped`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from time import perf_counter

import numpy as np
from django.conf import settings
from django.db import transaction

from marketdata.operations import door
from marketdata.operations.collect import coverage, restated
from marketdata.operations.collect.batches import COLUMNS, bar_of, batch
from marketdata.operations.collect.planning import Plan, zone
from marketdata.operations.door import Counts
from marketdata.operations.rejects import Rejects
from marketdata.operations.validation import FINE, Check
from marketdata.sources.base import (
    AccessRefused,
    SourceError,
    SourceUnavailable,
    UnknownInstrument,
)
from marketdata.sources.daily import BarRequest, DailyBar, DailyBarSource, QuoteSource

LOGGER = logging.getLogger(__name__)
BATCH_ROWS = 5_000
BATCH_ANSWERS = 200
BATCH_SECONDS = 5.0
PATIENCE = 40
"""Failures in a row after which the source itself is taken to be away."""

Answers = list[tuple[BarRequest, list[DailyBar]]]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a collection has come: planned calls that were answered, of so many, and rows recorded in `seconds`."""

    calls: int
    of: int
    rows: int
    seconds: float

    @property
    def remaining(self) -> float:
        """Seconds until the end at the pace so far; infinite before the first answer."""
        left = self.of - self.calls
        return self.seconds * left / self.calls if self.calls else float("inf")


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a plan. `failures`: code -> why; `stopped`: why the rest was not asked for, "" where all was;
    `unknown`: codes that the source has no instrument for; `refetched`: codes whose recorded history was asked for
    again; `rejected`: reason -> rows kept out."""

    counts: Counts = field(default_factory=Counts)
    calls: int = 0
    seconds: float = 0.0
    failures: dict[str, str] = field(default_factory=dict)
    stopped: str = ""
    unknown: tuple[str, ...] = ()
    refetched: tuple[str, ...] = ()
    rejected: dict[str, int] = field(default_factory=dict)
    reject_file: Path | None = None


def collect(
    source: DailyBarSource,
    plan: Plan,
    *,
    clock: Callable[[], datetime],
    progress: Callable[[Progress], None] | None = None,
) -> Report:
    """Carry `plan` out; `clock` tells the time of record of each batch. What goes wrong with an instrument is in the
    report."""
    with Rejects(
        Path(settings.REJECT_DIR), f"{plan.source}-{plan.market.name}", clock(), COLUMNS
    ) as rejects:
        work = _Collection(source, plan, clock, rejects, progress or (lambda told: None))
        work.run()
        return replace(
            work.report, rejected=dict(rejects.counts.most_common()), reject_file=rejects.file
        )


class _Stopped(Exception):
    """The source is asked for nothing more."""


class _Collection:
    """One plan being carried out."""

    def __init__(
        self,
        source: DailyBarSource,
        plan: Plan,
        clock: Callable[[], datetime],
        rejects: Rejects,
        tell: Callable[[Progress], None],
    ) -> None:
        self._source, self._plan, self._clock = source, plan, clock
        self._rejects, self._tell = rejects, tell
        self._began = self._flushed = perf_counter()
        self._calls, self._planned = 0, plan.calls
        self._held: Answers = []
        self._strangers: list[str] = []
        self._refetch: dict[str, BarRequest] = {}
        self._failed: list[tuple[BarRequest, SourceError]] = []
        self._in_a_row = 0
        self.report = Report()

    def run(self) -> None:
        """All three steps."""
        stopped = ""
        try:
            further = self._quotes()
            self._bars([*further, *self._plan.requests], watch=True)
            self._bars(self._once_more(), watch=True)
            self._bars(list(self._refetch.values()), watch=False)
            self._bars(self._once_more(), watch=False)
        except _Stopped as error:
            stopped = str(error)
        self.report = replace(
            self.report,
            calls=self._calls,
            seconds=perf_counter() - self._began,
            stopped=stopped,
            failures={request.code: str(error) for request, error in self._failed},
            refetched=tuple(sorted(self._refetch)),
        )
        self._say("finished")

    def _quotes(self) -> list[BarRequest]:
        """Record what quotes tell; the requests for the instruments that need more than that."""
        if not self._plan.quotes or not isinstance(self._source, QuoteSource):
            return []
        last, further = self._plan.last, []
        for group, found in self._source.quotes_of(self._plan.quotes):
            self._calls += 1
            if isinstance(found, SourceError):
                self._fail([self._overlapping(code) for code in group], found)
            else:
                self._in_a_row = 0
                doubtful = restated.suspicious(self._plan, found)
                sound = {one.code: one for one in found if one.code not in doubtful}
                further += [self._overlapping(code) for code in group if code not in sound]
                self._held += [
                    (BarRequest(code, last, last), [bar_of(one, last)])
                    for code, one in sound.items()
                ]
            self._flush_when_due(watch=False)
        self._flush(watch=False)
        self._planned += sum(self._calls_of(request) for request in further)
        return further

    def _bars(self, requests: list[BarRequest], *, watch: bool) -> None:
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
                    self._held.append((request, found))
                self._flush_when_due(watch=watch)
        finally:
            self._flush(watch=watch)

    def _fail(self, requests: list[BarRequest], error: SourceError) -> None:
        self._failed += [(request, error) for request in requests]
        self._in_a_row += 1
        LOGGER.warning("collect event=failed source=%s error=%s", self._plan.source, error)
        if isinstance(error, AccessRefused):
            raise _Stopped(str(error))
        if self._in_a_row >= PATIENCE:
            raise _Stopped(f"{self._source.title} failed {PATIENCE} times in a row: {error}")

    def _once_more(self) -> list[BarRequest]:
        """The requests that failed for a reason that may have passed; they are forgotten as failures."""
        passing = [one for one in self._failed if isinstance(one[1], SourceUnavailable)]
        self._failed = [one for one in self._failed if one not in passing]
        self._planned += sum(self._calls_of(request) for request, _ in passing)
        return [request for request, _ in passing]

    def _flush_when_due(self, *, watch: bool) -> None:
        rows = sum(len(bars) for _, bars in self._held)
        late = perf_counter() - self._flushed > BATCH_SECONDS
        if rows >= BATCH_ROWS or len(self._held) >= BATCH_ANSWERS or late:
            self._flush(watch=watch)
        self._tell(self._progress())

    def _flush(self, *, watch: bool) -> None:
        """Record what is held, as one batch."""
        held, strangers = self._held, sorted(set(self._strangers))
        self._held, self._strangers, self._flushed = [], [], perf_counter()
        if not held and not strangers:
            return
        aside = restated.refetches(self._plan, held) if watch and held else {}
        self._refetch |= aside
        self._planned += sum(self._calls_of(request) for request in aside.values())
        held = [(request, bars) for request, bars in held if request.code not in aside]
        counts = self._record(held, strangers)
        self.report = replace(
            self.report,
            counts=self.report.counts + counts,
            unknown=(*self.report.unknown, *strangers),
        )
        self._say("recorded")

    def _record(self, held: Answers, strangers: Iterable[str]) -> Counts:
        market, at = self._plan.market, self._clock()
        rows = batch(bar for _, bars in held for bar in bars)
        counts = Counts()
        with transaction.atomic():
            if len(rows):
                reasons = Check(market, self._plan.calendar, at).bars(rows)
                self._rejects.add(rows.raw, rows.row, reasons)
                fine = rows.take(np.flatnonzero(reasons == FINE))
                counts = door.record(fine, market=market.name, source=self._plan.source, at=at)
            coverage.add(
                market.name,
                self._plan.source,
                self._answered(held, at),
                unknown=strangers,
                calendar=self._plan.calendar,
                at=at,
            )
        return counts

    def _answered(self, held: Answers, at: datetime) -> Iterator[BarRequest]:
        """What was answered for. A last session without a bar is not, on the day itself: it may come yet."""
        last, before = self._plan.last, self._plan.before_last(1)
        today = at.astimezone(zone(self._plan.market)).date()
        for request, bars in held:
            if request.end < last or today > last or (bars and bars[-1].session == last):
                yield request
            elif request.start <= before:
                yield request._replace(end=before)

    def _overlapping(self, code: str) -> BarRequest:
        """The last session and a few before it."""
        start = self._plan.before_last(max(self._plan.options.overlap, 1))
        return BarRequest(code, start, self._plan.last)

    def _calls_of(self, request: BarRequest) -> int:
        return self._plan.calls_of(request, self._source.bars_a_call)

    def _progress(self) -> Progress:
        counts = self.report.counts
        rows = counts.new + counts.corrected + counts.unchanged
        return Progress(
            self._calls, max(self._planned, self._calls), rows, perf_counter() - self._began
        )

    def _say(self, event: str) -> None:
        told, counts = self._progress(), self.report.counts
        LOGGER.info(
            "collect event=%s source=%s market=%s calls=%d of=%d new=%d corrected=%d unchanged=%d seconds=%.1f",
            event, self._plan.source, self._plan.market.name, told.calls, told.of,
            counts.new, counts.corrected, counts.unchanged, told.seconds,
        )  # fmt: skip
