"""What is read out of one instrument on one session: why a version picked it, or not, and what to make of that."""

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
from scans.api.serializers.explain import Explained
from scans.engines.registry import ENGINES
from scans.models import ScannerVersion
from scans.narrative.client import Narrative
from scans.operations.analysis import analyse, explain
from scans.operations.analysis.analyse import Analysis
from scans.operations.analysis.explain import Explanation
from scans.operations.evaluation import evaluation_cache
from scans.operations.scan import run
from scans.order_prices import add_order_prices
from scans.queries import versions
from scans.queries.regime_rules import rule_json


class ExplanationParameters(VersionParameters):
    date = serializers.DateField(
        required=False,
        help_text="A session, e.g. 2024-05-31; omitted: the latest that the version has published",
    )


class ReadingView(MarketView):
    """A view of one instrument on one session by one version: what it shows follows from the record of the market, from
    what is published and from the versions."""

    parameters = ExplanationParameters
    pagination_class = None
    depends = (versions.GENERATION,)

    def asked(self, request: Request, code: str) -> tuple[ScannerVersion, tuple[str, str], date | None]:
        """The version, the instrument's code and name, and the session asked for (None: the version's latest)."""
        given = self.query_values(request)
        version = parameters.chosen_version(self.market.name, given)
        instrument = instrument_or_404(self.market.name, code)
        if "date" in given:
            parameters.require_session(self.market, given["date"])
        return version, (instrument.code, instrument.name), given.get("date")


class Explain(ReadingView):
    """Every filter, signal, gate and risk of an instrument on a session, with value, threshold and verdict."""

    serializer_class = Explained

    @extend_schema(
        operation_id="stock_explain",
        tags=["stocks"],
        parameters=[MARKET, CODE, ExplanationParameters],
        responses={200: Explained, **NOT_MODIFIED, **error_responses(400, 404, 409, 503)},
    )
    def get(self, request: Request, market: str, code: str) -> HttpResponseBase:
        version, (code, name), day = self.asked(request, code)
        found = explain.explain_instrument(
            market=self.market.name,
            version=version,
            code=code,
            day=day,
            as_of=timezone.now(),
        )
        body = responses.to_json(Explained(explanation_body(self.market, code, name, found)).data)
        return responses.json_response(request, body, changed=self.known(found, day))

    def known(self, found: Explanation, day: date | None) -> datetime | None:
        """Since when this has been the answer. Where neither the caller nor anything published named the session, it
        is the last one that has closed: not before its close."""
        if day is not None or found.session is not None:
            return self.last_modified()
        return responses.latest_time(
            [self.last_modified(), evaluation_cache.closing_moment(self.market.name, found.date)]
        )


def explanation_body(market: Market, code: str, name: str, found: Explanation) -> dict[str, Any]:
    """An explanation as its body has it."""
    session, version = found.session, found.version
    pick = found.checks.rank(code)
    return {
        "market": market.name,
        "currency": market.currency,
        "code": code,
        "name": name,
        "date": found.date,
        "scanner_version": version.slug,
        "engine": version.engine,
        "revision": ENGINES[version.engine].revision,
        "parameters": {
            "source": "run" if session else "version",
            "run": session.run_id if session else None,
            "values": dict(found.parameters),
            "reproduces": found.reproduces,
        },
        "day": _day(found.checks),
        "pick": pick and add_order_prices(pick, market=market.name, session=found.date),
        "flow": flows.get_flow_figures(market.name, {(code, found.date)}).get((code, found.date)),
        "checks": found.checks.checks,
    }


def _day(one: run.InstrumentChecks) -> dict[str, Any]:
    """What held on the session: its answer, and the rule behind its regime."""
    held = {part.name: getattr(one.answer, part.name) for part in fields(one.answer)}
    return {**held, "regime_rule": rule_json(one.regime_rule)}


class Analyse(ReadingView):
    """A reading of one pick: what fired, what did not, regime, plan, and how such picks fared before. Deterministic; a
    narrative stands beside it where a server that writes is configured. Then there is no Last-Modified: nobody knows
    when that server will write, or write again."""

    serializer_class = AnalysisBody

    @extend_schema(
        operation_id="analysis",
        tags=["analysis"],
        parameters=[MARKET, CODE, ExplanationParameters],
        responses={200: AnalysisBody, **NOT_MODIFIED, **error_responses(400, 404, 409, 503)},
    )
    def get(self, request: Request, market: str, code: str) -> HttpResponseBase:
        version, (code, name), day = self.asked(request, code)
        found = analyse.analyse_pick(
            market=self.market,
            version=version,
            code=code,
            name=name,
            day=day,
            as_of=timezone.now(),
        )
        told = analysis_body(found)
        writes = told["narrative"]["state"] in ("made", "failed")
        body = responses.to_json(AnalysisBody(told).data)
        return responses.json_response(request, body, changed=None if writes else self.last_modified())


def analysis_body(found: Analysis) -> dict[str, Any]:
    """An analysis as its body has it."""
    return {
        **explanation_body(found.market, found.code, found.name, found.explanation),
        "status": found.session.status,
        "pick": found.pick,
        "fired": [one for one in found.checks if one.holds],
        "not_fired": [one for one in found.checks if not one.holds],
        "base_rates": {
            "first": found.rates.first,
            "last": found.rates.last,
            "market_regime": found.rates.regime,
            "market_regime_rule": rule_json(found.rates.regime_rule),
            "rates": found.such,
        },
        "narrative": narrative_body(found),
    }


def narrative_body(found: Analysis) -> dict[str, str]:
    """The narrative, or why there is none."""
    told = {"state": "not_picked" if found.pick is None else "off", "text": "", "model": ""}
    written = analyse.pick_narrative(found)
    if isinstance(written, Narrative):
        told |= {"state": "made", "text": written.text, "model": written.model}
    elif written is not None:
        return told | {"state": "failed", "reason": written}
    return told | {"reason": ""}
