"""Collection of investor flow from a source: one call for each instrument, for the last sessions that it answers with.

Requests are made for the instruments whose flow of the last closed session is not recorded. Answers are checked against
the traded bars and recorded by batches (`record.flows`); a failure concerns its instrument alone.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from time import perf_counter

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from marketdata.errors import DataProblem
from marketdata.markets import Market, get_market
from marketdata.models import InstitutionalFlow
from marketdata.operations.collect.prices import PATIENCE
from marketdata.operations.collect.report import CollectionProgress
from marketdata.operations.collect.series import recorded_series
from marketdata.operations.record.corrections import Counts
from marketdata.operations.record.flows import against_bars, record_flows
from marketdata.operations.record.rejects import RejectFile
from marketdata.operations.record.validation import FINE, Validator
from marketdata.queries.market_calendar import get_hours, get_sessions
from marketdata.sources.base import AccessRefused, InvestorFlow, SourceError, SourceGone
from marketdata.sources.batches import FlowBatch
from marketdata.sources.daily import FlowSource

LOGGER = logging.getLogger(__name__)
BATCH_ANSWERS = 100
FIELDS = {
    f"{who}_net_{ours}": f"{who}_{theirs}"
    for who in ("individual", "foreign", "institution")
    for ours, theirs in (("quantity", "volume"), ("value", "value"))
}
"""Column of the record -> field of `InvestorFlow`."""


@dataclass(frozen=True, slots=True)
class FlowPlan:
    """The `codes` to request flow for up to session `last`, one call each."""

    market: Market
    source: str
    calendar: NDArray[np.datetime64]
    last: date
    instruments: int
    codes: tuple[str, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class FlowReport:
    """Outcome of a collection of flow; fields as in `CollectionReport`."""

    counts: Counts = field(default_factory=Counts)
    calls: int = 0
    seconds: float = 0.0
    failures: dict[str, str] = field(default_factory=dict)
    stopped: str = ""
    rejected: dict[str, int] = field(default_factory=dict)
    reject_file: Path | None = None


def make_flow_plan(source: FlowSource, *, market: str, codes: Sequence[str] = (), as_of: datetime) -> FlowPlan:
    """The plan as of a moment. DataProblem where no instrument is recorded."""
    rules = get_market(market)
    calendar = get_sessions(rules.name)
    last = calendar[get_hours(rules.name).last_closed(calendar, as_of)].item()
    listed = [series.code for series in recorded_series(rules.name, codes, last) if not series.gone_on]
    recorded_codes = set(
        InstitutionalFlow.objects.filter(market=rules.name, source=source.name, date=last).values_list(
            "stock_code", flat=True
        )
    )
    missing = tuple(code for code in listed if code not in recorded_codes)
    seconds = len(missing) / source.calls_per_second
    return FlowPlan(rules, source.name, calendar, last, len(listed), missing, seconds)


def collect_flows(
    source: FlowSource,
    plan: FlowPlan,
    *,
    clock: Callable[[], datetime],
    progress: Callable[[CollectionProgress], None] | None = None,
) -> FlowReport:
    """Carry `make_flow_plan` out."""
    began, flows, failures, stopped, in_a_row = perf_counter(), [], {}, "", 0
    counts, calls, calls_before = Counts(), 0, source.calls_made
    name = f"{plan.source}-{plan.market.name}-flows"
    with RejectFile(Path(settings.REJECT_DIR), name, clock(), ("date", "code", *FIELDS)) as rejects:
        try:
            for code, answer in source.flows_of(plan.codes):
                calls += 1
                if isinstance(answer, SourceError):
                    failures[code] = str(answer)
                    LOGGER.warning("collect_flows event=failed code=%s error=%s", code, answer)
                    in_a_row += 1
                    if isinstance(answer, AccessRefused | SourceGone) or in_a_row >= PATIENCE:
                        stopped = str(answer)
                        break
                else:
                    in_a_row = 0
                    flows += [flow for flow in answer if flow.session <= plan.last]
                if calls % BATCH_ANSWERS == 0:
                    counts, flows = counts + _record(plan, flows, rejects, clock()), []
                if progress:
                    rows = counts.new + counts.corrected + counts.unchanged
                    progress(CollectionProgress(calls, len(plan.codes), rows, perf_counter() - began))
            counts += _record(plan, flows, rejects, clock())
        except DataProblem as error:  # a unit that changed: nothing of this source can be trusted
            stopped = str(error)
        calls = source.calls_made - calls_before
        seconds, reasons = perf_counter() - began, dict(rejects.counts.most_common())
        return FlowReport(counts, calls, seconds, failures, stopped, reasons, rejects.file)


def _record(plan: FlowPlan, flows: Sequence[InvestorFlow], rejects: RejectFile, at: datetime) -> Counts:
    if not flows:
        return Counts()
    batch = FlowBatch.of(
        [flow.code for flow in flows],
        [flow.session for flow in flows],
        {ours: [getattr(flow, theirs) for flow in flows] for ours, theirs in FIELDS.items()},
    )
    reasons = Validator(plan.market, plan.calendar, at).flows(batch)
    reasons = against_bars(batch, reasons, market=plan.market.name)
    rejects.add(batch.raw, batch.row, reasons)
    fine = batch.take(np.flatnonzero(reasons == FINE))
    return record_flows(fine, market=plan.market.name, source=plan.source, at=at)
