"""Scans before the close: what versions picked while the session still traded."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from marketdata.api.schema import MARKET
from marketdata.api.views import MarketView
from marketdata.web.api.problems import Problem
from marketdata.web.api.schema import error_responses, path_parameter
from scans.api import parameters
from scans.api.serializers.preclose import PrecloseBody, preclose_body
from scans.api.views.evening import LATEST
from scans.queries.preclose import get_preclose_scan

DAY = path_parameter(
    "date",
    "A session as YYYY-MM-DD, or latest: the latest that was scanned before its close",
    {"The latest": LATEST, "A session": "2026-08-21"},
)


class Preclose(MarketView):
    """The last scan before the close of a session, by every version."""

    serializer_class = PrecloseBody
    pagination_class = None

    @extend_schema(
        operation_id="preclose",
        tags=["scans"],
        parameters=[MARKET, DAY],
        responses={200: PrecloseBody, **error_responses(400, 404)},
    )
    def get(self, request: Request, market: str, date: str) -> Response:
        """Picks from quotes of the whole market at `as_of`, while it still traded: nothing of them is published, and no
        evaluation, comparison or signal depends on them. Once the lists at the close are published, `at_close` and
        `hits` say which picks are in them; `hit_share` sums that up over the last sessions."""
        day = None if date == LATEST else parameters.parse_date(date)
        scan = get_preclose_scan(self.market.name, day)
        if scan is None:
            when = f"{day} was not scanned before its close" if day else "no session was scanned before its close yet"
            raise Problem("no_session", f"On market {self.market.name} {when}.")
        return Response(preclose_body(scan))
