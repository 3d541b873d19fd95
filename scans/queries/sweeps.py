"""Sweeps of a market, their variants and the versions made from them."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Max, QuerySet

from marketdata.joint_queries import evaluate_together, reuse_queries
from scans.models import ScannerVersion, Sweep, SweepLook, SweepVariant


def market_sweeps(market: str) -> QuerySet[Sweep]:
    """The sweeps of a market, the latest first, each with the number of its variants (`tried`) and looks
    (`looks_spent`)."""
    rows = Sweep.objects.filter(market=market).select_related("chosen").order_by("-started_at", "-pk")
    return rows.annotate(tried=Count("variants", distinct=True), looks_spent=Count("looks", distinct=True))


def sweep_variants(sweep: Sweep) -> QuerySet[SweepVariant]:
    """The variants, the best ratio first."""
    return sweep.variants.select_related("sweep").order_by("-sessions", "-sharpe", "number")


def sweep_versions(sweep: Sweep) -> QuerySet[ScannerVersion]:
    """The versions made from variants of the sweep."""
    return ScannerVersion.objects.filter(sweep_variant__sweep=sweep).select_related("sweep_variant").order_by("slug")


def sweeps_state(market: str) -> list[Any]:
    """Changes with every sweep of a market, its variants, looks and versions; in one query."""
    queries = reuse_queries(("sweeps", market), lambda: _SweepCounts(market))
    evaluate_together(queries.sweeps, *queries.counts)
    return [sorted(queries.sweeps), *map(list, queries.counts)]


class _SweepCounts:
    """The queries of `sweeps_state`: the sweeps by status, then the numbers of their looks and variants."""

    def __init__(self, market: str) -> None:
        rows = Sweep.objects.filter(market=market).order_by()
        self.sweeps = rows.values_list("status").annotate(Max("started_at"), Max("finished_at"), Count("pk"))
        self.counts = [
            model._default_manager.filter(sweep__market=market)
            .order_by()
            .values_list("sweep__market")
            .annotate(Count("pk"))
            for model in (SweepLook, SweepVariant)
        ]
