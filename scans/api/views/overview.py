"""Everything that is kept of an instrument, in one answer."""

from __future__ import annotations

from typing import Any

from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from marketdata.api.schema import CODE, MARKET
from marketdata.api.stocks import instrument_or_404
from marketdata.api.views import InstrumentView
from marketdata.queries import flows, instruments
from marketdata.queries.bar_summary import summarize_bars
from marketdata.queries.history import get_history, get_instrument_table
from marketdata.web.api.response_cache import make_response_cache
from marketdata.web.api.schema import NOT_MODIFIED, error_responses
from scans.api.serializers.flows import attach_flows
from scans.api.serializers.overview import LATEST, OverviewBody
from scans.api.serializers.signals import attach_distances
from scans.api.views.picks import signal_rows
from scans.queries import results, versions
from scans.queries.order_prices import tick_size


class StockOverview(InstrumentView):
    """An instrument's bars, flow, statuses, picks and signals in short."""

    serializer_class = OverviewBody
    pagination_class = None
    depends = (versions.GENERATION,)
    response_cache = make_response_cache("prices", "overview")

    @extend_schema(
        operation_id="stock_overview",
        tags=["stocks"],
        parameters=[MARKET, CODE],
        responses={200: OverviewBody, **NOT_MODIFIED, **error_responses(400, 404)},
    )
    def get(self, request: Request, market: str, code: str) -> HttpResponseBase:
        """One instrument in one answer: its latest bar and a summary of its bars, investor flow, what sources said of
        its membership, and its latest picks and signals with their order prices."""
        return self.cached_response(lambda: self.body(code))

    def body(self, code: str) -> dict[str, Any]:
        """The overview, in a fixed number of queries."""
        market = self.market.name
        instrument: Any = instruments.prefetch_statuses(instrument_or_404(market, code))
        table = get_instrument_table(market, tuple(self.market_state()))
        history, calendar = get_history(table, instrument.code), table.sessions.calendar
        bar, day = instruments.get_latest_bar(instrument), instrument.last_bar
        figures = flows.get_flow_figures(market, {(instrument.code, day)} if day else (), calendar)
        picks = list(results.instrument_picks(market, instrument.code)[:LATEST])
        attach_flows(picks, calendar)
        signals = list(signal_rows(market).filter(code=instrument.code).order_by("-picked_on", "-pk")[:LATEST])
        attach_distances(signals, calendar)
        instrument.bars = history and summarize_bars(history)
        instrument.valuation = instruments.get_valuation(market, instrument.code)
        where = {"market": market, "segment": instrument.segment, "code": instrument.code}
        instrument.tick = bar and tick_size(bar.close, session=bar.date, **where)
        instrument.flow = figures.get((instrument.code, day))
        instrument.picks, instrument.signals = picks, signals
        context = {"market": self.market, "latest_bar": bar}
        return OverviewBody(instrument, context=context).data
