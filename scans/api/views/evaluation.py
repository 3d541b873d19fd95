"""How versions did, from what they published: returns, hit rates and excess over four benchmarks with errors."""

from __future__ import annotations

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
from scans.api.parameters import MOST_VERSIONS, split_list
from scans.api.serializers.intervals import ExcessesBody
from scans.evaluation.holdings import REVISION
from scans.operations.evaluation import evaluation_cache
from scans.operations.evaluation.evaluate import GROUPINGS, Evaluation, EvaluationLine
from scans.queries import versions
from scans.queries.settling import SettlingFigures, settling_figures

LONGEST, MOST_HORIZONS = 250, 8


class EvaluationFields(serializers.Serializer[Any]):
    versions = serializers.CharField(
        required=False,
        max_length=340,
        help_text=f"Up to {MOST_VERSIONS} versions, e.g. v1,v2; omitted: the market's active one",
    )
    horizon = serializers.CharField(
        required=False,
        max_length=40,
        help_text=f"Sessions held, up to {MOST_HORIZONS} numbers from 1 to {LONGEST}, e.g. 5,20; omitted: those of 1, "
        "5, 10, 20, 60 that the record can judge",
    )
    by = serializers.ChoiceField(required=False, choices=GROUPINGS, help_text="Figures for each of these too")
    costs = serializers.FloatField(
        required=False,
        min_value=0,
        max_value=99,
        help_text="Percent of a round trip, e.g. 0.25; omitted: sell tax by date, the fee that is set, a tick a side",
    )

    def validate_versions(self, text: str) -> list[str]:
        named = split_list(text)
        if not 1 <= len(named) <= MOST_VERSIONS:
            raise serializers.ValidationError(f"Name up to {MOST_VERSIONS} versions, such as v1,v2.")
        return named

    def validate_horizon(self, text: str) -> list[int]:
        parts = split_list(text)
        good = [part.isascii() and part.isdigit() and 1 <= int(part) <= LONGEST for part in parts]
        if not all(good) or not 1 <= len(parts) <= MOST_HORIZONS:
            raise serializers.ValidationError(
                f"Write up to {MOST_HORIZONS} whole numbers of sessions from 1 to {LONGEST}, such as 5,20."
            )
        return [int(part) for part in parts]


