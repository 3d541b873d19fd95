"""Figures of the running system, for staff."""

from __future__ import annotations

from datetime import UTC, datetime

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from caching.memory import get_memory_use
from marketdata.web.api.access import StaffOnly
from marketdata.web.api.schema import error_responses
from marketdata.web.api.views import BaseView
from seismo_site.system.bodies import CacheStatsBody, policy_rows
from seismo_site.system.cache_figures import cache_counts


class CacheStats(BaseView):
    """How the cache serves."""

    permission_classes = (StaffOnly,)

    @extend_schema(operation_id="cache_stats", tags=["health"], responses={200: CacheStatsBody, **error_responses()})
    def get(self, request: Request) -> Response:
        """Hits, misses, stale and coalesced answers, errors, bytes and load time of each cache policy, by minute and in
        total; the memory of the cache. For staff."""
        counts = cache_counts()
        minutes = [
            {"at": datetime.fromtimestamp(60 * minute, UTC), "policies": policy_rows(rows)}
            for minute, rows in counts.minutes.items()
        ]
        body = {"memory": get_memory_use(), "total": policy_rows(counts.total), "minutes": minutes}
        return Response(CacheStatsBody(body).data)
