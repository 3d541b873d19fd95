"""What changed from one published session to the next, and versions side by side."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from marketdata.api.schema import MARKET, UNCHANGED, problems
from marketdata.api.views import MarketView, etag, not_modified, tagged
from scans import queries, results
from scans.api import asking
from scans.api.asking import ForChanges, ForComparison
from scans.api.forms import Answer, ChangesBody, Comparison, Moved, Place, Rank
from scans.models import ScanRank


class Changes(MarketView):
    """What entered, left and moved from the published session before."""

    serializer_class = ChangesBody
    parameters = ForChanges
    pagination_class = None

    @extend_schema(
        operation_id="scan_changes",
        tags=["scans"],
        parameters=[MARKET, ForChanges],
        responses={200: ChangesBody, **UNCHANGED, **problems(400, 404)},
    )
    def get(self, request: Request, market: str) -> Response:
        given = self.given(request)
        version = asking.version(self.market.name, given)
        found = results.changes(self.market.name, version, given.get("date"))
        tag = etag([found.now.pk, found.before and found.before.pk, version.slug])
        unchanged = not_modified(request, tag)
        if unchanged:
            return unchanged
        for row, before in found.moved:
            row.rank_before = before  # type: ignore[attr-defined]
            row.moved_by = before - row.rank  # type: ignore[attr-defined]
        told = {
            "market": self.market.name,
            "currency": self.market.currency,
            "scanner_version": version.slug,
            "date": found.now.date,
            "before": found.before and found.before.date,
            "entered": Rank(found.entered, many=True).data,
            "left": Rank(found.left, many=True).data,
            "moved": Moved([row for row, _ in found.moved], many=True).data,
        }
        return tagged(Response(told), tag)


class Compare(MarketView):
    """Several versions on one session, side by side, and how far they pick the same."""

    serializer_class = Comparison
    parameters = ForComparison
    pagination_class = None

    @extend_schema(
        operation_id="scan_compare",
        tags=["scans"],
        parameters=[MARKET, ForComparison],
        responses={200: Comparison, **UNCHANGED, **problems(400, 404)},
    )
    def get(self, request: Request, market: str) -> Response:
        given = self.given(request)
        chosen = queries.versions(self.market.name, given["versions"])
        found = results.side_by_side(self.market.name, chosen, given.get("date"))
        tag = etag([row.pk for row in found.sessions])
        unchanged = not_modified(request, tag)
        if unchanged:
            return unchanged
        common = sum(len(picks) == len(chosen) for picks in found.rows.values())
        share = round(100 * common / len(found.rows), 2) if found.rows else None
        told = {
            "market": self.market.name,
            "currency": self.market.currency,
            "date": found.date,
            "answers": Answer(found.sessions, many=True).data,
            "overlap": {"common": common, "any": len(found.rows), "common_pct": share},
            "rows": [row(picks) for picks in found.rows.values()],
        }
        return tagged(Response(told), tag)


def row(picks: dict[str, ScanRank]) -> dict[str, Any]:
    """An instrument that at least one version picked."""
    one = next(iter(picks.values()))
    places = {slug: Place(pick).data for slug, pick in picks.items()}
    about = ("code", "name", "segment", "close", "change_pct")
    return {**{name: getattr(one, name) for name in about}, "versions": places}
