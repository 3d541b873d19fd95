"""How reliably and how fast each version runs."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from marketdata.api.schema import MARKET
from marketdata.api.views import MarketView
from marketdata.web.api.schema import error_responses
from scans.api.serializers.statistics import RunStatisticsBody
from scans.queries.run_statistics import SESSIONS, get_run_statistics


class RunStatisticsView(MarketView):
    """Success rate and mean duration of the runs of a market."""

    serializer_class = RunStatisticsBody
    pagination_class = None

    @extend_schema(
        operation_id="run_statistics",
        tags=["scans"],
        parameters=[MARKET],
        responses={200: RunStatisticsBody, **error_responses(400, 404)},
    )
    def get(self, request: Request, market: str) -> Response:
        """The attempts of each version over the latest sessions: how many failed or changed nothing, their mean
        duration, CPU time and most memory."""
        rows = get_run_statistics(self.market.name)
        return Response(RunStatisticsBody({"market": self.market.name, "sessions": SESSIONS, "versions": rows}).data)
