"""A collection by the options of `collect_prices`: by instrument, or session by session."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from marketdata.management.collection_progress import CollectionScreen
from marketdata.operations import collect
from marketdata.queries.instrument_search import find_codes
from marketdata.sources.daily import DailyBarSource
from marketdata.sources.sessions import SessionSource


def collect_bars(
    source: DailyBarSource, screen: CollectionScreen, write: Callable[[str], None], options: dict[str, Any]
) -> collect.CollectionReport | None:
    """Collect by instrument; None for a dry run."""
    market, refetch, since = options["market"], options["refetch"], options["since"]
    codes = find_codes(refetch or options["codes"], market)
    collection_options = collect.CollectionOptions.of_settings(codes=codes, since=since, refetch=bool(refetch))
    if options["dry_run"]:
        screen.plan(collect.make_plan(source, market=market, options=collection_options, as_of=timezone.now()))
        return None
    callbacks = collect.Callbacks(screen.plan, write, screen.progress)
    return collect.run(source, market, collection_options, clock=timezone.now, callbacks=callbacks)[1]


def collect_sessions(
    source: SessionSource, screen: CollectionScreen, write: Callable[[str], None], options: dict[str, Any]
) -> collect.CollectionReport | None:
    """Collect whole sessions; None for a dry run."""
    market, since = options["market"], options["since"]
    if options["codes"] or options["refetch"]:
        raise CommandError(f"{source.title} has whole sessions, not single shares: leave --codes and --refetch out.")
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
