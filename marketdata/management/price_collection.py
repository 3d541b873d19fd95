"""A collection by the options of `collect_prices`: by instrument, or session by session."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from marketdata.management.collection_progress import CollectionScreen
from marketdata.number_format import count_of
from marketdata.operations import collect
from marketdata.queries.instrument_search import find_codes
from marketdata.sources.daily import DailyBarSource
from marketdata.sources.sessions import SessionSource


def collect_bars(
    source: DailyBarSource, screen: CollectionScreen, write: Callable[[str], None], options: dict[str, Any]
) -> collect.CollectionReport | None:
    """Collect by instrument; None for a dry run, and for what is left to the task workers."""
    market, collection_options = options["market"], _options(options)
    if options["tasks"]:
        _queue_bars(source, write, replace(collection_options, parts=options["tasks"]), market)
        return None
    if options["dry_run"]:
        screen.plan(collect.make_plan(source, market=market, options=collection_options, as_of=timezone.now()))
        return None
    callbacks = collect.Callbacks(screen.plan, write, screen.progress)
    return collect.run(source, market, collection_options, clock=timezone.now, callbacks=callbacks)[1]


def _queue_bars(
    source: DailyBarSource, write: Callable[[str], None], options: collect.CollectionOptions, market: str
) -> None:
    from marketdata.operations.collect import collection_task  # the queue takes long to import
    from marketdata.operations.task_queue import advice

    number = collection_task.queue_bars(market, source.name, options)
    parts = count_of(options.parts, "part")
    write(f"Queued as task {number} in {parts}: its result will be among the admin's background tasks.")
    if hint := advice(timezone.now()):
        write(hint)


def _options(options: dict[str, Any]) -> collect.CollectionOptions:
    refetch = options["refetch"]
    codes = find_codes(refetch or options["codes"], options["market"])
    return collect.CollectionOptions.of_settings(codes=codes, since=options["since"], refetch=bool(refetch))


def collect_sessions(
    source: SessionSource, screen: CollectionScreen, write: Callable[[str], None], options: dict[str, Any]
) -> collect.CollectionReport | None:
    """Collect whole sessions; None for a dry run."""
    market, since = options["market"], options["since"]
    if options["codes"] or options["refetch"] or options["tasks"]:
        without = "leave --codes, --refetch and --tasks out"
        raise CommandError(f"{source.title} has whole sessions, not single shares: {without}.")
    if options["dry_run"]:
        screen.session_plan(collect.plan_sessions(source, market=market, since=since, as_of=timezone.now()))
        return None
    return collect.run_sessions(
        source,
        market,
        since=since,
        clock=timezone.now,
        on_plan=screen.session_plan,
        on_wait=write,
        progress=screen.progress,
    )
