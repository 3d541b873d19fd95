"""Every market with what a frontend needs before it reads anything else."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.http.response import HttpResponseBase
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from marketdata.api.views import RecordView
from marketdata.markets import MARKETS
from marketdata.queries import instruments
from marketdata.web.api.pagination import WholeList, list_body
from marketdata.web.api.response_cache import StateTimes, make_response_cache
from marketdata.web.api.schema import NOT_MODIFIED, error_responses
from scans.api import parameters
from scans.api.serializers.markets import MarketBody
from scans.queries.markets import market_summaries


class Markets(RecordView):
    """The built-in markets and those with imported data."""

    serializer_class = MarketBody
    pagination_class = WholeList
    response_cache = make_response_cache("page", "markets")
    depends = ()

    @extend_schema(
        operation_id="markets",
        tags=["markets"],
        responses={200: MarketBody(many=True), **NOT_MODIFIED, **error_responses(400)},
    )
    def get(self, request: Request) -> HttpResponseBase:
        """Every market: its recorded range, currency, zone and hours, the ticks of its order prices, the versions that
        scan it and the one that is meant where none is named."""
        return self.cached_response(self.body)

    def body(self) -> dict[str, Any]:
        """Every market, the built-in ones first."""
        names = instruments.list_markets(self.generations)
        return list_body(MarketBody(market_summaries(names, timezone.now()), many=True).data)

    @classmethod
    def state_of(cls, generations: Mapping[str, datetime], market: str = "") -> StateTimes | None:
        """Everything recorded, and the day in each market, by which its hours and ticks are chosen."""
        days = [parameters.midnight(market) for market in MARKETS.values()]
        return [*(generations[name] for name in sorted(generations)), *days]
