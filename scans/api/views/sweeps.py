"""Sweeps of a market: the list, one of them, its variants."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from marketdata.api.schema import MARKET
from marketdata.api.views import MarketList, MarketView
from marketdata.web.api.pagination import ListPagination
from marketdata.web.api.schema import NOT_MODIFIED, error_responses, path_parameter
from scans.api.serializers.sweeps import SweepBody, SweepRow, VariantBody
from scans.models import Sweep, SweepStatus, SweepVariant
from scans.operations.research.pedigree import pedigrees
from scans.queries.sweeps import market_sweeps, sweep_variants

SLUG = path_parameter("slug", "The name of a sweep", {"A sweep": "volume"})


def sweep_or_404(market: str, slug: str) -> Sweep:
    """The sweep of that name; NotFound if the market has none."""
    sweep = market_sweeps(market).filter(slug=slug).first()
    if sweep is None:
        raise NotFound(f"Market {market} has no sweep {slug!r}.")
    return sweep


class SweepPagination(ListPagination):
    orders = {"-started_at": ("-started_at", "-pk"), "slug": ("slug",)}


class Sweeps(MarketList):
    """Sweeps of a market, the latest first."""

    model = Sweep
    serializer_class = SweepRow
    pagination_class = SweepPagination

    def rows(self) -> QuerySet[Sweep]:
        return market_sweeps(self.market.name)

    @extend_schema(
        operation_id="sweeps",
        tags=["research"],
        parameters=[MARKET],
        responses={200: SweepRow(many=True), **NOT_MODIFIED, **error_responses(400, 404)},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return super().get(request, *args, **kwargs)


class OneSweep(MarketView):
    """One sweep: what was tried, what came of the choice outside, the tests against luck, the verdict."""

    serializer_class = SweepBody
    pagination_class = None

    @extend_schema(
        operation_id="sweep",
        tags=["research"],
        parameters=[MARKET, SLUG],
        responses={200: SweepBody, **error_responses(400, 404)},
    )
    def get(self, request: Request, market: str, slug: str) -> Response:
        sweep = sweep_or_404(self.market.name, slug)
        rows = pedigrees(sweep, as_of=timezone.now()) if sweep.status == SweepStatus.DONE else []
        return Response(SweepBody(sweep, context={"pedigrees": rows}).data)


class VariantPagination(ListPagination):
    orders = {"-sharpe": ("-sessions", "-sharpe", "number"), "number": ("number",)}


class Variants(MarketList):
    """The variants of a sweep, the best ratio first; none is left out."""

    model = SweepVariant
    serializer_class = VariantBody
    pagination_class = VariantPagination

    def rows(self) -> QuerySet[SweepVariant]:
        return sweep_variants(sweep_or_404(self.market.name, self.kwargs["slug"])).defer("returns")

    @extend_schema(
        operation_id="sweep_variants",
        tags=["research"],
        parameters=[MARKET, SLUG],
        responses={200: VariantBody(many=True), **NOT_MODIFIED, **error_responses(400, 404)},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return super().get(request, *args, **kwargs)
