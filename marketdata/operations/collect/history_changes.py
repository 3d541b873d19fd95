"""Detection of instruments whose recorded history differs from that of their source now.

- The oldest recorded bar that was answered again has other prices: the change may reach further back than the request.
- A base price that is not the close before: a split, a rights issue, a reduction: the occasions on which sources
  adjust their history.
- A quote whose base price is not the recorded close before it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from itertools import pairwise

from django.db.models import Min

from marketdata.models import StockPrice
from marketdata.operations.collect.plan import CollectionPlan
from marketdata.session_activity import is_copy
from marketdata.sources.daily import BarAnswer, BarRequest, Quote

PRICES = ("open", "high", "low", "close")
Results = Sequence[tuple[BarRequest, BarAnswer]]


def refetch_requests(plan: CollectionPlan, results: Results) -> dict[str, BarRequest]:
    """By code a request for the whole recorded history of each instrument of `results` that shows a sign. Call it
    before the results are recorded."""
    requests = [request for request, _ in results]
    source_rows = StockPrice.objects.filter(
        market=plan.market.name, source=plan.source, stock_code__in={request.code for request in requests}
    )
    first_days = dict(source_rows.values_list("stock_code").annotate(Min("date")).order_by())
    if not first_days:
        return {}
    window = source_rows.filter(date__gte=min(request.start for request in requests))
    recorded = {(code, day): prices for code, day, *prices in window.values_list("stock_code", "date", *PRICES)}
    refetches = {}
    for request, answer in results:
        first = first_days.get(request.code)
        if first and first < request.start and _has_changed(answer, recorded):
            refetches[request.code] = BarRequest(request.code, first, plan.last)
    return refetches


def _has_changed(answer: BarAnswer, recorded: Mapping[tuple[str, date], list[float]]) -> bool:
    bars = answer.bars
    recorded_again = [bar for bar in bars if (bar.code, bar.session) in recorded]
    if recorded_again:
        oldest = recorded_again[0]
        prices = [oldest.open, oldest.high, oldest.low, oldest.close]
        if prices != recorded[oldest.code, oldest.session]:
            return True
    return any(
        later.base_price is not None
        and later.base_price != earlier.close
        and (later.code, later.session) not in recorded
        # The close before is missing where a row between the two lacked values.
        and not any(earlier.session < last and first < later.session for first, last in answer.spoiled)
        for earlier, later in pairwise(bars)
    )


def doubtful_quotes(plan: CollectionPlan, quotes: Sequence[Quote]) -> Collection[str]:
    """The codes of `quotes` whose bars must be requested: quotes that lack a value, whose prices and volume contradict
    each other, or that have no bar to compare with. A quote does not state its day: where half of the traded ones
    repeat the session before to the last share, the exchange was closed, and all are doubtful."""
    before = _bars_before(plan, [quote.code for quote in quotes])
    doubtful, repeated = set(), 0
    for quote in quotes:
        bar = before.get(quote.code)
        if bar is None or not quote.is_whole:
            doubtful.add(quote.code)
            continue
        close = bar[3]
        if quote.base_price != close:
            doubtful.add(quote.code)
        values = (quote.open, quote.high, quote.low, quote.price, quote.volume)
        repeated += bool(quote.volume) and values == bar
    traded = sum(bool(quote.volume) for quote in quotes)
    return {quote.code for quote in quotes} if is_copy(traded, repeated) else doubtful


def _bars_before(plan: CollectionPlan, codes: Sequence[str]) -> dict[str, tuple[float, ...]]:
    """Open, high, low, close and volume of each code on the session before the last; of several sources any that is
    the same everywhere."""
    rows = StockPrice.objects.filter(market=plan.market.name, date=plan.before_last(1), stock_code__in=codes).order_by(
        "pk"
    )
    fields = ("stock_code", "open", "high", "low", "close", "volume")
    return {code: tuple(bar) for code, *bar in rows.values_list(*fields)}
