"""What changed from one published session to the next, and versions side by side."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.serializers import BaseSerializer

from marketdata.api.schema import MARKET
from marketdata.api.views import MarketView
from marketdata.web.api import downloads, serializers
from marketdata.web.api.schema import NOT_MODIFIED, error_responses
from scans.api import parameters
from scans.api.parameters import ChangesParameters, ComparisonParameters
from scans.api.serializers.flows import attach_flows
from scans.api.serializers.scans import Answer, ChangesBody, Compared, Comparison, Moved, Place, Rank
from scans.models import ScanRank
from scans.queries import results, versions

ABOUT = ("code", "name", "segment", "close", "change_pct")
"""What a comparison says of an instrument, whichever version picked it."""


class Changes(MarketView):
    """What entered, left and moved from the published session before."""

    serializer_class = ChangesBody
    parameters = ChangesParameters
    pagination_class = None
    depends = (versions.GENERATION,)

    @extend_schema(
        operation_id="scan_changes",
        tags=["scans"],
        parameters=[MARKET, ChangesParameters],
        responses={200: ChangesBody, **NOT_MODIFIED, **error_responses(400, 404)},
    )
    def get(self, request: Request, market: str) -> HttpResponseBase:
        query = self.query_values(request)
        version = parameters.chosen_version(self.market.name, query)
        changes = results.pick_changes(self.market.name, version, query.get("date"))
        for row, before in changes.moved:
            row.rank_before = before  # type: ignore[attr-defined]
            row.moved_by = before - row.rank  # type: ignore[attr-defined]
        attach_flows([*changes.entered, *changes.left, *(row for row, _ in changes.moved)])
        parts = {
            "entered": self.serialize(Rank(changes.entered, many=True)),
            "left": self.serialize(Rank(changes.left, many=True)),
            "moved": self.serialize(Moved([row for row, _ in changes.moved], many=True)),
        }
        head = {
            "market": self.market.name,
            "currency": self.market.currency,
            "scanner_version": version.slug,
            "date": changes.now.date.isoformat(),
            "before": changes.before and changes.before.date.isoformat(),
        }
        if self.form == "json":
            return self.json_response({**head, **parts})
        rows = [{**head, **row, "change": how} for how, rows in parts.items() for row in rows]
        columns = [*parameters.PICK_COLUMNS, downloads.column("change", pa.string()), *self.columns()]
        name = f"{self.market.name}-{version.slug}-changes-{changes.now.date}"
        return self.download_response(downloads.Table(columns, rows), name)

    def row(self) -> type[Moved]:
        return Moved

    def serialize(self, rows: BaseSerializer[Any]) -> Any:
        return serializers.serialize_list(rows, self.fields)

    def columns(self) -> list[downloads.Column]:
        return downloads.columns(serializers.select_members(Moved(), self.fields))


class Compare(MarketView):
    """Several versions on one session, side by side, and how far they pick the same."""

    serializer_class = Comparison
    parameters = ComparisonParameters
    pagination_class = None
    depends = (versions.GENERATION,)

    @extend_schema(
        operation_id="scan_compare",
        tags=["scans"],
        parameters=[MARKET, ComparisonParameters],
        responses={200: Comparison, **NOT_MODIFIED, **error_responses(400, 404)},
    )
    def get(self, request: Request, market: str) -> HttpResponseBase:
        query = self.query_values(request)
        chosen = versions.get_versions(self.market.name, query["versions"])
        comparison = results.side_by_side(self.market.name, chosen, query.get("date"))
        common = sum(len(picks) == len(chosen) for picks in comparison.rows.values())
        share = round(100 * common / len(comparison.rows), 2) if comparison.rows else None
        rows = [self.compared_row(picks) for picks in comparison.rows.values()]
        if self.form != "json":
            slugs = [version.slug for version in chosen]
            name = "-".join([self.market.name, *slugs, str(comparison.date)])
            return self.download_response(downloads.Table(self.columns(slugs), rows), name)
        body = {
            "market": self.market.name,
            "currency": self.market.currency,
            "date": comparison.date,
            "answers": Answer(comparison.sessions, many=True).data,
            "overlap": {"common": common, "any": len(comparison.rows), "common_pct": share},
            "rows": rows,
        }
        return self.json_response(body)

    def row(self) -> type[Compared]:
        return Compared

    def compared_row(self, picks: dict[str, ScanRank]) -> dict[str, Any]:
        """An instrument that at least one version picked."""
        pick = next(iter(picks.values()))
        about: dict[str, Any] = {name: getattr(pick, name) for name in ABOUT}
        about["versions"] = {slug: Place(pick).data for slug, pick in picks.items()}
        return {name: value for name, value in about.items() if name in (self.fields or about)}

    def columns(self, slugs: list[str]) -> list[downloads.Column]:
        """Each version's place beside the instrument: v2.rank, v2.score ..."""
        columns = []
        for column in downloads.columns(serializers.select_members(Compared(), self.fields)):
            if column.path != ("versions",):
                columns.append(column)
                continue
            columns += [
                downloads.Column(f"{slug}.{place.name}", ("versions", slug, *place.path), place.type)
                for slug in slugs
                for place in downloads.columns(Place())
            ]
        return columns
