"""A collection of daily bars: the plan and what comes of it, one process at a time for a market and a source.

Of two that are started together the second waits, plans when the first has ended, and finds nothing left to ask for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime

from marketdata.operations.collect import prices
from marketdata.operations.collect.plan import CollectionOptions, CollectionPlan
from marketdata.operations.collect.planner import make_plan
from marketdata.operations.collect.report import CollectionProgress, CollectionReport
from marketdata.operations.lease import Lease, LeaseTaken
from marketdata.sources.daily import DailyBarSource

LONGEST_WAIT = 3600.0
"""Seconds that a collection waits for another of the same market and source."""


@contextmanager
def collection_lease(
    what: str, market: str, source: str, on_wait: Callable[[str], None] | None = None
) -> Iterator[None]:
    """Hold the lease of collecting `what`; `on_wait` gets a sentence where another process holds it. LeaseTaken (a
    DataProblem) where that one does not end within an hour."""
    name = f"collection of {what} of market {market} from {source}"
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
    """What is called while a collection runs: with its plan, before the first call; with a sentence where it waits for
    another; with its progress."""

    plan: Callable[[CollectionPlan], None] = lambda plan: None
    wait: Callable[[str], None] = lambda sentence: None
    progress: Callable[[CollectionProgress], None] = lambda progress: None


def run(
    source: DailyBarSource,
    market: str,
    options: CollectionOptions,
    *,
    clock: Callable[[], datetime],
    watch: Callbacks,
) -> tuple[CollectionPlan, CollectionReport]:
    """Plan and collect. Raises what `make_plan` raises, and LeaseTaken as `collection_lease`."""
    with collection_lease("daily bars", market, source.name, watch.wait):
        made = make_plan(source, market=market, options=options, as_of=clock())
        watch.plan(made)
        return made, prices.execute_plan(source, made, clock=clock, progress=watch.progress)
