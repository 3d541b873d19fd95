"""Live quotes over the API."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from marketdata.api.schema import MARKET
from marketdata.api.views import MarketView
from marketdata.operations.forming import QuotesUnavailable
from marketdata.operations.live_quotes import MOST_CODES, live_quotes
from marketdata.queries.instruments import get_instruments
from marketdata.session_phases import Phase
from marketdata.web.api.problems import Problem
from marketdata.web.api.schema import error_responses


class QuoteParameters(serializers.Serializer[Any]):
    codes = serializers.CharField(max_length=25 * MOST_CODES, help_text=f"At most {MOST_CODES}, e.g. 005930,000660")

    def validate_codes(self, text: str) -> list[str]:
        codes = list(dict.fromkeys(code for part in text.split(",") if (code := part.strip())))
        if not 0 < len(codes) <= MOST_CODES:
            raise serializers.ValidationError(f"From 1 to {MOST_CODES} codes, separated by commas: not {len(codes)}.")
        return codes


class QuoteRow(serializers.Serializer[Any]):
    """An instrument's day so far, prices raw; open, high and low are null where it has not traded."""

    code = serializers.CharField()
    price = serializers.FloatField(help_text="The last one, of an earlier session where it has not traded")
    change_pct = serializers.FloatField(allow_null=True, help_text="From the base price of the day")
    open = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)
    low = serializers.FloatField(allow_null=True)
    volume = serializers.FloatField(help_text="Shares")
    base_price = serializers.FloatField(allow_null=True)
    read_at = serializers.DateTimeField(help_text="By the clock of the source")
    phase = serializers.ChoiceField(choices=[str(phase) for phase in Phase], help_text="Of the session at that time")


class QuotesBody(serializers.Serializer[Any]):
    """Quotes of a session that trades, or has traded today."""

    market = serializers.CharField(help_text="The market of the quotes")
    session = serializers.DateField(help_text="The session of the day")
    currency = serializers.CharField()
    quotes = QuoteRow(many=True, help_text="By code")
    missing = serializers.ListField(child=serializers.CharField(), help_text="Codes without a whole quote")


class Quotes(MarketView):
    """Quotes of a few instruments, read now or within the last half minute."""

    serializer_class = QuotesBody
    pagination_class = None
    parameters = QuoteParameters

    @extend_schema(
        operation_id="quotes",
        tags=["stocks"],
        parameters=[MARKET, QuoteParameters],
        responses={200: QuotesBody, **error_responses(400, 404, 409, 503)},
    )
    def get(self, request: Request, market: str) -> Response:
        """The last prices of a watchlist, each with its time and the phase of the session. Each is read at
        most once in half a minute for all callers, and never recorded. Outside the hours in which a last
        price is that of a trade, and without a source that answers, there are none: no earlier price is shown for a
        live one."""
        codes = self.query_values(request)["codes"]
        recorded = set(get_instruments(self.market.name).filter(code__in=codes).values_list("code", flat=True))
        if unknown := [code for code in codes if code not in recorded]:
            raise Problem("unknown_stock", f"Market {self.market.name} has no instrument {', '.join(unknown[:5])}.")
        try:
            answer = live_quotes(self.market.name, codes, clock=timezone.now)
        except QuotesUnavailable as error:
            raise Problem("no_quotes", str(error), status_code=503, wait=30) from error
        return Response(
            {
                "market": answer.market,
                "session": str(answer.session),
                "currency": self.market.currency,
                "quotes": QuoteRow(answer.quotes, many=True).data,
                "missing": list(answer.missing),
            }
        )
