"""What is read out of one instrument on one session: why a version picked it, or not."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from marketdata.api.schema import CODE, MARKET, UNCHANGED, problems
from marketdata.api.stocks import instrument_or_404
from marketdata.api.views import MarketView, etag, not_modified, tagged
from marketdata.markets import Market
from scans.api import asking
from scans.api.asking import ForVersion
from scans.api.reading_forms import Explained
from scans.engines.registry import ENGINES
from scans.operations import explaining
from scans.operations.explaining import Explanation


class ForExplanation(ForVersion):
    date = serializers.DateField(
        required=False,
        help_text="A session, e.g. 2024-05-31; omitted: the latest that the version has published",
    )


class Explain(MarketView):
    """Every filter, signal, gate and risk of an instrument on a session, with value, threshold and verdict."""

    serializer_class = Explained
    parameters = ForExplanation
    pagination_class = None

    @extend_schema(
        operation_id="stock_explain",
        tags=["stocks"],
        parameters=[MARKET, CODE, ForExplanation],
        responses={200: Explained, **UNCHANGED, **problems(400, 404, 409, 503)},
    )
    def get(self, request: Request, market: str, code: str) -> Response:
        given = self.given(request)
        version = asking.version(self.market.name, given)
        name = instrument_or_404(self.market.name, code).name
        if "date" in given:
            asking.refuse_no_session(self.market, given["date"])
        found = explaining.explanation(
            market=self.market.name,
            version=version,
            code=code,
            day=given.get("date"),
            as_of=timezone.now(),
        )
        told = explained(self.market, code, name, found)
        tag = etag(
            [found.explained.answer.input_digest, told["parameters"], code, name, version.slug]
        )
        return not_modified(request, tag) or tagged(Response(Explained(told).data), tag)


def explained(market: Market, code: str, name: str, found: Explanation) -> dict[str, Any]:
    """An explanation as its body has it."""
    session, version = found.session, found.version
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
        "day": found.explained.answer,
        "pick": found.explained.rank(code),
        "checks": found.explained.checks,
    }
