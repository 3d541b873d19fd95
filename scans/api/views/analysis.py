"""Analyses of one instrument on one session: why a version picked it, or not, and what to make of that."""

from __future__ import annotations

from dataclasses import fields
from datetime import date, datetime
from typing import Any

from django.http.response import HttpResponseBase
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from marketdata.api.schema import CODE, MARKET
from marketdata.api.stocks import instrument_or_404
from marketdata.api.views import MarketView
from marketdata.markets import Market
from marketdata.queries import flows
from marketdata.web.api import responses
from marketdata.web.api.schema import NOT_MODIFIED, error_responses
from scans.api import parameters
from scans.api.parameters import VersionParameters
from scans.api.serializers.analysis import AnalysisBody
from scans.api.serializers.explain import ExplanationBody
from scans.engines.registry import ENGINES
from scans.evaluation.holdings import REVISION
from scans.models import ScannerVersion
from scans.narrative.client import Narrative
from scans.operations.analysis import analyse, explain
from scans.operations.analysis.analyse import Analysis
from scans.operations.analysis.explain import Explanation
from scans.operations.evaluation import evaluation_cache
from scans.operations.scan import run
from scans.queries import versions
from scans.queries.order_prices import add_order_prices
from scans.queries.regime_rules import rule_json


class ExplanationParameters(VersionParameters):
    date = serializers.DateField(
        required=False, help_text="A session, e.g. 2024-05-31; omitted: the latest that the version has published"
    )


class ReadingView(MarketView):
    """A view of one instrument on one session by one version: what it shows follows from the record of the market, from
    what is published and from the versions."""

    parameters = ExplanationParameters
    pagination_class = None
    depends = (versions.GENERATION,)

    def parse_request(self, request: Request, code: str) -> tuple[ScannerVersion, tuple[str, str], date | None]:
        """The version, the instrument's code and name, and the requested session (None: the version's latest)."""
        query = self.query_values(request)
        version = parameters.chosen_version(self.market.name, query)
        instrument = instrument_or_404(self.market.name, code)
        if "date" in query:
            parameters.require_session(self.market, query["date"])
        return version, (instrument.code, instrument.name), query.get("date")


class Explain(ReadingView):
    """Every filter, signal, gate and risk of an instrument on a session, with value, threshold and verdict."""

    serializer_class = ExplanationBody

    @extend_schema(
        operation_id="stock_explain",
        tags=["stocks"],
        parameters=[MARKET, CODE, ExplanationParameters],
        responses={200: ExplanationBody, **NOT_MODIFIED, **error_responses(400, 404, 409, 503)},
    )
    def get(self, request: Request, market: str, code: str) -> HttpResponseBase:
        version, (code, name), day = self.parse_request(request, code)
        explanation = explain.explain_instrument(
            market=self.market.name, version=version, code=code, day=day, as_of=timezone.now()
        )
        body = responses.to_json(ExplanationBody(explanation_body(self.market, code, name, explanation)).data)
        return responses.json_response(request, body, changed=self.valid_since(explanation, day))

    def valid_since(self, explanation: Explanation, day: date | None) -> datetime | None:
        """Since when this has been the answer. Where neither the caller nor anything published named the session, it
        is the last one that has closed: not before its close."""
        if day is not None or explanation.session is not None:
            return self.last_modified()
        return responses.latest_time(
            [self.last_modified(), evaluation_cache.closing_moment(self.market.name, explanation.date)]
        )


def explanation_body(market: Market, code: str, name: str, explanation: Explanation) -> dict[str, Any]:
    """An explanation as its body has it."""
    session, version = explanation.session, explanation.version
    pick = explanation.checks.rank(code)
    return {
        "market": market.name,
        "currency": market.currency,
        "code": code,
        "name": name,
        "date": explanation.date,
        "scanner_version": version.slug,
        "engine": version.engine,
        "revision": ENGINES[version.engine].revision,
        "parameters": {
            "source": "run" if session else "version",
            "run": session.run_id if session else None,
            "values": dict(explanation.parameters),
            "reproduces": explanation.reproduces,
        },
        "day": _day(explanation.checks),
        "pick": pick and add_order_prices(pick, market=market.name, session=explanation.date),
        "flow": flows.get_flow_figures(market.name, {(code, explanation.date)}).get((code, explanation.date)),
        "checks": explanation.checks.checks,
    }


def _day(explained: run.InstrumentChecks) -> dict[str, Any]:
    """The fields of the session's answer, and the rule behind its regime."""
    values = {field.name: getattr(explained.answer, field.name) for field in fields(explained.answer)}
    return {**values, "regime_rule": rule_json(explained.regime_rule)}


class Analyse(ReadingView):
    """A reading of one pick: what fired, what did not, regime, plan, and how such picks fared before. Deterministic; a
    narrative stands beside it where a server that writes is configured. Then there is no Last-Modified: the time of
    that server's next text is unknown."""

    serializer_class = AnalysisBody

    @extend_schema(
        operation_id="analysis",
        tags=["analysis"],
        parameters=[MARKET, CODE, ExplanationParameters],
        responses={200: AnalysisBody, **NOT_MODIFIED, **error_responses(400, 404, 409, 503)},
    )
    def get(self, request: Request, market: str, code: str) -> HttpResponseBase:
        version, (code, name), day = self.parse_request(request, code)
        analysis = analyse.analyse_pick(
            market=self.market, version=version, code=code, name=name, day=day, as_of=timezone.now()
        )
        data = analysis_body(analysis)
        has_narrator = data["narrative"]["state"] in ("made", "failed")
        body = responses.to_json(AnalysisBody(data).data)
        return responses.json_response(request, body, changed=None if has_narrator else self.last_modified())


def analysis_body(analysis: Analysis) -> dict[str, Any]:
    """An analysis as its body has it."""
    return {
        **explanation_body(analysis.market, analysis.code, analysis.name, analysis.explanation),
        "status": analysis.session.status,
        "pick": analysis.pick,
        "fired": [check for check in analysis.checks if check.holds],
        "not_fired": [check for check in analysis.checks if not check.holds],
        "base_rates": {
            "first": analysis.rates.first,
            "last": analysis.rates.last,
            "revision": REVISION,
            "market_regime": analysis.rates.regime,
            "market_regime_rule": rule_json(analysis.rates.regime_rule),
            "instruments": analysis.rates.instruments,
            "gone": analysis.rates.gone,
            "rates": analysis.such,
        },
        "narrative": narrative_body(analysis),
    }


def narrative_body(analysis: Analysis) -> dict[str, str]:
    """The narrative, or why there is none."""
    body = {"state": "not_picked" if analysis.pick is None else "off", "text": "", "model": ""}
    narrative = analyse.pick_narrative(analysis)
    if isinstance(narrative, Narrative):
        body |= {"state": "made", "text": narrative.text, "model": narrative.model}
    elif narrative is not None:
        return body | {"state": "failed", "reason": narrative}
    return body | {"reason": ""}
