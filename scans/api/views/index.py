"""A market's index: each series, session by session, with the regimes of both rules."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import numpy as np
from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from marketdata.api.schema import MARKET
from marketdata.api.views import MarketView
from marketdata.errors import LakeError
from marketdata.markets import OWN_EQUAL, get_market
from marketdata.queries.index_series import get_index_for_display
from marketdata.web.api.problems import Problem
from marketdata.web.api.response_cache import StateTimes, make_response_cache
from marketdata.web.api.schema import NOT_MODIFIED, error_responses
from scans.api.fields import Percent
from scans.api.parameters import DateRangeParameters
from scans.api.serializers.regimes import RegimeRuleBody
from scans.engines.regime_rules import RegimeRule
from scans.engines.regimes import NAMES
from scans.queries.market_index import get_index_histories
from scans.queries.regime_rules import rule_values

SESSIONS = 250
"""Sessions that are shown where no first day is requested."""


class SessionRegimeBody(RegimeRuleBody):
    """The regime of a session by one rule, and why."""

    regime = serializers.ChoiceField(choices=NAMES)

    def to_representation(self, rule: RegimeRule) -> dict[str, Any]:
        return super().to_representation({"regime": rule.regime, **rule_values(rule)})


class IndexSessionBody(serializers.Serializer[Any]):
    """A series of the index on one session."""

    date = serializers.DateField()
    move_pct = Percent(source="m", help_text="From the session before; null where unknown")
    range_pct = Percent(source="range", help_text="(high - low) / close, a mean over instruments; null where unknown")
    level = serializers.FloatField(allow_null=True, help_text="From 1 where the series starts, or starts anew")
    daily = SessionRegimeBody(help_text="By the rule of v1: the move of the session alone")
    trend = SessionRegimeBody(help_text="By the rule of v2 and v3: 20 sessions, with the state before")
    short_risk = serializers.IntegerField(help_text="0 to 3: how nervous the session was")


class IndexSeriesBody(serializers.Serializer[Any]):
    """A series of the index, ascending."""

    name = serializers.CharField(
        help_text="own-equal (all weights alike), own-cap (by market cap), or the name of an imported series"
    )
    chosen = serializers.BooleanField(help_text="Whether the regimes of scans depend on it")
    revision = serializers.IntegerField(allow_null=True, help_text="Of its definition; null: imported")
    sessions = IndexSessionBody(many=True)


class IndexBody(serializers.Serializer[Any]):
    """The series of a market's index."""

    market = serializers.CharField()
    first = serializers.DateField(help_text="The first day of the range")
    last = serializers.DateField(help_text="The last day of the range")
    series = IndexSeriesBody(many=True)


class IndexView(MarketView):
    """The market's own two series, and the imported one that regimes depend on where one is chosen."""

    serializer_class = IndexBody
    parameters = DateRangeParameters
    pagination_class = None
    depends = ()
    response_cache = make_response_cache("page", "index")

    @extend_schema(
        operation_id="index",
        tags=["markets"],
        parameters=[MARKET, DateRangeParameters],
        responses={200: IndexBody, **NOT_MODIFIED, **error_responses(400, 404, 409, 503)},
    )
    def get(self, request: Request, market: str) -> HttpResponseBase:
        """Each series of the market's index, with the regime of each session by both rules and why; without `from` the
        last 250 sessions."""
        return self.cached_response(lambda: self.body(self.query_values(request)))

    def body(self, given: dict[str, Any]) -> dict[str, Any]:
        """The index as its body has it."""
        name = self.market.name
        try:
            sessions = get_index_for_display(name, OWN_EQUAL, date.min).sessions
        except LakeError:
            if self.generations.get(name) is not None:
                raise
            raise Problem("no_bars", f"Market {name} has no bars yet, so it has no index.") from None
        last = given.get("to") or sessions[-1].item()
        end = int(np.searchsorted(sessions, np.datetime64(last), side="right"))
        first = given.get("from") or sessions[max(end - SESSIONS, 0)].item()
        series = get_index_histories(name, first, min(last, sessions[-1].item()))
        return IndexBody({"market": name, "first": first, "last": last, "series": series}).data

    @classmethod
    def state_of(cls, generations: Mapping[str, datetime], market: str = "") -> StateTimes | None:
        """A market such as kr-adj has the series of kr too."""
        return [generations.get(name) for name in get_market(market).family] if market else []
