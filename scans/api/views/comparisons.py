"""Changes from one published session to the next, and versions side by side."""

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
from scans.api.serializers.explain import CheckBody
from scans.api.serializers.flows import Flow, attach_flows
from scans.api.serializers.scans import Answer, ChangesBody, Comparison, ComparisonRow, Place, Rank, RankMove
from scans.engines.base import Check
from scans.models import ScanRank
from scans.operations.analysis.split import first_failing_checks
from scans.queries import results, versions

ABOUT = ("code", "name", "segment", "close", "change_pct")
"""The fields of an instrument in a comparison, whichever version picked it."""


class Changes(MarketView):
    """The picks that entered, left and moved since the published session before."""

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
            "moved": self.serialize(RankMove([row for row, _ in changes.moved], many=True)),
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

    def row(self) -> type[RankMove]:
        return RankMove

    def serialize(self, rows: BaseSerializer[Any]) -> Any:
        return serializers.serialize_list(rows, self.fields)

    def columns(self) -> list[downloads.Column]:
        return downloads.columns(serializers.select_members(RankMove(), self.fields))


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
        responses={200: Comparison, **NOT_MODIFIED, **error_responses(400, 404, 409, 503)},
    )
    def get(self, request: Request, market: str) -> HttpResponseBase:
        query = self.query_values(request)
        chosen = versions.get_versions(self.market.name, query["versions"])
        comparison = results.side_by_side(self.market.name, chosen, query.get("date"))
        common = sum(len(picks) == len(chosen) for picks in comparison.rows.values())
        share = round(100 * common / len(comparison.rows), 2) if comparison.rows else None
        attach_flows([pick for picks in comparison.rows.values() for pick in picks.values()])
        context = {"ranked": {session.pk: session.ranked for session in comparison.sessions}}
        splits = find_splits(comparison) if query["split"] and self.form == "json" else None
        rows = [self.compared_row(picks, context, splits) for picks in comparison.rows.values()]
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

    def row(self) -> type[ComparisonRow]:
        return ComparisonRow

    def compared_row(
        self, picks: dict[str, ScanRank], context: dict[str, Any], splits: dict[str, dict[str, Check]] | None
    ) -> dict[str, Any]:
        """An instrument that at least one version picked."""
        pick = next(iter(picks.values()))
        row: dict[str, Any] = {name: getattr(pick, name) for name in ABOUT}
        row["flow"] = pick.flow and Flow(pick.flow).data  # type: ignore[attr-defined]
        row["versions"] = {slug: Place(place, context=context).data for slug, place in picks.items()}
        row["split"] = splits and {
            slug: CheckBody(checks[pick.code]).data for slug, checks in splits.items() if pick.code in checks
        }
        return {name: value for name, value in row.items() if name in (self.fields or row)}

    def columns(self, slugs: list[str]) -> list[downloads.Column]:
        """Each version's place beside the instrument: v2.rank, v2.score ..."""
        columns = []
        for column in downloads.columns(serializers.select_members(ComparisonRow(), self.fields)):
            if column.path not in (("versions",), ("split",)):
                columns.append(column)
            if column.path != ("versions",):
                continue
            columns += [
                downloads.Column(f"{slug}.{_column_name(place)}", ("versions", slug, *place.path), place.type)
                for slug in slugs
                for place in downloads.columns(Place())
            ]
        return columns


def find_splits(comparison: results.SideBySide) -> dict[str, dict[str, Check]]:
    """Version -> code of an instrument that another picked -> the first check that fails."""
    lacking = {
        session.scanner_version.slug: [
            code for code, picks in comparison.rows.items() if session.scanner_version.slug not in picks
        ]
        for session in comparison.sessions
    }
    return first_failing_checks(comparison.sessions, lacking)


def _column_name(column: downloads.Column) -> str:
    """The name of a column of a place: order prices have other names than the plan's exact ones."""
    return f"order_{column.name}" if "order" in column.path else column.name