class RangeFields(serializers.Serializer[Any]):
    """`from` cannot be an attribute of a class body."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        ends = {
            "from": serializers.DateField(
                required=False,
                help_text="First day picked on, e.g. 2024-07-01; omitted: where the record's last uninterrupted part "
                "begins",
            ),
            "to": serializers.DateField(required=False, help_text="Last, e.g. 2026-08-21; omitted: the record's last"),
        }
        return {**super().get_fields(), **ends}

    def validate(self, given: dict[str, Any]) -> dict[str, Any]:
        first, last = given.get("from"), given.get("to")
        if first and last and first > last:
            raise serializers.ValidationError({"to": ["It must not lie before from."]})
        return given


class EvaluationParameters(RangeFields, EvaluationFields):
    """The parameters of an evaluation."""


class Figure(serializers.Serializer[EvaluationLine]):
    """One version over one horizon. All but counts is percent, after costs where nothing else is said."""

    scanner_version = serializers.CharField(source="version")
    horizon = serializers.IntegerField(help_text="Sessions held")
    group = serializers.CharField(allow_blank=True, help_text="Empty: all picks")
    sessions = serializers.IntegerField(help_text="Answered by the version")
    picks = serializers.IntegerField(source="figures.picks")
    live = serializers.IntegerField(
        help_text="Picks whose run began before the open of their entry; all others were computed afterwards"
    )
    judged = serializers.IntegerField(source="figures.judged", help_text="Picks with a return")
    dropped = serializers.IntegerField(source="figures.dropped", help_text="Never bought: locked and untraded")
    locked = serializers.IntegerField(
        source="figures.locked", help_text="No session of five could be bought, since its low was the upper limit"
    )
    untraded = serializers.IntegerField(source="figures.untraded", help_text="No trade on five sessions")
    late = serializers.IntegerField(
        source="figures.late", help_text="Judged picks that could not be sold on the planned session"
    )
    open = serializers.IntegerField(source="figures.open", help_text="Not over yet")
    unjudged = serializers.IntegerField(source="figures.unjudged", help_text="A suspected corporate action lies inside")
    hit_rate_pct = Percent(source="figures.hit_rate", help_text="Returns above 0 after costs")
    universe_hit_rate_pct = Percent(
        source="figures.universe_hit_rate",
        help_text="The same of all that could be picked, over the same sessions, without costs",
    )
    mean_pct = Percent(source="figures.mean")
    gross_mean_pct = Percent(source="figures.gross_mean", help_text="Before costs")
    costs_pct = Percent(source="figures.costs", help_text="Mean costs of a round trip")
    median_pct = Percent(source="figures.median")
    date_mean_pct = Percent(source="figures.date_mean", help_text="Mean over dates, each alike")
    positions = serializers.IntegerField(
        source="figures.positions", help_text="Judged picks where a name is not bought again while it is held"
    )
    position_mean_pct = Percent(source="figures.position_mean", help_text="Their mean")
    mean_without_best_pct = Percent(
        source="figures.mean_without_best", help_text="Without the ten names whose returns add up to most"
    )
    excess = ExcessesBody(source="figures")
    detectable_pct = Percent(
        source="figures.detectable",
        help_text="The smallest excess that so many sessions distinguish from 0 (80 % power)",
    )
    standing = serializers.ChoiceField(
        source="figures.standing",
        choices=["ahead", "behind", ""],
        help_text="Where the intervals of both equal and matched exclude 0; else empty",
    )
    best_pct = Percent(source="figures.best", help_text="Mean of the best point while held")
    worst_pct = Percent(source="figures.worst")
    worst_drawdown_pct = Percent(source="figures.worst_drawdown")
    turnover_pct = Percent(source="figures.turnover")


class SettlingBody(serializers.Serializer[SettlingFigures]):
    """How the provisional lists of a version differed from the settled ones, over the sessions of the range that have
    both. Only settled ones are judged."""

    scanner_version = serializers.CharField(source="version")
    sessions = serializers.IntegerField(help_text="Sessions with a provisional and a settled list")
    unchanged = serializers.IntegerField(help_text="Of these: lists with the same picks")
    unchanged_pct = Percent(source="unchanged_share", help_text="The same in percent; null: no session has both")
    picks = Number(help_text="Mean number of provisional picks")
    left = Number(help_text="Mean number of picks that settled bars took from the list")
    entered = Number(help_text="Mean number of picks that they added")


class EvaluationBody(serializers.Serializer[Any]):
    """The basis of the figures, and the figures. `gone` instruments have no bar on the last session used: where none
    are gone, the record holds survivors only, and returns are too good. On `capped` of `sessions` sessions at least
    90 % of what could be picked has a market cap; picks of the others have no excess over cap."""

    market = serializers.CharField()
    currency = serializers.CharField()
    revision = serializers.IntegerField(help_text="Of the evaluation's rules")
    first = serializers.DateField()
    last = serializers.DateField()
    judged_until = serializers.DateField()
    by = serializers.CharField(allow_blank=True)
    costs_pct = Number(help_text="As requested; null: by date, see the figures")
    sessions = serializers.IntegerField()
    instruments = serializers.IntegerField()
    gone = serializers.IntegerField()
    capped = serializers.IntegerField()
    figures = Figure(many=True)
    settling = SettlingBody(many=True)


class EvaluationView(MarketView):
    """How the published picks of versions did: after 1, 5, 10, 20 and 60 sessions, or the requested ones."""

    serializer_class = EvaluationBody
    parameters = EvaluationParameters
    pagination_class = None
    depends = (versions.GENERATION,)

    @extend_schema(
        operation_id="evaluation",
        tags=["evaluation"],
        parameters=[MARKET, EvaluationParameters],
        responses={200: EvaluationBody, **NOT_MODIFIED, **error_responses(400, 404, 409, 503)},
    )
    def get(self, request: Request, market: str) -> HttpResponseBase:
        given = self.query_values(request)
        chosen = versions.get_versions(self.market.name, given.get("versions", []))
        evaluation = evaluation_cache.evaluation_key(
            self.market.name,
            chosen,
            as_of=timezone.now(),
            first=given.get("from"),
            last=given.get("to"),
            horizons=given.get("horizon", []),
            costs=given["costs"] / 100 if "costs" in given else None,
            by=given.get("by", ""),
        )

        def made() -> HttpResponseBase:
            data = evaluation_body(
                evaluation_cache.cached_evaluation(evaluation), self.market.currency, given.get("costs")
            )
            data["settling"] = settling_figures(self.market.name, chosen, data["first"], data["last"])
            content = responses.to_json(EvaluationBody(data).data)
            return HttpResponse(content, content_type=responses.MEDIA_TYPES["json"])

        # Judged up to the last session that has closed: so not before its close.
        since = [self.last_modified(), evaluation_cache.closing_moment(self.market.name, evaluation.end)]
        tag = responses.entity_tag(evaluation.tag.encode())
        return responses.conditional_response(request, made, tag, responses.latest_time(since))


def evaluation_body(evaluation: Evaluation, currency: str, costs: float | None) -> dict[str, Any]:
    """An evaluation as its body has it."""
    return {
        "market": evaluation.request.market,
        "currency": currency,
        "revision": REVISION,
        "first": date.fromisoformat(evaluation.first),
        "last": date.fromisoformat(evaluation.last),
        "judged_until": date.fromisoformat(evaluation.end),
        "by": evaluation.request.by,
        "costs_pct": costs,
        "sessions": evaluation.sessions,
        "instruments": evaluation.instruments,
        "gone": evaluation.gone,
        "capped": evaluation.capped,
        "figures": evaluation.lines,
    }
