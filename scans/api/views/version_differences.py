"""Two versions on the sessions that both answered: what both pick, and the difference of their excess returns."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import Any

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from marketdata.api.schema import MARKET
from marketdata.api.views import MarketView
from marketdata.web.api import responses
from marketdata.web.api.schema import NOT_MODIFIED, error_responses
from scans.api.fields import Number, Percent
from scans.api.parameters import split_list
from scans.api.views.evaluation import EvaluationParameters, Figure
from scans.evaluation.comparison import Difference
from scans.evaluation.holdings import REVISION
from scans.operations.evaluation import evaluation_cache
from scans.operations.evaluation.compare import VersionComparison
from scans.queries import versions


class DifferenceParameters(EvaluationParameters):
    """The parameters of a comparison."""

    versions = serializers.CharField(max_length=340, help_text="Two versions, e.g. v1,v2")
    by = None  # type: ignore[assignment]

    def validate_versions(self, text: str) -> list[str]:
        named = split_list(text)
        if len(named) != 2:
            raise serializers.ValidationError("Name two different versions, such as v1,v2.")
        return named


class DifferenceBounds(serializers.Serializer[Any]):
    """An interval by block bootstrap of sessions, the same sessions for both versions; null where they are too few."""

    low_pct = Percent(source="low")
    high_pct = Percent(source="high")


class DifferenceBody(serializers.Serializer[Difference]):
    """The first version's mean excess over equal less the second's, after costs, over one horizon."""

    horizon = serializers.IntegerField(help_text="Sessions held")
    group = serializers.CharField(allow_blank=True, help_text="A regime or a year; empty: all sessions")
    judged = serializers.ListField(child=serializers.IntegerField(), help_text="Picks of each version with a return")
    excess_pct = serializers.ListField(child=Percent(), source="excess", help_text="Of each version")
    difference_pct = Percent(source="value", help_text="First minus second")
    interval = DifferenceBounds(help_text="At 95 %")
    corrected = DifferenceBounds(help_text="At the level that allows for all the horizons compared")


class OverlapBody(serializers.Serializer[Any]):
    """Counts of common sessions by the versions that have picks on them."""

    sessions = serializers.IntegerField(help_text="Answered by both")
    both = serializers.IntegerField(help_text="Sessions with picks of both")
    first_only = serializers.IntegerField(help_text="With picks of the first alone")
    second_only = serializers.IntegerField(help_text="With picks of the second alone")
    jaccard_pct = Percent(source="jaccard", help_text="Mean share of codes that both pick")


class DifferencesBody(serializers.Serializer[Any]):
    """Two versions on the sessions that both answered, and the figures of each on them."""

    market = serializers.CharField()
    currency = serializers.CharField()
    revision = serializers.IntegerField(help_text="Of the evaluation's rules")
    versions = serializers.ListField(child=serializers.CharField())
    first = serializers.DateField()
    last = serializers.DateField()
    judged_until = serializers.DateField()
    costs_pct = Number(help_text="As requested; null: by date, see the figures")
    instruments = serializers.IntegerField()
    gone = serializers.IntegerField(help_text="Have no bar on the last session used")
    overlap = OverlapBody()
    differences = DifferenceBody(many=True, help_text="By horizon: all sessions first, then regimes and years")
    figures = Figure(many=True)


class VersionDifferences(MarketView):
    """Which of two versions picks better: the difference of their excess returns, with intervals."""

    serializer_class = DifferencesBody
    parameters = DifferenceParameters
    pagination_class = None
    depends = (versions.GENERATION,)

    @extend_schema(
        operation_id="version_differences",
        tags=["evaluation"],
        parameters=[MARKET, DifferenceParameters],
        responses={200: DifferencesBody, **NOT_MODIFIED, **error_responses(400, 404, 409, 503)},
    )
    def get(self, request: Request, market: str) -> HttpResponseBase:
        query = self.query_values(request)
        key = evaluation_cache.evaluation_key(
            self.market.name,
            versions.get_versions(self.market.name, query["versions"]),
            as_of=timezone.now(),
            first=query.get("from"),
            last=query.get("to"),
            horizons=query.get("horizon", []),
            costs=query["costs"] / 100 if "costs" in query else None,
        )

        def render() -> HttpResponseBase:
            data = differences_body(evaluation_cache.cached_comparison(key), self.market.currency, query.get("costs"))
            content = responses.to_json(DifferencesBody(data).data)
            return HttpResponse(content, content_type=responses.MEDIA_TYPES["json"])

        since = [self.last_modified(), evaluation_cache.closing_moment(self.market.name, key.end)]
        tag = responses.entity_tag(f"differences {key.tag}".encode())
        return responses.conditional_response(request, render, tag, responses.latest_time(since))


def differences_body(comparison: VersionComparison, currency: str, costs: float | None) -> dict[str, Any]:
    """A comparison as its body has it."""
    return {
        "market": comparison.request.market,
        "currency": currency,
        "revision": REVISION,
        "versions": list(comparison.request.versions),
        "first": date.fromisoformat(comparison.both_first),
        "last": date.fromisoformat(comparison.both_last),
        "judged_until": date.fromisoformat(comparison.end),
        "costs_pct": costs,
        "instruments": comparison.instruments,
        "gone": comparison.gone,
        "overlap": asdict(comparison.overlap),
        "differences": comparison.differences,
        "figures": [line for lines in comparison.standings for line in lines],
    }
