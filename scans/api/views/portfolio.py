"""The portfolio that trades the published picks of a version by stated rules."""

from __future__ import annotations

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
from scans.api.serializers.portfolio import PortfolioBody, portfolio_body
from scans.api.views.evaluation import RangeFields
from scans.operations.evaluation import evaluation_cache
from scans.operations.evaluation.portfolio import MOST_SLOTS, Rules, cached_portfolio
from scans.queries import versions

PLAIN = Rules()


class PortfolioFields(serializers.Serializer[Any]):
    scanner_version = serializers.CharField(
        required=False, max_length=40, help_text="One version, e.g. v2; omitted: the market's active one"
    )
    slots = serializers.IntegerField(
        required=False, min_value=1, max_value=MOST_SLOTS, help_text=f"Equal slots, e.g. 20; default: {PLAIN.slots}"
    )
    capital = serializers.FloatField(
        required=False,
        min_value=1,
        max_value=1e15,
        help_text=f"In currency, e.g. 50000000; default: {PLAIN.capital:.0f}",
    )
    share = serializers.FloatField(
        required=False,
        min_value=0.001,
        max_value=100,
        help_text="Largest order in percent of the mean turnover of 20 sessions, e.g. 0.5; default: 1",
    )
    costs = serializers.FloatField(
        required=False,
        min_value=0,
        max_value=99,
        help_text="Percent of a round trip, e.g. 0.25; omitted: sell tax by date, the fee that is set, a tick a side",
    )


class PortfolioParameters(RangeFields, PortfolioFields):
    """The parameters of a portfolio."""


class PortfolioView(MarketView):
    """The equity curve, drawdown and positions of a portfolio that trades the published picks of a version."""

    serializer_class = PortfolioBody
    parameters = PortfolioParameters
    pagination_class = None
    depends = (versions.GENERATION,)

    @extend_schema(
        operation_id="portfolio",
        tags=["evaluation"],
        parameters=[MARKET, PortfolioParameters],
        responses={200: PortfolioBody, **NOT_MODIFIED, **error_responses(400, 404, 409, 503)},
    )
    def get(self, request: Request, market: str) -> HttpResponseBase:
        query, slug = self.query_values(request), self.query_values(request).get("scanner_version", "")
        version = versions.get_versions(self.market.name, [slug] if slug else [])[0]
        key = evaluation_cache.evaluation_key(
            self.market.name,
            [version],
            as_of=timezone.now(),
            first=query.get("from"),
            last=query.get("to"),
            horizons=[1],
            costs=query["costs"] / 100 if "costs" in query else None,
        )
        rules = Rules(
            query.get("slots", PLAIN.slots),
            query.get("capital", PLAIN.capital),
            query["share"] / 100 if "share" in query else PLAIN.share,
        )

        def render() -> HttpResponseBase:
            body = portfolio_body(
                cached_portfolio(key, rules),
                market=self.market.name,
                currency=self.market.currency,
                version=version.slug,
            )
            content = responses.to_json(PortfolioBody(body).data)
            return HttpResponse(content, content_type=responses.MEDIA_TYPES["json"])

        since = [self.last_modified(), evaluation_cache.closing_moment(self.market.name, key.end)]
        tag = responses.entity_tag(f"portfolio {key.tag} {rules}".encode())
        return responses.conditional_response(request, render, tag, responses.latest_time(since))
