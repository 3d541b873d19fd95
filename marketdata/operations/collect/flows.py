"""Investor flow from a source: one call an instrument, for the last sessions it tells of, through the one door.

Asked for are the instruments whose flow of the last closed session is not recorded; answers are recorded by batches,
checked against the bars that were traded (`flow_door`), and a failure stands for its instrument alone.
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
    """Whom to ask for flow up to session `last`; one call each."""

    market: Market
    source: str
    calendar: NDArray[np.datetime64]
    last: date
    instruments: int
    codes: tuple[str, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class FlowReport:
    """What became of it; see `prices.Report`."""

    counts: Counts = field(default_factory=Counts)
    calls: int = 0
    seconds: float = 0.0
    failures: dict[str, str] = field(default_factory=dict)
    stopped: str = ""
    rejected: dict[str, int] = field(default_factory=dict)
    reject_file: Path | None = None


def make_flow_plan(source: FlowSource, *, market: str, codes: Sequence[str] = (), as_of: datetime) -> FlowPlan:
    """Whom to ask. DataProblem where no instrument is known."""
    named = get_market(market)
    calendar = get_sessions(named.name)
    last = calendar[get_hours(named.name).last_closed(calendar, as_of)].item()
    listed = [one.code for one in recorded_series(named.name, codes, last) if not one.gone_on]
    have = set(
        InstitutionalFlow.objects.filter(market=named.name, source=source.name, date=last).values_list(
            "stock_code", flat=True
        )
    )
    asked = tuple(code for code in listed if code not in have)
    seconds = len(asked) / source.calls_per_second
    return FlowPlan(named, source.name, calendar, last, len(listed), asked, seconds)


def collect_flows(
    source: FlowSource,
    plan: FlowPlan,
    *,
    clock: Callable[[], datetime],
    progress: Callable[[CollectionProgress], None] | None = None,
) -> FlowReport:
    """Carry `make_flow_plan` out."""
    began, held, failures, stopped, in_a_row = perf_counter(), [], {}, "", 0
    counts, calls, made = Counts(), 0, source.calls_made
    name = f"{plan.source}-{plan.market.name}-flows"
    with RejectFile(Path(settings.REJECT_DIR), name, clock(), ("date", "code", *FIELDS)) as rejects:
        try:
            for code, found in source.flows_of(plan.codes):
                calls += 1
                if isinstance(found, SourceError):
                    failures[code] = str(found)
                    LOGGER.warning("collect_flows event=failed code=%s error=%s", code, found)
                    in_a_row += 1
                    if isinstance(found, AccessRefused | SourceGone) or in_a_row >= PATIENCE:
                        stopped = str(found)
                        break
                else:
                    in_a_row = 0
                    held += [one for one in found if one.session <= plan.last]
                if calls % BATCH_ANSWERS == 0:
                    counts, held = counts + _record(plan, held, rejects, clock()), []
                if progress:
                    rows = counts.new + counts.corrected + counts.unchanged
                    progress(CollectionProgress(calls, len(plan.codes), rows, perf_counter() - began))
            counts += _record(plan, held, rejects, clock())
        except DataProblem as error:  # a unit that changed: nothing of this source can be trusted
            stopped = str(error)
        calls = source.calls_made - made
        seconds, why = perf_counter() - began, dict(rejects.counts.most_common())
        return FlowReport(counts, calls, seconds, failures, stopped, why, rejects.file)


def _record(plan: FlowPlan, flows: Sequence[InvestorFlow], rejects: RejectFile, at: datetime) -> Counts:
    if not flows:
        return Counts()
    batch = FlowBatch.of(
        [one.code for one in flows],
        [one.session for one in flows],
        {ours: [getattr(one, theirs) for one in flows] for ours, theirs in FIELDS.items()},
    )
    reasons = Validator(plan.market, plan.calendar, at).flows(batch)
    reasons = against_bars(batch, reasons, market=plan.market.name)
    rejects.add(batch.raw, batch.row, reasons)
    fine = batch.take(np.flatnonzero(reasons == FINE))
    return record_flows(fine, market=plan.market.name, source=plan.source, at=at)
