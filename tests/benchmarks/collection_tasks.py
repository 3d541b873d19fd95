"""What a benchmark of collections does inside its own process."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from time import perf_counter
from typing import Any

from marketdata.models import BarCoverage, Instrument, StockPrice
from marketdata.operations import collect as collecting
from marketdata.operations import sources
from marketdata.operations.collect import CollectionOptions
from marketdata.sources.base import SourceError
from marketdata.sources.daily import BarRequest


def collect(day: str, codes: list[str], since: str = "") -> dict[str, Any]:
    """Collect what is missing on the evening of `day`, as `manage.py collect_prices` does."""
    evening = _evening(day)
    options = CollectionOptions(tuple(codes), date.fromisoformat(since) if since else None, check_every=0)
    with closing(sources.get_daily_bar_source("kr", "kis")) as source:
        plan = collecting.make_plan(source, market="kr", options=options, as_of=evening)
        report = collecting.execute_plan(source, plan, clock=lambda: evening)
    assert not report.failures, report.failures
    return {
        "seconds": report.seconds,
        "calls": report.calls,
        "new": report.counts.new,
    }


def sequential(day: str, codes: list[str]) -> dict[str, Any]:
    """The way it was: the daily bars of one instrument after the other, each when the one before has
    come; nothing is recorded."""
    session = date.fromisoformat(day)
    with closing(sources.get_daily_bar_source("kr", "kis")) as source:
        began = perf_counter()
        for code in codes:
            request = BarRequest(code, session, session)
            for _, bars in source.daily_bars_of([request]):
                assert not isinstance(bars, SourceError), bars
    return {"seconds": perf_counter() - began}


def plans(day: str, codes: list[str], instruments: int, days: list[str]) -> dict[str, Any]:
    """How many calls the evenings of `days` would take for so many instruments."""
    names = [f"{number:05d}0" for number in range(1, instruments + 1)]
    Instrument.objects.bulk_create(Instrument(market="kr", code=name) for name in names)
    quotes, checks = [], []
    with closing(sources.get_daily_bar_source("kr", "kis")) as source:
        for before, today in pairwise(days[1:]):
            StockPrice.objects.all().delete()
            BarCoverage.objects.all().delete()
            at = _evening(before)
            StockPrice.objects.bulk_create(
                StockPrice(
                    market="kr", stock_code=name, date=before, source="kis", open=1, high=1, low=1,
                    close=1, volume=1, created_at=at, updated_at=at,
                )
                for name in names
            )  # fmt: skip
            made = collecting.make_plan(
                source, market="kr", options=CollectionOptions.of_settings(), as_of=_evening(today)
            )
            quotes.append(len(made.quotes))
            checks.append(made.calls - len(made.quotes))
    return {"quotes": max(quotes), "checks": sum(checks) / len(checks)}


def _evening(day: str) -> datetime:
    """18:00 in Seoul."""
    return datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC) + timedelta(hours=9)
