"""A market's evening: all versions of a session in one answer."""

from __future__ import annotations

from typing import Any

from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from marketdata.api.schema import MARKET
from marketdata.api.views import MarketView
from marketdata.web.api.problems import Problem
from marketdata.web.api.response_cache import make_response_cache
from marketdata.web.api.schema import NOT_MODIFIED, error_responses, path_parameter
from scans.api import parameters
from scans.api.parameters import ReadingParameters
from scans.api.serializers.evening import EveningBody, evening_body
from scans.queries import versions
from scans.queries.evening_summary import evening_summary

LATEST = "latest"
DAY = path_parameter(
    "date",
    "A session as YYYY-MM-DD, or latest: the latest that any version has published",
    {"The latest": LATEST, "A session": "2026-08-21"},
)


class Evening(MarketView):
    """The answers of all versions for a session, in one body."""

    serializer_class = EveningBody
    pagination_class = None
    parameters = ReadingParameters
    depends = (versions.GENERATION,)
    response_cache = make_response_cache("page", "evening")

    @extend_schema(
        operation_id="evening",
        summary="All versions of a session: regimes with their rules, changes of the lists, signals that moved",
        tags=["scans"],
        parameters=[MARKET, DAY, ReadingParameters],
        responses={200: EveningBody, **NOT_MODIFIED, **error_responses(400, 404)},
    )
    def get(self, request: Request, market: str, date: str) -> HttpResponseBase:
        """New, stayed and dropped are differences between the version's session and its published one before; each
        list is in the order of ranks. The counts beside them are those of the run: `matched` passed every filter,
        `ranked` of them are listed."""
        day = None if date == LATEST else parameters.parse_date(date)
        reading = self.query_values(request).get("reading", "")

        def body() -> dict[str, Any]:
            summary = evening_summary(self.market.name, day, reading)
            if summary is None:
                when = f"for {day}" if day else "yet"
                raise Problem("no_session", f"No version has published anything on market {self.market.name} {when}.")
            return evening_body(summary, self.get_serializer_context())

        return self.cached_response(body)
