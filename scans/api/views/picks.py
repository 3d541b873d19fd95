"""One instrument's picks, and signals."""

from __future__ import annotations

from functools import cache
from typing import Any

import django_filters
from django.db.models import F, Q, QuerySet
from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from marketdata.api.schema import CODE, MARKET
from marketdata.api.stocks import instrument_or_404
from marketdata.api.views import MarketList
from marketdata.queries.instrument_search import instrument_fits
from marketdata.web.api import downloads, serializers
from marketdata.web.api.filters import ChoiceFilter
from marketdata.web.api.pagination import ListPagination
from marketdata.web.api.response_cache import make_response_cache
from marketdata.web.api.schema import NOT_MODIFIED, error_responses
from marketdata.web.api.views import download_rows
from scans.api.parameters import ReadingFilter, VersionFilter, date_range_filters
from scans.api.serializers.flows import with_flows
from scans.api.serializers.plans import Plan
from scans.api.serializers.scans import Pick
from scans.api.serializers.signals import SignalBody, with_distances
from scans.models import ScanRank, Signal, SignalStatus
from scans.queries import results, versions


class PickFilter(date_range_filters("date")):  # type: ignore[misc]
    scanner_version = VersionFilter(field_name="scanner_version")
    reading = ReadingFilter("session__")


class PickPagination(ListPagination):
    orders = {"-date": ("-date", "-pk"), "rank": ("rank", "-date", "-pk"), "-score": ("-score", "-date", "-pk")}


class StockScans(MarketList):
    """The sessions on which versions picked an instrument, the latest first."""

    model = ScanRank
    serializer_class = Pick
    filterset_class = PickFilter
    pagination_class = PickPagination
    depends = (versions.GENERATION,)

    def rows(self) -> QuerySet[ScanRank]:
        return results.instrument_picks(self.market.name, self.kwargs["code"])

    def table(self, rows: QuerySet[ScanRank]) -> downloads.Table:
        serializer = serializers.select_members(self.get_serializer(), self.fields)
        picks = with_flows(download_rows(self.paginator, rows, self.request))
        return downloads.Table(downloads.columns(serializer), (serializer.to_representation(row) for row in picks))

    @extend_schema(
        operation_id="stock_scans",
        tags=["stocks"],
        parameters=[MARKET, CODE],
        responses={200: Pick(many=True), **NOT_MODIFIED, **error_responses(400, 404)},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.kwargs["code"] = instrument_or_404(self.market.name, kwargs["code"]).code
        return super().get(request, *args, **kwargs)


CLOSED = "closed"


class StatusFilter(django_filters.BaseInFilter, ChoiceFilter):  # type: ignore[misc]
    """Rows of one or several statuses, separated by commas."""


class SignalFilter(date_range_filters("picked_on")):  # type: ignore[misc]
    status = StatusFilter(
        method="filter_status",
        choices=[(CLOSED, "ended, however"), *SignalStatus.choices],
        help_text=f"One or several, e.g. waiting,open; {CLOSED}: all that have ended",
    )
    scanner_version = VersionFilter(field_name="scanner_version")
    code = django_filters.CharFilter(max_length=24, help_text="e.g. 005930")
    search = django_filters.CharFilter(
        method="search_names", max_length=120, help_text="Part of a name, or the beginning of a code, e.g. 0059"
    )

    def filter_status(self, rows: QuerySet[Signal], _: str, statuses: list[str]) -> QuerySet[Signal]:
        kept = Q(status__in=statuses)
        return rows.filter(kept | ~Q(status__in=results.OPEN) if CLOSED in statuses else kept)

    def search_names(self, rows: QuerySet[Signal], _: str, text: str) -> QuerySet[Signal]:
        return rows.filter(instrument_fits(text))


class SignalPagination(ListPagination):
    orders = {
        "-picked_on": ("-picked_on", "-pk"),
        "code": ("code", "-picked_on", "-pk"),
        "-return_pct": ("-return_pct", "-pk"),
        "-sessions_held": ("-sessions_held", "-pk"),
        "-exit_on": ("-exit_on", "-pk"),
    }


SIGNAL_FIELDS = {field.name for field in Signal._meta.fields} & set(SignalBody.Meta.fields) - {
    "rank",
    "scanner_version",
}
JOINED_FIELDS: dict[str, F] = {
    "version_slug": F("scanner_version__slug"),
    "picked_rank": F("rank__rank"),
    "name": F("rank__name"),
    **{str(name): F(f"rank__{name}") for name in Plan().get_fields() if name not in ("order", "tick")},
    "close": F("rank__close"),
    "date": F("rank__date"),
    "segment": F("rank__segment"),
}
"""The columns read of each signal, and of its pick and its version: as columns, for objects of all three
would take longer to make than to read."""


@cache
def signal_rows(market: str) -> QuerySet[Signal]:
    """A market's signals with what is read of each: to be copied, for to make it takes as long as to read a page."""
    return results.market_signals(market).only("market", *SIGNAL_FIELDS).annotate(**JOINED_FIELDS)


class Signals(MarketList):
    """Picks with a plan and what became of them, the latest picks first."""

    model = Signal
    serializer_class = SignalBody
    filterset_class = SignalFilter
    pagination_class = SignalPagination
    depends = (versions.GENERATION,)
    response_cache = make_response_cache("signals", "signals")

    def rows(self) -> QuerySet[Signal]:
        return signal_rows(self.market.name).all()

    def table(self, rows: QuerySet[Signal]) -> downloads.Table:
        serializer = serializers.select_members(self.get_serializer(), self.fields)
        signals = with_distances(download_rows(self.paginator, rows, self.request))
        return downloads.Table(downloads.columns(serializer), map(serializer.to_representation, signals))

    @extend_schema(
        operation_id="signals",
        tags=["signals"],
        parameters=[MARKET],
        responses={200: SignalBody(many=True), **NOT_MODIFIED, **error_responses(400, 404)},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return super().get(request, *args, **kwargs)
