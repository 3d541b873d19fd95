"""A collection of daily bars: plan, execution and report, one process at a time for a market and source.

Of two that are started together the second waits, plans after the first has ended, and has nothing left to request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime

from marketdata.operations.collect import group, prices
from marketdata.operations.collect.plan import CollectionOptions, CollectionPlan
from marketdata.operations.collect.planner import make_plan
from marketdata.operations.collect.report import CollectionProgress, CollectionReport
from marketdata.operations.lease import Lease, LeaseTaken
from marketdata.sources.daily import DailyBarSource

LONGEST_WAIT = 3600.0
"""Seconds that a collection waits for another one of the same market and source."""


@contextmanager
def collection_lease(
    subject: str, market: str, source: str, on_wait: Callable[[str], None] | None = None
) -> Iterator[None]:
    """The lease of collecting `subject`; `on_wait` is called with a sentence where another process has it. LeaseTaken
    (a DataProblem) where that process does not end within an hour."""
    name = f"collection of {subject} of market {market} from {source}"
    with ExitStack() as stack:
        try:
            stack.enter_context(Lease(name))
        except LeaseTaken as taken:
            if on_wait:
                on_wait(f"The {name} is at work in another process ({taken.holder}): waiting until it has ended.")
            stack.enter_context(Lease(name, patience=LONGEST_WAIT))
        yield


@dataclass(frozen=True, slots=True)
class Callbacks:
    """Functions called during a collection: `plan` before the first call to the source, `wait` with a sentence while
    another collection runs, `progress` after each answer."""

    plan: Callable[[CollectionPlan], None] = lambda plan: None
    wait: Callable[[str], None] = lambda sentence: None
    progress: Callable[[CollectionProgress], None] = lambda progress: None


def run(
    source: DailyBarSource,
    market: str,
    options: CollectionOptions,
    *,
    clock: Callable[[], datetime],
    callbacks: Callbacks,
) -> tuple[CollectionPlan, CollectionReport]:
    """Plan and collect, in a task by as many parts as the options say. Raises what `make_plan` does, and LeaseTaken as
    `collection_lease`."""
    with collection_lease("daily bars", market, source.name, callbacks.wait):
        plan = make_plan(source, market=market, options=options, as_of=clock())
        callbacks.plan(plan)
        if options.parts > 1 and group.is_possible():
            return plan, group.collect_in_group(plan, progress=callbacks.progress)
        return plan, prices.execute_plan(source, plan, clock=clock, progress=callbacks.progress)
