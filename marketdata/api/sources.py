"""Sources of a market over the API: what each can do, its settings, its last calls, and whether its bars count."""

from __future__ import annotations

from typing import Any

from django.utils import translation
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from marketdata.api.schema import MARKET
from marketdata.api.views import MarketView
from marketdata.operations.source_descriptions import SourceStatus, market_source_statuses
from marketdata.sources.base import Capability
from marketdata.web.api.pagination import WholeList, list_body
from marketdata.web.api.schema import error_responses


class SourceSwitch(serializers.Serializer[Any]):
    """A setting that changes what a source does."""

    name = serializers.CharField(help_text="Of the environment")
    value = serializers.CharField(allow_blank=True)


class SourceCalls(serializers.Serializer[Any]):
    """The calls to a source by all processes. The counts are of the day of `last_call`, from midnight to midnight of
    the market."""

    last_call = serializers.DateTimeField(allow_null=True, help_text="When the last one was sent")
    last_success = serializers.DateTimeField(allow_null=True, help_text="When the last answer that could be read came")
    last_refusal = serializers.DateTimeField(allow_null=True, help_text="When the source last refused a call")
    refusal = serializers.CharField(allow_blank=True, help_text="Why it did")
    day = serializers.DateField(allow_null=True, help_text="Of the counts")
    calls = serializers.IntegerField(help_text="Of the day, repeated and refused ones included")
    refusals = serializers.IntegerField(help_text="Of the day, those for their pace included")
    limit = serializers.IntegerField(allow_null=True, help_text="Calls a day at most; null: it has no daily limit")


class SourceBars(serializers.Serializer[Any]):
    """The bars of a source over the last sessions (as `SEISMO_SOURCE_ORDER` is explained on the page of sources)."""

    quality = serializers.FloatField(help_text="0.6 x completeness + 0.4 x freshness")
    last_session = serializers.DateField(help_text="With a bar of this source")
    session_bars = serializers.IntegerField(help_text="On the last session of the market")
    window_bars = serializers.IntegerField(help_text="On the last sessions of the market")
    is_ordered = serializers.BooleanField(help_text="Whether `SEISMO_SOURCE_ORDER` names it")
    is_preferred = serializers.BooleanField(help_text="Whether its bars count where several sources have them")


class SourceRow(serializers.Serializer[Any]):
    """A source: one that can serve the market, or one of files with recent bars."""

    name = serializers.CharField(help_text="As `--source` has it")
    title = serializers.CharField()
    is_network = serializers.BooleanField(help_text="False: bars of files, or generated ones")
    is_official = serializers.BooleanField(help_text="False: the owner of the data neither offers nor describes it")
    is_configured = serializers.BooleanField(allow_null=True, help_text="Null: it has no settings")
    missing = serializers.ListField(child=serializers.CharField(), help_text="Settings that it needs and lacks")
    problem = serializers.CharField(allow_blank=True, help_text="The contradiction in its settings")
    install = serializers.CharField(allow_blank=True, help_text="The command that installs its missing library")
    switches = SourceSwitch(many=True, help_text="Settings that change what it does")
    can = serializers.ListField(
        child=serializers.ChoiceField(choices=[str(each) for each in Capability]), help_text="What it can do"
    )
    cost = serializers.CharField(allow_blank=True, help_text="What daily bars cost in calls")
    final = serializers.CharField(allow_blank=True, help_text="From when on bars no longer change")
    calls = SourceCalls(allow_null=True, help_text="Null: it is never called")
    bars = SourceBars(allow_null=True, help_text="Null: it has no recent ones")


class Sources(MarketView):
    """The sources of a market."""

    serializer_class = SourceRow
    pagination_class = WholeList

    @extend_schema(
        operation_id="sources",
        tags=["markets"],
        parameters=[MARKET],
        responses={200: SourceRow(many=True), **error_responses(400, 404)},
    )
    def get(self, request: Request, market: str) -> Response:
        """What each source can do for the market, whether it is configured, when it was last called, answered and
        refused a call, the calls of its day beside their limit, and whether its bars count. Sources of the registry
        come first, in the order in which collections choose; then those of files with recent bars. No key is in the
        answer."""
        with translation.override("en"):
            rows = [_row(status, self.market.name) for status in market_source_statuses(self.market.name)]
        return Response(list_body(SourceRow(rows, many=True).data))


def _row(status: SourceStatus, market: str) -> dict[str, Any]:
    source, record = status.description, status.calls
    row: dict[str, Any] = {"name": status.name, "is_network": source is not None, "bars": status.standing}
    if source is None:
        texts = dict.fromkeys(("problem", "install", "cost", "final"), "")
        lists: dict[str, Any] = {name: [] for name in ("missing", "switches", "can")}
        return row | texts | lists | {"title": status.name, "is_official": True, "is_configured": None, "calls": None}
    calls = {
        "last_call": record and record.at,
        "last_success": record and record.answered_at,
        "last_refusal": record and record.refused_at,
        "refusal": record.refusal if record else "",
        "day": record and record.day(market),
        "calls": record.calls if record else 0,
        "refusals": record.refusals if record else 0,
        "limit": source.calls_a_day,
    }
    return row | {
        "title": source.title,
        "is_official": source.is_official,
        "is_configured": source.is_configured,
        "missing": source.missing,
        "problem": source.wrong,
        "install": source.install,
        "switches": [{"name": name, "value": value} for name, value in source.switches],
        "can": source.can,
        "cost": source.calls,
        "final": source.final,
        "calls": calls,
    }
